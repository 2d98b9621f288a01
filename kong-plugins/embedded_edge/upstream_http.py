"""An upstream over HTTP/1.1: one request, one answer, passed on as it comes."""

import asyncio

from embedded_edge.connection import Connection
from embedded_edge.exchange import ClientGoneError, Exchange
from embedded_edge.pool import Pool
from embedded_edge.upstream import Downstream, UpstreamError, UpstreamRequest


async def call(pool: Pool, x: Exchange, request: UpstreamRequest, down: Downstream) -> None:
    """Asks and answers. Raises an UpstreamError, or ClientGoneError once the client has gone."""
    service = request.service
    connection = await pool.take(request.address, service.connect_timeout_s)
    gone = asyncio.create_task(_close_when_client_goes(x, connection))
    try:
        await connection.send(
            x.method, request.target, request.headers, x.body or b"", service.write_timeout_s
        )
        await connection.head(service.read_timeout_s)
        if connection.is_raw:
            await down.start_raw()
        else:
            await down.start(connection.status, connection.reason, connection.headers)
        while data := await connection.chunk(service.read_timeout_s):
            await down.body(data, True)
        await down.body(b"", False)
    except UpstreamError as error:
        if gone.done():
            raise ClientGoneError from None
        error.sent = True
        raise
    finally:
        gone.cancel()
        pool.give_back(request.address, connection)


async def _close_when_client_goes(x: Exchange, connection: Connection) -> None:
    await x.disconnected()
    connection.close()
