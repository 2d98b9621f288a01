"""HTTPS at the edge: what is spoken, what is refused, redirects, and server names."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from embedded_edge.app import Edge
from embedded_edge.config import load_config
from embedded_edge.schema import ConfigError
from embedded_edge.tls import Tls
from testing.conformance.serving import serving
from testing.edge import Backend, Document, document, get, send


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "edge.test")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("edge.test"), x509.DNSName("other.test")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Tls(folder / "cert.pem", folder / "key.pem")


@asynccontextmanager
async def https(given: Document, backend: Backend, files: Tls) -> AsyncIterator[int]:
    async with serving(Edge(load_config(given), {"127.0.0.1:8081": backend}), files) as port:
        yield port


async def ask(port: int, files: Tls, name: str = "edge.test", **limits: ssl.TLSVersion) -> tuple[bytes, str]:
    """The answer and the version that was spoken."""
    context = ssl.create_default_context(cafile=str(files.certificate))
    for limit, version in limits.items():
        setattr(context, limit, version)
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, server_hostname=name, ssl_handshake_timeout=5
        )
        try:
            writer.write(get())
            answer = await reader.read()
            return answer, writer.get_extra_info("ssl_object").version()
        finally:
            writer.close()


async def test_a_request_over_tls_arrives_as_such(files: Tls, backend: Backend) -> None:
    async with https(document(), backend, files) as port:
        answer, version = await ask(port, files)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert version == "TLSv1.3"
    assert backend.header("x-forwarded-proto") == ["https"]


async def test_tls_1_2_is_spoken_and_nothing_older(files: Tls, backend: Backend) -> None:
    async with https(document(), backend, files) as port:
        _, version = await ask(port, files, maximum_version=ssl.TLSVersion.TLSv1_2)
    assert version == "TLSv1.2"
    context = files.context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    old = [row["name"] for row in context.get_ciphers() if row["protocol"] == "TLSv1.2"]
    assert old
    assert all(name.startswith("ECDHE-") and ("GCM" in name or "POLY1305" in name) for name in old)


async def test_plain_http_on_the_tls_port_is_not_answered(files: Tls, backend: Backend) -> None:
    async with https(document(), backend, files) as port:
        try:
            answer = await send(port, get())
        except ConnectionError:
            answer = b""
    assert not answer.startswith(b"HTTP/")
    assert backend.scopes == []


async def test_a_route_for_https_redirects_who_comes_without(files: Tls, backend: Backend) -> None:
    given = document()
    given["services"][0]["routes"][0].update(protocols=["https"], https_redirect_status_code=308)
    edge = Edge(load_config(given), {"127.0.0.1:8081": backend})
    async with serving(edge) as plain, serving(edge, files) as secure:
        redirect = await send(plain, get("/v1/models?a=b"))
        answer, _ = await ask(secure, files)
    assert redirect.startswith(b"HTTP/1.1 308 Permanent Redirect\r\n")
    assert b"\r\nLocation: https://edge.test/v1/models?a=b\r\n" in redirect
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_route_can_ask_for_the_name_of_the_handshake(files: Tls, backend: Backend) -> None:
    given = document()
    given["services"][0]["routes"][0]["snis"] = ["other.test"]
    async with https(given, backend, files) as port:
        refused, _ = await ask(port, files)
        taken, _ = await ask(port, files, "other.test")
    assert refused.startswith(b"HTTP/1.1 404 ")
    assert taken.startswith(b"HTTP/1.1 200 ")


def test_files_that_cannot_be_used_are_refused_by_name(files: Tls, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        Tls(files.certificate, tmp_path / "nowhere").context()
    with pytest.raises(ConfigError, match=r"cert\.pem"):
        Tls(files.certificate, files.certificate).context()
