"""GET one small document, with a deadline for the whole of it and a bound on its size. No redirects."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

DEADLINE_S: Final = 5.0
MAX_BYTES: Final = 256 * 1024


class FetchError(Exception):
    """Nothing usable came. The message names no content of the answer."""


def get(url: str, ca_file: str | None = None, deadline_s: float = DEADLINE_S) -> bytes:
    """The body of a 200. `url` has been checked (`settings.check_url`). Raises FetchError.

    The deadline holds for an answer that comes byte by byte too: the socket is shut down under the reader.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    try:
        plain = socket.create_connection((parts.hostname, port), timeout=deadline_s)
        with contextlib.closing(_wrapped(plain, parts.hostname, ca_file) if tls else plain) as connected:
            watchdog = threading.Timer(deadline_s, _cut, [connected])
            watchdog.daemon = True
            watchdog.start()
            try:
                if isinstance(connected, ssl.SSLSocket):
                    connected.do_handshake()
                return _ask(connected, parts.netloc, parts.path or "/")
            finally:
                watchdog.cancel()
    except (OSError, ValueError, HTTPException) as error:
        raise FetchError(_words(error)) from None


def _wrapped(plain: socket.socket, host: str, ca_file: str | None) -> ssl.SSLSocket:
    """Before the handshake, so that the deadline covers it."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
        return context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    except BaseException:
        plain.close()
        raise


def _ask(connected: socket.socket, host: str, path: str) -> bytes:
    connection = HTTPConnection(host)
    connection.sock = connected
    connection.request(
        "GET", path, headers={"Host": host, "Accept": "application/json", "User-Agent": "portcullis"}
    )
    with contextlib.closing(connection.getresponse()) as answer:
        if answer.status != 200:
            raise FetchError(f"status {answer.status}")
        body = answer.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise FetchError(f"more than {MAX_BYTES} bytes")
        # http.client says nothing of an answer that breaks off when it is read with a limit.
        if answer.length:
            raise FetchError("the answer broke off")
        return body


def _cut(connected: socket.socket) -> None:
    # The plain socket's: SSLSocket.shutdown would have the reader go on without TLS.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
