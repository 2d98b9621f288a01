"""The edge alone: `python -m embedded_edge --config FILE --port N [--tls-cert FILE --tls-key FILE]`.

With a certificate it listens twice: HTTPS on the TLS port, and plain HTTP for routes that take it or that
redirect.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import uvicorn
import uvloop

from embedded_edge.app import Edge
from embedded_edge.config import load_file
from embedded_edge.schema import ConfigError
from embedded_edge.server import server_config
from embedded_edge.tls import Tls


def main() -> int:
    given = _arguments()
    try:
        edge = Edge(load_file(given.config, given.plugins))
        tls = Tls(given.tls_cert, given.tls_key) if given.tls_cert else None
        if tls is not None:
            tls.context()
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"embedded_edge: {error}\n")
        return 1
    listeners = [server_config(edge, host=given.host, port=given.port)]
    if tls is not None:
        # The edge itself is started and stopped once.
        listeners.append(server_config(edge, tls=tls, host=given.host, port=given.tls_port, lifespan="off"))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(listeners))
    return 0


async def _serve(listeners: list[uvicorn.Config]) -> None:
    await asyncio.gather(*(uvicorn.Server(config).serve() for config in listeners))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="embedded_edge", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="Kong's declarative file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--tls-port", type=int, default=8443)
    parser.add_argument("--tls-cert", type=Path, help="the certificate with its chain, PEM")
    parser.add_argument("--tls-key", type=Path, help="its key, PEM")
    parser.add_argument(
        "--plugins", type=Path, action="append", default=[], help="a folder of our own plugins"
    )
    given = parser.parse_args()
    if (given.tls_cert is None) != (given.tls_key is None):
        parser.error("--tls-cert and --tls-key go together")
    return given


if __name__ == "__main__":
    sys.exit(main())
