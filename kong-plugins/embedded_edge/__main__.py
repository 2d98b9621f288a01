"""The edge alone: `python -m embedded_edge --config FILE --port N [--host H] [--plugins DIR]`."""

import argparse
import sys
from pathlib import Path

import uvicorn

from embedded_edge.app import Edge
from embedded_edge.config import load_file
from embedded_edge.schema import ConfigError
from embedded_edge.server import server_config


def main() -> int:
    parser = argparse.ArgumentParser(prog="embedded_edge", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="Kong's declarative file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--plugins", type=Path, action="append", default=[], help="a folder of our own plugins"
    )
    given = parser.parse_args()
    try:
        config = load_file(given.config, given.plugins)
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"embedded_edge: {error}\n")
        return 1
    uvicorn.Server(server_config(Edge(config), host=given.host, port=given.port)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
