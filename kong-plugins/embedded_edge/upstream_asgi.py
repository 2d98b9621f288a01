"""An upstream in the same process: the request reaches it without a socket."""

import asyncio
from urllib.parse import unquote

from embedded_edge.exchange import ASGIApp, Exchange, Message, Scope
from embedded_edge.upstream import Downstream, UpstreamBrokenError, UpstreamRequest, UpstreamTimeoutError

# The deadline moves at most this often, so that a stream of small chunks does not pay for it.
_MOVE_DEADLINE_S = 1.0


async def call(app: ASGIApp, x: Exchange, request: UpstreamRequest, down: Downstream) -> None:
    """Runs `app` for that request and passes its answer on as it comes.

    UpstreamTimeoutError if nothing came for the service's read timeout; UpstreamBrokenError if it raised or
    ended without a whole answer. When the client goes, the app's `receive` says so.
    """
    loop = asyncio.get_running_loop()
    body = x.body or b""
    given = False
    moved = loop.time()

    async def receive() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await x.disconnected()

    async def send(message: Message) -> None:
        nonlocal moved
        now = loop.time()
        if now - moved > _MOVE_DEADLINE_S:
            moved = now
            deadline.reschedule(now + request.service.read_timeout_s)
        if message["type"] == "http.response.start":
            await down.start(message["status"], None, list(message["headers"]))
        elif message["type"] == "http.response.body":
            await down.body(message.get("body", b""), message.get("more_body", False))

    try:
        async with asyncio.timeout(request.service.read_timeout_s) as deadline:
            await app(_scope(x, request), receive, send)
    except TimeoutError:
        if deadline.expired():
            raise UpstreamTimeoutError from None
        raise
    except Exception as error:
        raise UpstreamBrokenError("the application raised") from error
    if not down.complete:
        raise UpstreamBrokenError("the application ended early")


def _scope(x: Exchange, request: UpstreamRequest) -> Scope:
    service = request.service
    raw_path, _, query = request.target.partition(b"?")
    path = raw_path.decode("latin-1")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": x.method,
        "scheme": "https" if service.tls else "http",
        "path": unquote(path) if "%" in path else path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers],
        "client": ("127.0.0.1", 0),
        "server": (request.address.host, request.address.port),
    }
    if "state" in x.scope:
        scope["state"] = x.scope["state"]
    return scope
