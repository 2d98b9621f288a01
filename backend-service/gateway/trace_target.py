"""Where traces go, as OpenTelemetry's variables have it: a URL, headers that open it, and a share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_HEADER = re.compile(r"\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*([\x20-\x7e]*?)\s*")


class TraceTargetError(ValueError):
    """The message begins with what is wrong, and holds nothing of the value: it may be a credential."""


@dataclass(frozen=True, slots=True)
class TraceTarget:
    """A collector that takes OTLP over HTTP (protobuf). ``ratio`` is the share of requests, 0 to 1.

    ``url`` is the whole address; it may hold credentials as the headers do, so neither is shown.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ratio: float = 1.0


def parse_trace_target(endpoint: str, headers: str = "", ratio: str = "") -> TraceTarget | None:
    """The target of OTEL_EXPORTER_OTLP_ENDPOINT, to which ``/v1/traces`` is added, _HEADERS and the ratio.

    None without an endpoint. Raises TraceTargetError.
    """
    if not endpoint.strip():
        return None
    try:
        parts = urlsplit(endpoint.strip())
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise TraceTargetError(
            "OTEL_EXPORTER_OTLP_ENDPOINT must be the URL of a collector for OTLP over HTTP: http://host:4318"
        )
    url = parts._replace(path=parts.path.rstrip("/") + "/v1/traces").geturl()
    return TraceTarget(url, dict(_headers(headers)), _ratio(ratio or "1"))


def _headers(text: str) -> list[tuple[str, str]]:
    """``name=value,name=value``; the values are written as in a URL."""
    found = []
    for pair in filter(str.strip, text.split(",")):
        match = _HEADER.fullmatch(pair)
        value = unquote(match[2]) if match else "\n"
        if match is None or not value.isascii() or not value.isprintable():
            raise TraceTargetError("OTEL_EXPORTER_OTLP_HEADERS must be name=value,name=value")
        found.append((match[1], value))
    return found


def _ratio(text: str) -> float:
    if not re.fullmatch(r"0|1|0?\.[0-9]+|[01]\.0+|0\.[0-9]+", text.strip()):
        raise TraceTargetError("PORTCULLIS_TRACE_RATIO must be a number from 0 to 1")
    return float(text)
