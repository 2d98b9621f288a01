"""No trick with headers or with the body's coding makes a class lower than it is without the trick."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Make = Callable[..., Any]
SSN = "123-45-6789"
CARD = "4111 1111 1111 1111"
RECORD = "Sarah Connor takes metformin"
CONTENTS = {"pii": f"I am {SSN}", "pci": f"pay with {CARD}", "phi": RECORD}


class Kong:
    """Answers the plugin's calls from a request, and keeps what it exits with."""

    def __init__(self, request: Any, path: str = "kong", exits: list[int] | None = None) -> None:
        self._request, self._path, self.exits = request, path, [] if exits is None else exits

    def __getattr__(self, name: str) -> Kong:
        return Kong(self._request, f"{self._path}.{name}", self.exits)

    def __call__(self, *args: Any) -> Any:
        if self._path == "kong.response.exit":
            self.exits.append(args[0])
        return self._request.answer(self._path, list(args))


@pytest.fixture(scope="module")
def module() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "plugins" / "compliance-tag" / "compliance-tag.py"
    spec = importlib.util.spec_from_file_location("compliance_tag_for_evasion", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def classify(module: ModuleType, keys_file: Path) -> Callable[[Any], frozenset[str] | int]:
    """The categories of the request's tag, or the status that it is refused with."""
    plugin = module.Plugin({"tag_keys_file": str(keys_file), "unscannable": "internal"})

    def of(request: Any) -> frozenset[str] | int:
        kong = Kong(request)
        plugin.access(kong)
        if kong.exits:
            assert request.set_headers == {}
            return kong.exits[0]
        categories: frozenset[str] = request.tag().compliance.categories
        return categories

    return of


def chat(text: str) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


BODIES: dict[str, Callable[[str], bytes]] = {
    "a first key of the same name": lambda text: (
        f'{{"messages": [{{"content": {json.dumps(text)}, "content": "hello"}}]}}'.encode()
    ),
    "a second key of the same name": lambda text: (
        f'{{"messages": [{{"content": "hello", "content": {json.dumps(text)}}}]}}'.encode()
    ),
    "the same key, escaped": lambda text: (
        f'{{"content": {json.dumps(text)}, "\\u0063ontent": "hello"}}'.encode()
    ),
    "escaped": lambda text: f'{{"content": "{escaped(text)}"}}'.encode(),
    "escaped twice": lambda text: json.dumps({"arguments": f'{{"a": "{escaped(text)}"}}'}).encode(),
    "escaped three times": lambda text: json.dumps(
        {"arguments": json.dumps({"a": f'{{"b": "{escaped(text)}"}}'})}
    ).encode(),
    "gzip": lambda text: gzip.compress(chat(text)),
    "zlib": lambda text: zlib.compress(chat(text)),
    "UTF-16": lambda text: chat(text).decode().encode("utf-16"),
    "UTF-16 without a mark": lambda text: chat(text).decode().encode("utf-16-le"),
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + chat(text),
    "no JSON": lambda text: text.encode(),
    "JSON with a comma too many": lambda text: chat(text)[:-1] + b",}",
    "JSON lines": lambda text: b'{"a": 1}\n' + chat(text),
    "a byte that is not UTF-8": lambda text: chat(text)[:-2] + b'\xff"}]}',
    "a form": lambda text: (
        b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + text.encode() + b"\r\n--b--"
    ),
    "percent-escaped": lambda text: chat("".join(f"%{byte:02X}" for byte in text.encode())),
    "HTML-escaped": lambda text: chat("".join(f"&#{ord(one)};" for one in text)),
    "HTML-escaped in hexadecimal": lambda text: chat("".join(f"&#x{ord(one):x};" for one in text)),
    "base64": lambda text: chat(f"decode this: {base64.b64encode(text.encode()).decode()} and answer"),
    "base64 for URLs": lambda text: chat(base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")),
    "a data URL": lambda text: chat(
        f"data:text/plain;base64,{base64.b64encode((text + ' ' * 9).encode()).decode()}"
    ),
    "in two parts": lambda text: json.dumps(
        {
            "messages": [
                {"content": [{"type": "text", "text": text[:10]}, {"type": "text", "text": text[10:]}]}
            ]
        }
    ).encode(),
    "in two messages": lambda text: json.dumps(
        {"messages": [{"role": "user", "content": text[:10]}, {"role": "user", "content": text[10:]}]}
    ).encode(),
    "letter by letter in a list": lambda text: json.dumps({"input": list(text)}).encode(),
    "behind much text": lambda text: chat("word " * 60_000 + text),
    "before too much text": lambda text: json.dumps({"a": "x" * 4_100_000, "b": text}).encode(),
    "full-width": lambda text: chat("".join(chr(ord(one) + 0xFEE0) if one > " " else one for one in text)),
    "zero-width between": lambda text: chat("\u200b".join(text)),
    "soft hyphens between": lambda text: chat("\u00ad".join(text)),
    "tag characters": lambda text: chat("".join(chr(0xE0000 + ord(one)) for one in text)),
    "combining marks": lambda text: chat("".join(one + "\u0336" for one in text)),
    "no-break spaces": lambda text: chat(text.replace(" ", "\u00a0")),
    "arabic-indic digits": lambda text: chat(
        "".join(chr(0x660 + int(one)) if one.isdigit() else one for one in text)
    ),
}


@pytest.mark.parametrize("trick", BODIES)
@pytest.mark.parametrize("category", CONTENTS)
def test_no_coding_of_the_body_lowers_the_class(
    classify: Any, make_request: Make, trick: str, category: str
) -> None:
    text = CONTENTS[category]
    plain = classify(make_request(text))
    assert plain >= {category}
    assert classify(make_request(BODIES[trick](text))) >= plain


HEADERS: dict[str, dict[str, Any]] = {
    "another content type": {"content_type": ["text/plain"]},
    "an unknown content type": {"content_type": ["application/octet-stream"]},
    "two content types": {"content_type": ["text/plain", "application/json"]},
    "no content type": {"content_type": None},
    "a charset": {"content_type": ["application/json; charset=utf-7"]},
    "a hint of public": {"x_data_class": ["public"]},
    "hints of public, twice": {"x_data_class": ["public", "PUBLIC , public"]},
    "the name of a class": {"x_compliance_class": ["public"]},
    "the name of a class, underscored": {
        "x_compliance_class": ["public"],
        "x__compliance__class": ["public"],
    },
    "a tag of one's own": {"x_gateway_tag": ["eyJhbGciOiJub25lIn0.e30."]},
    "a subject of one's own": {"x_gateway_subject": ["root"]},
    "a body said to be empty": {"content_length": ["0"]},
    "chunks": {"transfer_encoding": ["chunked"]},
    "chunks, spelled otherwise": {"transfer_encoding": ["xchunked", "identity, chunked"]},
    "another method": {"x_http_method_override": ["GET"]},
}


@pytest.mark.parametrize("trick", HEADERS)
@pytest.mark.parametrize("category", CONTENTS)
def test_no_header_lowers_the_class(classify: Any, make_request: Make, trick: str, category: str) -> None:
    text = CONTENTS[category]
    request = make_request(text, **HEADERS[trick])
    assert classify(request) >= classify(make_request(text))
    assert request.tag().subject == "jane"


@pytest.mark.parametrize(
    "coding", [["gzip"], ["identity, gzip"], ["identity", "br"], ["x-gzip"], ["GZIP"], ["zstd"]]
)
def test_a_compressed_body_is_refused(classify: Any, make_request: Make, coding: list[str]) -> None:
    body = gzip.compress(chat(f"I am {SSN}"))
    assert classify(make_request(body, content_encoding=coding)) == 415


@pytest.mark.parametrize(
    "headers",
    [
        {"x_consumer_username": ["acme", "evil"]},
        {"x_gateway_target": ["POST /v1/chat/completions", "GET /health"]},
    ],
)
def test_a_second_value_of_what_the_chain_sets_is_refused(
    classify: Any, make_request: Make, headers: dict[str, Any]
) -> None:
    assert classify(make_request("hello", **headers)) == 503


def test_a_header_behind_many_others_counts(classify: Any, make_request: Make) -> None:
    padding = {f"x_padding_{number}": ["x"] for number in range(900)}
    assert classify(make_request("hello", **padding, x_data_class=["phi"])) == {"phi"}
