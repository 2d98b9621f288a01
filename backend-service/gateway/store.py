"""The client of the store that several backends share."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import redis.asyncio

#: A command takes well under a millisecond, so these carry thousands a second; whoever finds none free waits.
CONNECTIONS = 32


class _Checked(redis.asyncio.SSLConnection):
    """TLS by one context for all: reading the authorities takes 15 ms, for which no request moves."""

    def __init__(self, *, context: ssl.SSLContext, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context.context = context


def open_store(url: str, authority: Path | None) -> redis.asyncio.Redis:
    """A client of ``url``, which connects as it is used. Over TLS the certificate is always checked.

    By the authorities of the file ``authority`` and no others, else by those of the system.
    """
    pool = redis.asyncio.BlockingConnectionPool.from_url(url, max_connections=CONNECTIONS)
    if issubclass(pool.connection_class, redis.asyncio.SSLConnection):
        pool.connection_class = _Checked
        pool.connection_kwargs["context"] = ssl.create_default_context(cafile=authority)
    return redis.asyncio.Redis.from_pool(pool)
