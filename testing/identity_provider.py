"""A small identity provider on a socket: discovery, JWKS, rotation, tokens, and ways in which one fails."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

AUDIENCE = "portcullis"
Fault = Literal["none", "refuse", "status", "garbage", "huge", "stall", "drip", "redirect", "other-issuer"]

_EC = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def private_key(algorithm: str) -> Any:
    """A fresh key that signs with that algorithm; `Ed448` is EdDSA with the other curve."""
    if algorithm in _EC:
        return ec.generate_private_key(_EC[algorithm])
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "Ed448":
        return ed448.Ed448PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(private: Any, algorithm: str, **members: Any) -> dict[str, Any]:
    """The public half as a JWK."""
    implementation = jwt.get_algorithm_by_name("EdDSA" if algorithm == "Ed448" else algorithm)
    made: dict[str, Any] = implementation.to_jwk(private.public_key(), as_dict=True)
    return {**made, **members}


@dataclass
class SigningKey:
    kid: str | None
    algorithm: str
    private: Any

    def jwk(self) -> dict[str, Any]:
        named = {} if self.kid is None else {"kid": self.kid}
        return public_jwk(self.private, self.algorithm, use="sig", **named)


@dataclass
class IdentityProvider:
    """`keys` are published, the last of them signs. `asked` are the paths that were asked for, in order."""

    server: ThreadingHTTPServer
    keys: list[SigningKey] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    fault: Fault = "none"
    released: threading.Event = field(default_factory=threading.Event)
    extra_jwks: list[dict[str, Any]] = field(default_factory=list)
    jwks_host: str | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/realm"

    @property
    def jwks_uri(self) -> str:
        return f"{self.jwks_host or self.issuer}/keys"

    def rotate(self, algorithm: str = "ES256", kid: str | None = "", keep: int = 1) -> SigningKey:
        """A new key signs from now on; `keep` older ones stay published."""
        name = f"k{time.monotonic_ns()}" if kid == "" else kid
        self.keys = [
            *(self.keys[-keep:] if keep else []),
            SigningKey(name, algorithm, private_key(algorithm)),
        ]
        return self.keys[-1]

    def token(
        self, key: SigningKey | None = None, headers: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """Good unless `claims` make it otherwise; a claim of None is left out."""
        key = key or self.keys[-1]
        now = int(time.time())
        payload = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 300} | claims
        return jwt.encode(
            {name: value for name, value in payload.items() if value is not None},
            key.private,
            algorithm="EdDSA" if key.algorithm == "Ed448" else key.algorithm,
            headers=({} if key.kid is None else {"kid": key.kid}) | (headers or {}),
        )

    def answer(self, path: str) -> Any:
        if path == "/realm/.well-known/openid-configuration":
            issuer = "https://elsewhere.test" if self.fault == "other-issuer" else self.issuer
            return {"issuer": issuer, "jwks_uri": self.jwks_uri}
        if path == "/realm/keys":
            return {"keys": [*(key.jwk() for key in self.keys), *self.extra_jwks]}
        return None


@contextlib.contextmanager
def identity_provider(algorithm: str = "ES256") -> Iterator[IdentityProvider]:
    """One with a key, on a free port."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.block_on_close = False
    provider = server.provider = IdentityProvider(server)  # type: ignore[attr-defined]
    provider.rotate(algorithm)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Server(ThreadingHTTPServer):
    """Says nothing of a client that hangs up, such as one that does not trust the certificate."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        provider: IdentityProvider = self.server.provider  # type: ignore[attr-defined]
        provider.asked.append(self.path)
        if provider.fault in ("refuse", "stall", "drip"):
            self._fail(provider)
            return
        body = provider.answer(self.path)
        status = 404 if body is None else 500 if provider.fault == "status" else 200
        content = json.dumps(body).encode()
        if provider.fault == "garbage":
            content = b"<html>sign in</html>"
        elif provider.fault == "huge":
            content = b'{"keys": [' + b" " * 1_000_000 + b"]}"
        elif provider.fault == "redirect":
            status = 302
        self.send_response(status)
        self.send_header("Location", f"{provider.issuer}/keys")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)
        self.close_connection = True

    def _fail(self, provider: IdentityProvider) -> None:
        self.close_connection = True
        if provider.fault == "refuse":
            self.connection.shutdown(socket.SHUT_RDWR)
        elif provider.fault == "stall":
            provider.released.wait(30)
        else:
            with contextlib.suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not provider.released.wait(0.05):
                    self.wfile.write(b" ")

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: `asked` has it."""
