"""Certificates for tests: an authority of its own, and pairs of files that it has signed."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_PEM = serialization.Encoding.PEM
_DAY = datetime.timedelta(days=1)


class Authority:
    """Signs; `file` holds its certificate. Nobody knows it who has not been given that file."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        certificate = _certificate(self._name, self._name, self._key, _DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.file = folder / f"{name}.crt"
        self.file.write_bytes(certificate.sign(self._key, hashes.SHA256()).public_bytes(_PEM))

    def pair(self, folder: Path, *names: str, life: datetime.timedelta = _DAY) -> tuple[Path, Path]:
        """`tls.crt` and `tls.key` in that folder, each by rename, for these names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(_name(names[0]), self._name, key, life).add_extension(
            x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
        )
        private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        public = certificate.sign(self._key, hashes.SHA256()).public_bytes(_PEM)
        return _replace(folder / "tls.crt", public), _replace(folder / "tls.key", private)

    def client(self) -> ssl.SSLContext:
        """What a client has that believes this authority and no other."""
        return ssl.create_default_context(cafile=str(self.file))


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, life: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + life)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _replace(path: Path, content: bytes) -> Path:
    new = path.with_name(f".{path.name}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    return new.replace(path)
