"""The flags of kong-python-pluginserver, and what they do here."""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import logging
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from pluginserver import wire
from pluginserver.board import Board
from pluginserver.listening import SocketTaken, listen, remove_own
from pluginserver.loading import LoadedPlugin, PluginError, load_plugin
from pluginserver.server import Server
from pluginserver.supervisor import Supervisor

VERSION = "0.1.0"
FAILED = 1


def main(arguments: list[str] | None = None) -> int:
    """0 when all went well, 1 with a message on stderr when it did not."""
    given = parser().parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if given.verbose > 1 else logging.INFO,
        format="%(levelname)s %(message)s",
    )
    try:
        # Whatever a plugin prints while it is imported must not get into what Kong reads.
        with contextlib.redirect_stdout(sys.stderr):
            plugin = load_plugin(given.directory)
        if given.dump_all_info:
            sys.stdout.write(json.dumps([plugin.info()]))
        elif given.dump_info is not None:
            if given.dump_info != plugin.name:
                raise PluginError(f"{given.directory}: no plugin {given.dump_info}, only {plugin.name}")
            sys.stdout.buffer.write(wire.pack(plugin.info()))
        else:
            serve(plugin, given)
    except (PluginError, SocketTaken) as error:
        sys.stderr.write(f"pluginserver: {error}\n")
        return FAILED
    except (TypeError, ValueError) as error:
        sys.stderr.write(f"pluginserver: {given.directory}: the plugin's description: {error}\n")
        return FAILED
    return 0


def serve(plugin: LoadedPlugin, given: argparse.Namespace) -> None:
    """Until SIGTERM, or until Kong has ended."""
    prefix = Path(given.prefix)
    if not prefix.is_dir():
        raise SocketTaken(f"{prefix}: not a folder, so there is no place for the socket")
    path = prefix / given.socket_name
    listener = listen(path, given.listen_queue_size)
    inode = path.stat().st_ino

    def run_worker(
        board: Board,
        control: socket.socket,
        shared: socket.socket | None,
        inherited: Mapping[int, socket.socket],
    ) -> NoReturn:
        Server(plugin, board, control, shared, inherited, lua_style=not given.no_lua_style).live()

    # What is loaded by now stays shared with the workers, and is no garbage.
    gc.collect()
    gc.freeze()
    try:
        Supervisor(listener, run_worker, name=plugin.name, workers=_workers(given)).run()
    finally:
        remove_own(path, inode)


def parser() -> argparse.ArgumentParser:
    """The stock command's flags, with its spellings, and --workers."""
    flags = argparse.ArgumentParser(prog="pluginserver", description="Kong Python Plugin Server.")
    add = flags.add_argument
    add("-p", "--kong-prefix", "-kong-prefix", dest="prefix", metavar="prefix", default="/usr/local/kong/",
        help="the folder of the socket (default: %(default)s)")  # fmt: skip
    add("-v", "--verbose", action="count", default=1, help="log more")
    add("--version", "-version", action="version", version=f"%(prog)s {VERSION}")
    add("--socket-name", dest="socket_name", default="python_pluginserver.sock",
        help="the socket's name (default: %(default)s)")  # fmt: skip
    add("--listen-queue-size", type=int, dest="listen_queue_size", default=4096,
        help="connections that may wait (default: %(default)s)")  # fmt: skip
    add("--no-lua-style", action="store_true", dest="no_lua_style",
        help="PDK functions give the value and raise errors, instead of a pair of both")  # fmt: skip
    modes = flags.add_mutually_exclusive_group()
    modes.add_argument("-m", "--multiprocessing", dest="multiprocessing", action="store_true",
                       help="a process for each core; each of Kong's workers keeps to one")  # fmt: skip
    modes.add_argument("-g", "--gevent", dest="gevent", action="store_true", help="taken, and without effect")
    modes.add_argument("--workers", type=_positive, metavar="N", help="as -m, with so many processes")
    add("-d", "--plugins-directory", "-plugins-directory", dest="directory", metavar="directory", type=Path,
        required=True, help="the folder with the one plugin")  # fmt: skip
    add("--dump-plugin-info", "-dump-plugin-info", dest="dump_info", metavar="name",
        help="print what describes the plugin, as MessagePack")  # fmt: skip
    add("--dump-all-plugins", "-dump-all-plugins", dest="dump_all_info", action="store_true",
        help="print what Kong asks for, as JSON")  # fmt: skip
    return flags


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected at least 1")
    return number


def _workers(given: argparse.Namespace) -> int:
    if given.workers:
        return int(given.workers)
    return len(os.sched_getaffinity(0)) if given.multiprocessing else 1
