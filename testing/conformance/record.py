"""Records cases anew: `python -m testing.conformance.record FILE...`

Each FILE has the form of the corpus; of its exchanges only `at` and `request` have to be there. The answers
and what the upstream received are taken from the Kong at KONG_URL and KONG_ADMIN_URL, and written back. The
upstreams run on the recordings' ports, a Redis on 16379.
"""

import asyncio
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from testing.conformance import replay, upstreams
from testing.conformance.real_kong import RealKong
from testing.conformance.store import command, redis_running


async def main(files: list[Path]) -> None:
    kong = RealKong.from_environment()
    assert kong is not None, "KONG_URL and KONG_ADMIN_URL say where Kong is"
    version = await kong.version()
    async with redis_running(16379) as redis, upstreams.running(fixed=True) as behind:
        for file in files:
            document = json.loads(file.read_text("utf-8"))
            document["about"] = (
                f"recorded from Kong Gateway OSS {version} (DB-less, defaults otherwise) with "
                "testing/conformance/record.py; same form and same volatile fields as the other files"
            )
            for case in document["cases"]:
                await command(redis, "FLUSHALL")
                await _record(case, kong, version, behind)
            _write(file, _dump(document))


async def _record(case: dict[str, Any], kong: RealKong, version: str, behind: upstreams.Upstreams) -> None:
    case["kong_version"] = version
    await kong.configure(case["kong_config"])
    for exchange in case["exchanges"]:
        behind.received.clear()
        await kong.pause(exchange["at"])
        now = round(time.time(), 3)
        request = kong.renew(exchange["request"], now - exchange["at"])
        request["wire_len"] = len(replay.request_bytes(request))
        exchange.update(at=now, request=request)
        answer = await kong.send(request)
        exchange["response"] = _response(answer)
        exchange["upstream_requests"] = [_received(up) for up in behind.received]


def _response(answer: replay.Response) -> dict[str, Any]:
    line = answer.status_line
    made: dict[str, Any] = {
        "status": int(line.split(" ")[1]) if line else None,
        "status_line": line,
        "headers": answer.headers,
        "body": answer.body,
    }
    return {**made, "interim": answer.interim} if answer.interim else made


def _received(up: upstreams.Received) -> dict[str, Any]:
    method, path, _ = up.request_line.split(" ")
    body = up.body.encode("latin-1")
    return {
        "request_line": up.request_line,
        "method": method,
        "path": path,
        "headers": up.headers,
        "body": up.body,
        "body_len": len(body),
        "body_sha256": hashlib.sha256(body).hexdigest(),
    }


def _dump(document: dict[str, Any]) -> str:
    """One case on a line, so that a change shows which case it is of."""
    cases = ",\n".join(json.dumps(case) for case in document["cases"])
    head = json.dumps({**document, "cases": []}).removesuffix("]}")
    return f"{head}\n{cases}\n]}}\n"


def _write(file: Path, text: str) -> None:
    beside = file.with_suffix(".new")
    beside.write_text(text, "utf-8")
    beside.replace(file)


if __name__ == "__main__":
    asyncio.run(main([Path(name) for name in sys.argv[1:]]))
