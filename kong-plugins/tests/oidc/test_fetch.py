"""One document, in time and in size, from the right machine."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from oidc.fetch import FetchError, get
from testing.identity_provider import Fault, IdentityProvider, identity_provider


def test_the_body_of_a_200(idp: IdentityProvider) -> None:
    assert b'"keys"' in get(idp.jwks_uri)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("refuse", "RemoteDisconnected"),
        ("status", "status 500"),
        ("redirect", "status 302"),
        ("huge", "more than 262144 bytes"),
    ],
)
def test_what_else_comes_is_an_error(fault: Fault, says: str, idp: IdentityProvider) -> None:
    idp.fault = fault
    with pytest.raises(FetchError, match=says):
        get(idp.jwks_uri)
    assert idp.asked == ["/realm/keys"]


@pytest.mark.parametrize("fault", ["stall", "drip"])
def test_the_deadline_holds_however_little_comes(fault: Fault) -> None:
    begun = time.monotonic()
    with identity_provider() as slow:
        slow.fault = fault
        with pytest.raises(FetchError):
            get(slow.jwks_uri, deadline_s=0.4)
        assert time.monotonic() - begun < 3


def test_an_answer_that_breaks_off_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"keys": []}')

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(FetchError, match="broke off"):
            get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join(5)


def test_nobody_there_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(FetchError, match="refused"):
        get(f"http://127.0.0.1:{port}/")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` with its key, in one file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    file.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return file


@pytest.fixture
def over_tls(certificate: Path) -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = provider.server
        # The handshake is left to the thread that serves the connection.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        yield provider


def test_over_tls_the_certificate_must_be_trusted(over_tls: IdentityProvider, certificate: Path) -> None:
    url = over_tls.jwks_uri.replace("http://127.0.0.1", "https://localhost")
    assert b'"keys"' in get(url, str(certificate))
    with pytest.raises(FetchError, match="not trusted"):
        get(url)


def test_over_tls_the_name_must_be_right(over_tls: IdentityProvider, certificate: Path) -> None:
    url = over_tls.jwks_uri.replace("http://", "https://")
    with pytest.raises(FetchError, match="not trusted"):
        get(url, str(certificate))


def test_a_handshake_that_stalls_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        begun = time.monotonic()
        with pytest.raises(FetchError):
            get(f"https://127.0.0.1:{listener.getsockname()[1]}/", deadline_s=0.4)
        assert time.monotonic() - begun < 3
