"""The backend's certificate, TLS 1.2 and 1.3: a new pair of files replaces the old one without a restart."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import structlog
from cryptography import x509

#: How often the files are looked at. cert-manager renews weeks before the end.
LOOK_EVERY_S = 5.0


class TlsError(ValueError):
    """The files are no certificate and its key. The message names both and never quotes the key."""


class ServerTls:
    """A certificate with its chain, and its key, both PEM; the key has no passphrase. Raises TlsError.

    `context` is what a listener shows for as long as it runs. A handshake gets the pair that was loaded last;
    connections stay as they are.
    """

    def __init__(
        self, certificate: Path, key: Path, on_loaded: Callable[[float], None] = lambda _: None
    ) -> None:
        """``on_loaded`` is told when the certificate ends (epoch s), now and after each change."""
        self._files = (certificate, key)
        self._on_loaded = on_loaded
        self._seen = self._state()
        self.context = self._current = self._load()
        self.context.sni_callback = self._show_current

    async def watch(self, every_s: float = LOOK_EVERY_S) -> None:
        """Load what has changed, until cancelled. A pair that is not good leaves the old one in place."""
        while True:
            await asyncio.sleep(every_s)
            self.reload()

    def reload(self) -> None:
        """Load the files if they are not those that were seen last."""
        state = self._state()
        if state == self._seen:
            return
        # Seen before they are read: if they change meanwhile, the next look finds that.
        self._seen = state
        log = structlog.get_logger("gateway.tls")
        try:
            self._current = self._load()
        except TlsError as error:
            log.error("certificate_not_reloaded", error=str(error))
        else:
            log.info("certificate_reloaded", file=str(self._files[0]))

    def _load(self) -> ssl.SSLContext:
        """A whole context: one that is in use would be left with half of a bad pair."""
        certificate, key = self._files
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(certificate, key, password=_no_passphrase)
            ends = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc.timestamp()
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            raise TlsError(f"{certificate} and {key} are no certificate and its key: {reason}") from None
        self._on_loaded(ends)
        return context

    def _show_current(self, connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        connection.context = self._current

    def _state(self) -> tuple[tuple[int, int, int] | None, ...]:
        """What changes with a file, and with a symbolic link on the way to it."""
        return tuple(_state_of(file) for file in self._files)


def _state_of(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _no_passphrase() -> str:
    raise ValueError("the key asks for a passphrase")
