"""A recorded case: its configuration on our ports, and its requests as bytes."""

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Pairs = list[list[str]]
Ports = Mapping[int, int]  # of the recording -> ours

# What the corpus holds beside these is of plugins and programs that the edge has no part in.
FAMILIES = (
    "jwt",
    "cors",
    "rate-limiting",
    "correlation-id",
    "request-size-limiting",
    "request-transformer",
    "plugin-order",
    "routing",
    "upstream-errors",
)

LOCAL_ADDRESS = re.compile(r"(127\.0\.0\.1|localhost):(\d+)")


@dataclass(frozen=True, slots=True)
class Case:
    family: str
    name: str
    kong_version: str
    kong_config: Mapping[str, Any]
    exchanges: list[Mapping[str, Any]]
    # Of earlier cases with the same configuration: Kong's counters of them were not forgotten yet.
    before: list[Mapping[str, Any]]

    @property
    def id(self) -> str:
        return f"{self.family}/{self.name}"


@dataclass(frozen=True, slots=True)
class Response:
    """`status_line` is None where what came is not HTTP; `interim` are the status lines before it."""

    status_line: str | None
    headers: Pairs
    body: str
    interim: list[str] = field(default_factory=list)


def load_cases(folder: Path) -> Iterator[Case]:
    """Every case of the families above in the folder's files, `<family>.json` and `<family>-more.json`."""
    for path in sorted(folder.glob("*.json")):
        if path.stem.removesuffix("-more") not in FAMILIES:
            continue
        earlier: list[Case] = []
        for case in json.loads(path.read_text("utf-8"))["cases"]:
            config = case["kong_config"]
            before = [one for past in earlier if past.kong_config == config for one in past.exchanges]
            counted = before if has_plugin(config, "rate-limiting") else []
            made = Case(path.stem, case["name"], case["kong_version"], config, case["exchanges"], counted)
            earlier.append(made)
            yield made


def has_plugin(config: Any, name: str) -> bool:
    """Whether that plugin stands anywhere in the configuration."""
    if isinstance(config, Mapping):
        return config.get("name") == name or any(has_plugin(value, name) for value in config.values())
    return isinstance(config, list) and any(has_plugin(item, name) for item in config)


def on_ports(config: Any, ports: Ports) -> Any:
    """The configuration with the recordings' ports replaced by ours, wherever they stand."""
    if isinstance(config, Mapping):
        return {
            key: ports.get(value, value)
            if key in ("port", "redis_port") and isinstance(value, int)
            else on_ports(value, ports)
            for key, value in config.items()
        }
    if isinstance(config, list):
        return [on_ports(item, ports) for item in config]
    return replace_ports(config, ports) if isinstance(config, str) else config


def replace_ports(text: str, ports: Ports) -> str:
    """The text with the ports of local addresses replaced."""
    return LOCAL_ADDRESS.sub(lambda found: f"{found[1]}:{ports.get(int(found[2]), int(found[2]))}", text)


def request_bytes(request: Mapping[str, Any]) -> bytes:
    """What the client sent."""
    if request.get("raw") is not None:
        return str(request["raw"]).encode("latin-1")
    head = f"{request['method']} {request['path']} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in request["headers"])
    start = (head + "\r\n").encode("latin-1")
    if request["body"] is not None:
        return start + str(request["body"]).encode("latin-1")
    # Left out of the recording for its size: one chunk, as long as the bytes on the wire say.
    size = int(request["wire_len"]) - len(start) - len("4e20\r\n\r\n0\r\n\r\n")
    return start + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n"


async def exchange(port: int, request: Mapping[str, Any]) -> Response:
    """Sends the request and reads one answer."""
    async with asyncio.timeout(15):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request_bytes(request))
            return await _read_response(reader, head_only=request["method"] == "HEAD")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _read_response(reader: asyncio.StreamReader, *, head_only: bool) -> Response:
    interim: list[str] = []
    while True:
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            return Response(None, [], error.partial.decode("latin-1"), interim)
        if not raw.startswith(b"HTTP/"):
            return Response(None, [], (raw + await reader.read()).decode("latin-1"), interim)
        status_line, *rows = raw.decode("latin-1")[:-4].split("\r\n")
        if status_line.split(" ")[1][:1] != "1":
            break
        interim.append(status_line)
    headers = [row.split(": ", 1) if ": " in row else [row.rstrip(":"), ""] for row in rows]
    body = b"" if head_only else await _read_body(reader, status_line, headers)
    return Response(status_line, headers, body.decode("latin-1"), interim)


async def _read_body(reader: asyncio.StreamReader, status_line: str, headers: Pairs) -> bytes:
    if status_line.split(" ")[1] in ("204", "304"):
        return b""
    lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
    return await reader.readexactly(lengths[0]) if lengths else await reader.read()
