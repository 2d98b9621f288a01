"""X-Gateway-Target of the shipped pre-function is what the backend is asked, on a real Kong."""

import os
from typing import Any

import pytest
import yaml

from testing.conformance import replay, upstreams
from testing.conformance.real_kong import RealKong
from testing.edge import KONG_YAML

TARGETS = [
    "/v1/models",
    "/v1/models?",
    "/v1/models?a=%20&b",
    "//v1///models",
    "/v1/./a/../models/",
    "/v1/%6dodels%2Fx",
    "/v1/%C3%A9",
    "/v1/\xc3\xa9",
    '/v1/[x]\\|^`{}<>"',
    "/v1/a;b=c,d:e@f&g=h+i$j!k'l(m)*n~o_p-q.r",
    "/",
]


@pytest.mark.skipif("KONG_URL" not in os.environ, reason="KONG_URL names no real Kong")
async def test_a_real_kong_signs_what_it_asks() -> None:
    kong = RealKong.from_environment()
    assert kong is not None
    given = yaml.safe_load(KONG_YAML.read_text("utf-8"))
    functions = [entry for entry in given["plugins"] if entry["name"] == "pre-function"]
    route = {"name": "api", "paths": ["/"], "strip_path": False}
    service = {"name": "backend", "url": "http://127.0.0.1:19000", "routes": [route]}
    document: dict[str, Any] = {"_format_version": "3.0", "services": [service], "plugins": functions}
    async with upstreams.running(fixed=True) as behind:
        await kong.configure(document)
        for target in TARGETS:
            behind.received.clear()
            request = {"method": "GET", "path": target, "headers": [["Host", "kong.test"]], "body": ""}
            await replay.exchange(kong.port, request)
            (received,) = behind.received
            asked = received.request_line.removesuffix(" HTTP/1.1").removesuffix("?")
            assert ["X-Gateway-Target", asked] in received.headers
