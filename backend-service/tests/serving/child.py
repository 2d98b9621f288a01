"""A process that serves two small applications: `child.py DELAY_S GRACE_S`. Prints its two ports as JSON.

`/slow/SECONDS` says "begun", and "ended" so much later; all else says whether the process drains.
"""

import asyncio
import json
import sys
from typing import Any

import uvloop

from gateway.lifecycle import Lifecycle
from gateway.observability import configure_logging
from gateway.serve import Drain, Listener, bind, serve

LIFECYCLE = Lifecycle()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        say("closed")
        await send({"type": "lifespan.shutdown.complete"})
        return
    close = [(b"connection", b"close")] if LIFECYCLE.draining else []
    await send({"type": "http.response.start", "status": 200, "headers": close})
    if scope["path"].startswith("/slow/"):
        await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
        await asyncio.sleep(float(scope["path"].removeprefix("/slow/")))
        await send({"type": "http.response.body", "body": b"ended"})
        return
    await send({"type": "http.response.body", "body": b"draining" if LIFECYCLE.draining else b"well"})


def main() -> None:
    configure_logging("error")
    sockets = [bind("127.0.0.1", 0), bind("127.0.0.1", 0)]
    drain = Drain(*map(float, sys.argv[1:]))

    def ready() -> None:
        say(json.dumps([each.getsockname()[1] for each in sockets]))

    listeners = (Listener(app, sockets[0], lifespan=True), Listener(app, sockets[1]))
    uvloop.run(serve(listeners, ready, lifecycle=LIFECYCLE, drain=drain))


if __name__ == "__main__":
    main()
