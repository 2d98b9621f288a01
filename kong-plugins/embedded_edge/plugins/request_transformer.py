"""request-transformer: changes method, path, header, query and body before they reach the upstream."""

import re
from collections.abc import Awaitable, Iterator, Mapping
from typing import Any, ClassVar

from embedded_edge.answers import kong_error
from embedded_edge.arguments import add, decode, encode
from embedded_edge.exchange import BodyTooLargeError, Exchange
from embedded_edge.plugins.base import EdgePlugin, World
from embedded_edge.plugins.transforming import transform_headers, transform_query
from embedded_edge.plugins.transforming_bodies import transform_form, transform_json
from embedded_edge.plugins.transforming_rules import Row, Rules
from embedded_edge.schema import ConfigError, Option, read_options
from embedded_edge.templates import Environment, Template
from embedded_edge.uri import escape

_KINDS = ("body", "headers", "querystring")
_ENTRY = re.compile(r"([^:]+):*(.*)", re.DOTALL)
_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]+")
_LISTS = {kind: Option(list, [], item=str) for kind in _KINDS}


class RequestTransformer(EdgePlugin):
    name = "request-transformer"
    priority = 801
    options: ClassVar = {
        "http_method": Option(str),
        **{action: Option(dict, {}) for action in ("remove", "rename", "replace", "add", "append")},
    }

    def __init__(self, config: Mapping[str, Any], world: World) -> None:
        super().__init__(config, world)
        actions = {
            action: read_options(
                f"{self.name}: {action}",
                config[action],
                {**_LISTS, "uri": Option(str)} if action == "replace" else _LISTS,
            )
            for action in ("remove", "rename", "replace", "add", "append")
        }
        uri = actions["replace"]["uri"]
        self._uri = Template(f"{self.name}: replace.uri", uri) if uri else None
        self._method: str | None = config["http_method"] and config["http_method"].upper()
        self._headers, self._query, self._body = (
            _rules(actions, kind) for kind in ("headers", "querystring", "body")
        )

    def access(self, x: Exchange) -> Awaitable[None] | None:
        wants_body = (self._body and _content_type(x)) or (self._method and _content_type(x) == "form")
        if wants_body and x.body is None:
            return self._with_body(x)
        self._transform(x)
        return None

    async def _with_body(self, x: Exchange) -> None:
        try:
            await x.read_body()
        except BodyTooLargeError:
            x.answer = kong_error(x, 413, "Payload too large")
            return
        self._transform(x)

    def _transform(self, x: Exchange) -> None:
        environment = _Environment(x)
        if self._uri is not None:
            path = self._uri.render(environment)
            if not path.startswith("/"):
                raise ValueError("the path has to start with /")
            x.upstream_path = escape(path)
        if self._method is not None:
            self._change_method(x, self._method)
        if self._headers:
            host = transform_headers(x, self._headers, environment)
            x.upstream_host = host or x.upstream_host
        if self._body:
            self._change_body(x, environment)
        if self._query:
            x.replace_query(transform_query(x.query, self._query, environment))

    def _change_method(self, x: Exchange, method: str) -> None:
        x.method = method
        if method in ("GET", "HEAD", "TRACE") and _content_type(x) == "form":
            form = decode(x.body or b"")
            if form:
                query = decode(x.query)
                for name, value in form.items():
                    add(query, name, value)
                x.replace_query(encode(query, by_name=True))

    def _change_body(self, x: Exchange, environment: Environment) -> None:
        kind = _content_type(x)
        if kind == "multipart":
            raise NotImplementedError("a multipart body cannot be transformed by the embedded edge")
        body: bytes | None = None
        if kind == "json":
            body = transform_json(x.body or b"", self._body, environment)
        elif kind == "form":
            body = transform_form(x.body or b"", self._body, environment)
        if body is not None:
            x.replace_body(body)
            x.headers.set(b"Content-Length", str(len(body)).encode())


def _content_type(x: Exchange) -> str | None:
    value = (x.headers.get(b"content-type") or b"").lower()
    for text, kind in (
        (b"application/json", "json"),
        (b"multipart/form-data", "multipart"),
        (b"application/x-www-form-urlencoded", "form"),
    ):
        if text in value:
            return kind
    return None


def _rules(actions: Mapping[str, Mapping[str, Any]], kind: str) -> Rules:
    def rows(action: str) -> list[Row]:
        owner = f"request-transformer: {action}.{kind}"
        return [
            (name, Template(owner, value) if value else None)
            for name, value in _entries(owner, actions[action][kind], header=kind == "headers")
        ]

    rename = _entries(
        f"request-transformer: rename.{kind}", actions["rename"][kind], header=kind == "headers"
    )
    remove = [
        name
        for name, _ in _entries(
            f"request-transformer: remove.{kind}", actions["remove"][kind], header=kind == "headers"
        )
    ]
    for old, new in rename:
        if not new:
            raise ConfigError(f"request-transformer: rename.{kind}: {old!r} has no new name")
    return Rules(remove, list(rename), rows("replace"), rows("add"), rows("append"))


def _entries(owner: str, given: list[str], *, header: bool) -> list[tuple[str, str]]:
    """`name:value` taken apart."""
    made = []
    for entry in given:
        found = _ENTRY.fullmatch(entry)
        if found is None or (header and not _HEADER_NAME.fullmatch(found[1])):
            raise ConfigError(f"{owner}: {entry!r} does not begin with a name")
        made.append((found[1], found[2]))
    return made


class _Environment(Mapping[str, Any]):
    """What a template can read; made when it is first read, as in Kong."""

    def __init__(self, x: Exchange) -> None:
        self._x = x
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = getattr(self, f"_{name}")()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("headers", "query_params", "uri_captures", "shared"))

    def __len__(self) -> int:
        return 4

    def _headers(self) -> "_Fields":
        found: dict[str, list[str]] = {}
        for lower, _, value in self._x.headers.fields[:100]:
            found.setdefault(lower.decode("latin-1"), []).append(value.decode("latin-1"))
        return _Fields({name: values[0] if len(values) == 1 else values for name, values in found.items()})

    def _query_params(self) -> Mapping[str, Any]:
        return decode(self._x.query)

    def _uri_captures(self) -> Mapping[Any, Any]:
        found = self._x.match.captures if self._x.match else None
        if found is None:
            return {}
        return {**dict(enumerate((found[0], *found.groups()))), **found.groupdict()}

    def _shared(self) -> Mapping[str, Any]:
        return self._x.shared


class _Fields(dict[str, str | list[str]]):
    """Header fields by name in any case, `_` for `-` too."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(str(key).lower().replace("_", "-"), default)
