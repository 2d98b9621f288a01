"""A recorded case: its configuration on our ports, its requests as bytes, and what has to be the same."""

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Pairs = list[list[str]]

# Values that differ from run to run; name, place and spelling of the field still have to be the same.
VOLATILE = frozenset(
    {
        "date",
        "x-kong-request-id",
        "x-kong-response-latency",
        "x-kong-upstream-latency",
        "x-kong-proxy-latency",
    }
)

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_KONG_ID = re.compile(r"\b[0-9a-f]{32}\b")
# correlation-id's tracker: address, port, pid, connection, request, time.
_TRACKER = re.compile(r"^127\.0\.0\.1-\d+-\d+-\d+-\d+-\d+\.\d{3}$")


@dataclass(frozen=True, slots=True)
class Case:
    family: str
    name: str
    kong_config: Mapping[str, Any]
    exchanges: list[Mapping[str, Any]]

    @property
    def id(self) -> str:
        return f"{self.family}/{self.name}"


@dataclass(frozen=True, slots=True)
class Response:
    status_line: str
    headers: Pairs
    body: str


def load_cases(folder: Path) -> Iterator[Case]:
    """Every HTTP case in the folder's files."""
    for path in sorted(folder.glob("*.json")):
        for case in json.loads(path.read_text("utf-8"))["cases"]:
            yield Case(path.stem, case["name"], case["kong_config"], case["exchanges"])


def on_ports(config: Mapping[str, Any], ports: Mapping[int, int]) -> Any:
    """The configuration with the recordings' ports replaced by ours."""
    text = json.dumps(config)
    return json.loads(re.sub(r"127\.0\.0\.1:(\d+)", lambda found: _address(int(found[1]), ports), text))


def _address(port: int, ports: Mapping[int, int]) -> str:
    return f"127.0.0.1:{ports.get(port, port)}"


def request_bytes(request: Mapping[str, Any]) -> bytes:
    """What the client sent."""
    if request["raw"] is not None:
        return str(request["raw"]).encode("latin-1")
    head = f"{request['method']} {request['path']} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in request["headers"])
    start = (head + "\r\n").encode("latin-1")
    if request["body"] is not None:
        return start + str(request["body"]).encode("latin-1")
    # Left out of the recording for its size: one chunk, as long as the bytes on the wire say.
    size = int(request["wire_len"]) - len(start) - len("4e20\r\n\r\n0\r\n\r\n")
    return start + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n"


async def exchange(port: int, data: bytes, *, head_only: bool) -> Response:
    """Sends the bytes and reads one answer."""
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(data)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *rows = head[:-4].split("\r\n")
            headers = [row.split(": ", 1) if ": " in row else [row.rstrip(":"), ""] for row in rows]
            body = b"" if head_only else await _read_body(reader, status_line, headers)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
    return Response(status_line, headers, body.decode("latin-1"))


async def _read_body(reader: asyncio.StreamReader, status_line: str, headers: Pairs) -> bytes:
    if status_line.split(" ")[1] in ("204", "304"):
        return b""
    lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
    return await reader.readexactly(lengths[0]) if lengths else await reader.read()


def comparable(headers: Pairs, port: int, ports: Mapping[int, int]) -> Pairs:
    """Headers with what differs from run to run masked."""
    back = {ours: recorded for recorded, ours in ports.items()}
    return [[name, _mask(name, value, port, back)] for name, value in headers]


def _mask(name: str, value: str, port: int, back: Mapping[int, int]) -> str:
    lower = name.lower()
    if lower in VOLATILE:
        return "*"
    if lower == "x-forwarded-port":
        return value.replace(str(port), "18000")
    value = re.sub(r"127\.0\.0\.1:(\d+)", lambda found: _address(int(found[1]), back), value)
    return _TRACKER.sub("<tracker>", _UUID.sub("<uuid>", value))


def comparable_body(body: str) -> str:
    return _KONG_ID.sub("<request id>", body)


def sort_rate_limits(headers: Pairs) -> Pairs:
    """The same headers, the rate-limit fields sorted among the places that they take."""
    places = [index for index, (name, _) in enumerate(headers) if "ratelimit" in name.lower()]
    ordered = [list(pair) for pair in headers]
    for index, pair in zip(places, sorted(headers[place] for place in places), strict=True):
        ordered[index] = pair
    return ordered
