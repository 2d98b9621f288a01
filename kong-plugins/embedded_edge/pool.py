"""Connections to upstreams, kept between requests."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections import deque

from embedded_edge.connection import Connection
from embedded_edge.upstream import Address, UpstreamRefusedError, UpstreamTimeoutError, UpstreamUnknownError

_IDLE_SECONDS = 60.0
_IDLE_CONNECTIONS = 64


class Pool:
    """Connections to every HTTP upstream, kept for a minute between requests as nginx keeps them."""

    def __init__(self) -> None:
        self._idle: dict[Address, deque[Connection]] = {}
        self._contexts: dict[tuple[bool, str], ssl.SSLContext] = {}

    async def take(self, address: Address, timeout_s: float) -> Connection:
        """An open connection, used before or new. Raises an UpstreamError."""
        idle = self._idle.get(address)
        while idle:
            connection = idle.pop()
            if connection.is_open and time.monotonic() - connection.idle_since < _IDLE_SECONDS:
                return connection
            connection.close()
        return await self.connect(address, timeout_s)

    def give_back(self, address: Address, connection: Connection) -> None:
        """Keeps the connection if it can serve again, else closes it."""
        if not (connection.reusable and connection.done and connection.is_open):
            connection.close()
            return
        idle = self._idle.setdefault(address, deque())
        connection.idle_since = time.monotonic()
        idle.append(connection)
        if len(idle) > _IDLE_CONNECTIONS:
            idle.popleft().close()

    async def close(self) -> None:
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()

    async def connect(self, address: Address, timeout_s: float) -> Connection:
        """A new connection, which nobody else will use. Raises an UpstreamError."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                _, connection = await loop.create_connection(
                    Connection,
                    address.host,
                    address.port,
                    ssl=self._tls(address) if address.tls else None,
                    server_hostname=address.server_name if address.tls else None,
                )
        except TimeoutError:
            raise UpstreamTimeoutError from None
        except socket.gaierror:
            raise UpstreamUnknownError from None
        except OSError as error:
            raise UpstreamRefusedError from error
        with contextlib.suppress(OSError):
            sock = connection.transport.get_extra_info("socket")
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _tls(self, address: Address) -> ssl.SSLContext:
        wanted = (address.verify, address.authorities)
        if wanted not in self._contexts:
            context = ssl.create_default_context(cadata=address.authorities or None)
            if not address.verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._contexts[wanted] = context
        return self._contexts[wanted]
