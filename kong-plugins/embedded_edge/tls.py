"""TLS at the edge: a certificate by file, TLS 1.2 and 1.3, ciphers with forward secrecy only."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

from embedded_edge.schema import ConfigError

# Of Kong's `ssl_cipher_suite: intermediate` what has forward secrecy. TLS 1.3 has its own.
_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate with its chain, and its key, both PEM. The key has no passphrase."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """ConfigError names the file that cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_CIPHERS)
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = _remember_name
        for path in (self.certificate, self.key):
            if not path.is_file():
                raise ConfigError(f"TLS: there is no file {path}")
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_passphrase)
        except (ssl.SSLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error.strerror if isinstance(error, OSError) else error
            raise ConfigError(
                f"TLS: {self.certificate} and {self.key} are no certificate and its key: {reason}"
            ) from None
        return context


def server_name(transport: asyncio.BaseTransport) -> str | None:
    """The name that the client asked for in its handshake; None without TLS, empty if it named none."""
    connection = transport.get_extra_info("ssl_object")
    return None if connection is None else getattr(connection, "portcullis_sni", None) or ""


def _remember_name(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
    connection.portcullis_sni = name  # type: ignore[attr-defined]


def _no_passphrase() -> str:
    raise ValueError("the key asks for a passphrase")
