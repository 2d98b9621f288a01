"""What of an answer has to be the same as in the recording, and what differs from run to run."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from testing.conformance.real_kong import TOKEN
from testing.conformance.replay import Case, Pairs, Ports, Response, has_plugin
from testing.conformance.upstreams import Received

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
# Against a real Kong, whose clock cannot be set, these too.
TIMED = frozenset({"ratelimit-reset", "retry-after"})

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_KONG_ID = re.compile(r"\b[0-9a-f]{32}\b")
_PORT = re.compile(r":(\d{2,5})\b")
# A Kong counts over all cases that it has seen.
_COUNTED = re.compile(r"^<uuid>#\d+$")
# correlation-id's tracker: address, port, pid, connection, request, time.
_TRACKER = re.compile(r"^127\.0\.0\.1-\d+-\d+-\d+-\d+-\d+\.\d{3}$")


class Comparing:
    """Both sides of a case with what may differ masked.

    `port` is the proxy's, `ports` are ours for the recording's. A Kong of another patch version names that
    one everywhere. `real` is for a real Kong: it has its own clock, and gets tokens of today.
    """

    def __init__(self, case: Case, port: int, ports: Ports, version: str, *, real: bool = False) -> None:
        self._back = {ours: recorded for recorded, ours in ports.items()}
        self._port = port
        self._versions = (case.kong_version, version)
        self._real = real
        # Plugins that write the fields of a Lua table, whose order changes from one process to the next.
        self._transformed = has_plugin(case.kong_config, "request-transformer")

    def wanted(self, recorded: Mapping[str, Any]) -> Any:
        """What the recorded exchange asks for."""
        response = recorded["response"]
        old, new = self._versions
        pairs = [[name, value.replace(f"kong/{old}", f"kong/{new}")] for name, value in response["headers"]]
        ups = [
            (
                up["request_line"],
                [[name, value.replace(f"kong/{old}", f"kong/{new}")] for name, value in up["headers"]],
                up["body"],
            )
            for up in recorded["upstream_requests"]
        ]
        return {
            "interim": response.get("interim", []),
            "status": response["status_line"],
            "headers": self._downstream(pairs, "18000", {}),
            "body": _body(response["body"]),
            "upstream": [self._upstream(*up, "18000", {}) for up in ups],
        }

    def got(self, answer: Response, received: list[Received]) -> Any:
        """What came, in the same form."""
        port = str(self._port)
        return {
            "interim": answer.interim,
            "status": answer.status_line,
            "headers": self._downstream(answer.headers, port, self._back),
            "body": _body(answer.body),
            "upstream": [
                self._upstream(up.request_line, up.headers, up.body, port, self._back) for up in received
            ],
        }

    def _downstream(self, headers: Pairs, port: str, back: Ports) -> Pairs:
        return sort_lua_tables([[name, self._mask(name, value, port, back)] for name, value in headers])

    def _upstream(self, line: str, headers: Pairs, body: str, port: str, back: Ports) -> Any:
        masked = [[name, self._mask(name, value, port, back)] for name, value in headers]
        if not self._transformed:
            return [line, masked, body]
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        return [line, _by_name(masked), _without_order(kind, body)]

    def _mask(self, name: str, value: str, port: str, back: Ports) -> str:
        lower = name.lower()
        if lower in VOLATILE or (self._real and lower in TIMED):
            return "*"
        if lower == "x-forwarded-port":
            return value.replace(port, "18000")
        value = _PORT.sub(lambda found: f":{back.get(int(found[1]), found[1])}", value)
        value = _TRACKER.sub("<tracker>", _UUID.sub("<uuid>", value))
        value = _COUNTED.sub("<uuid>#n", value)
        return TOKEN.sub("<token>", value) if self._real else value


def sort_lua_tables(headers: Pairs) -> Pairs:
    """The same headers, those that Kong writes from one Lua table sorted among the places that they take.

    The order of such a table changes with how many fields the process has ever had; a real Kong gives several
    orders for one configuration. The tables are the rate limits and the two fields of a 426.
    """
    ordered = [list(pair) for pair in headers]
    for belongs in (_is_rate_limit, _is_upgrade):
        places = [index for index, pair in enumerate(ordered) if belongs(*pair)]
        for index, pair in zip(places, sorted(ordered[place] for place in places), strict=True):
            ordered[index] = pair
    return ordered


def _is_rate_limit(name: str, _: str) -> bool:
    return "ratelimit" in name.lower() or name.lower() == "retry-after"


def _is_upgrade(name: str, value: str) -> bool:
    return name.lower() == "upgrade" or (name.lower() == "connection" and value == "Upgrade")


def _body(text: str) -> Any:
    """jwt writes what is wrong with several claims from a Lua table."""
    if text.startswith(('{"exp":', '{"nbf":')):
        return json.loads(text)
    return _KONG_ID.sub("<request id>", text)


def _by_name(headers: Pairs) -> Pairs:
    """Sorted by name as sent; values of one name stay in order."""
    return sorted(headers, key=lambda pair: pair[0].lower())


def _without_order(kind: str, body: str) -> Any:
    """A transformed body, without the order of the Lua table that it was written from."""
    if "application/json" in kind.lower():
        try:
            return json.loads(body)
        except ValueError:
            return body
    if "urlencoded" in kind.lower():
        return sorted(parse_qsl(body, keep_blank_values=True))
    return body
