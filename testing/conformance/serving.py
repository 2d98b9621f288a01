"""An edge on a free port in this event loop, without uvicorn's main loop and its ticks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from uvicorn.server import ServerState

from embedded_edge.app import Edge
from embedded_edge.server import EdgeProtocol, server_config
from embedded_edge.tls import Tls


@contextlib.asynccontextmanager
async def serving(edge: Edge, tls: Tls | None = None) -> AsyncIterator[int]:
    """The port, over TLS if `tls` is given. Requests still in flight at the end are cancelled."""
    config = server_config(edge, tls=tls, log_config=None)
    config.load()
    state = ServerState()
    await edge.startup()
    server = await asyncio.get_running_loop().create_server(
        lambda: EdgeProtocol(config=config, server_state=state, app_state={}),
        "127.0.0.1",
        0,
        ssl=config.ssl,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(state.tasks):
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)
        for connection in list(state.connections):
            connection.shutdown()
        await edge.shutdown()
        async with asyncio.timeout(5):
            while state.connections:
                await asyncio.sleep(0)
