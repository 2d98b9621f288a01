"""The plugin development kit in this process: `kong` as a plugin written for kong-pdk sees it.

Only what our plugins may use is here; anything else is an AttributeError, which ends in a 503. Values are
what the stock plugin server gives: header names in lower case, every header a list; text that is not UTF-8 is
kept byte for byte by surrogate escapes.
"""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from embedded_edge.answers import exit_with, header_text
from embedded_edge.entities import Consumer, JwtCredential
from embedded_edge.exchange import Answer, Exchange

_log = logging.getLogger("embedded_edge.plugin")


class ExitedError(RuntimeError):
    """A call after `kong.response.exit`: in Kong it blocks for ever."""


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


class _Part:
    __slots__ = ("_call",)

    def __init__(self, call: "Kong") -> None:
        self._call = call

    @property
    def _x(self) -> Exchange:
        return self._call.exchange()


class _Request(_Part):
    __slots__ = ()

    def get_method(self) -> str:
        return self._x.method

    def get_header(self, name: str) -> str | None:
        value = self._x.headers.get(name.lower().encode("latin-1"))
        return None if value is None else _text(value)

    def get_headers(self, max_headers: int = 100) -> dict[str, list[str]]:
        """At most `max_headers` fields, by lower-case name, in the order of their first appearance."""
        found: dict[str, list[str]] = {}
        for lower, _, value in self._x.headers.fields[:max_headers]:
            found.setdefault(_text(lower), []).append(_text(value))
        return found

    def get_raw_body(self, max_allowed_file_size: int = 0) -> bytes:
        """The whole body. ValueError if it is larger than a limit above zero."""
        body = self._x.body
        if body is None:
            raise RuntimeError("the plugin says that it does not read the body")
        if 0 < max_allowed_file_size < len(body):
            raise ValueError(f"request body file too big: {len(body)} > {max_allowed_file_size}")
        return body

    def get_path(self) -> str:
        return _text(self._x.raw_path)

    def get_raw_path(self) -> str:
        return _text(self._x.raw_path)

    def get_path_with_query(self) -> str:
        return _text(self._x.target)

    def get_raw_query(self) -> str:
        return _text(self._x.query)

    def get_scheme(self) -> str:
        return self._x.scheme


class _ServiceRequest(_Part):
    __slots__ = ()

    def set_header(self, name: str, value: Any) -> None:
        self._x.headers.set(name.encode("latin-1"), header_text(value))

    def set_headers(self, headers: Mapping[str, Any]) -> None:
        for name, value in headers.items():
            encoded = name.encode("latin-1")
            values = value if isinstance(value, (list, tuple)) else [value]
            self._x.headers.remove(encoded.lower())
            for item in values:
                self._x.headers.add(encoded, header_text(item))

    def add_header(self, name: str, value: Any) -> None:
        self._x.headers.add(name.encode("latin-1"), header_text(value))

    def clear_header(self, name: str) -> None:
        self._x.headers.remove(name.lower().encode("latin-1"))

    def set_raw_body(self, body: bytes | str) -> None:
        self._x.replace_body(body if isinstance(body, bytes) else body.encode("utf-8", "surrogateescape"))


class _Service:
    __slots__ = ("request",)

    def __init__(self, call: "Kong") -> None:
        self.request = _ServiceRequest(call)


class _Response(_Part):
    __slots__ = ()

    def exit(self, status: int, body: Any = None, headers: Mapping[str, Any] | None = None) -> None:
        answer = exit_with(status, body, headers)
        self._call.end(answer)

    def set_header(self, name: str, value: Any) -> None:
        self._x.response_headers.set(name.encode("latin-1"), header_text(value))

    def add_header(self, name: str, value: Any) -> None:
        self._x.response_headers.add(name.encode("latin-1"), header_text(value))

    def clear_header(self, name: str) -> None:
        self._x.response_headers.remove(name.lower().encode("latin-1"))


class _Client(_Part):
    __slots__ = ()

    def get_consumer(self) -> dict[str, str | None] | None:
        return _consumer_table(self._x.consumer)

    def load_consumer(self, name: str, search_by_username: bool = False) -> dict[str, str | None] | None:
        found = self._call.consumers.get(name)
        if found is not None and (found.id == name or search_by_username):
            return _consumer_table(found)
        return None

    def authenticate(self, consumer: Mapping[str, Any] | None, credential: Mapping[str, Any] | None) -> None:
        """Sets both for the rest of the chain; at least one must be there."""
        if consumer is None and credential is None:
            raise ValueError("either credential or consumer must be provided")
        x = self._x
        x.consumer = None if consumer is None else self._call.consumers[consumer["id"]]
        x.credential = None if credential is None else _credential(credential, x.consumer)

    def get_credential(self) -> dict[str, str] | None:
        credential = self._x.credential
        return None if credential is None else {"id": credential.id, "key": credential.key}

    def get_ip(self) -> str:
        return self._x.client_ip

    def get_forwarded_ip(self) -> str:
        return self._x.client_ip


def _consumer_table(consumer: Consumer | None) -> dict[str, str | None] | None:
    if consumer is None:
        return None
    return {"id": consumer.id, "username": consumer.username, "custom_id": consumer.custom_id}


def _credential(table: Mapping[str, Any], consumer: Consumer | None) -> JwtCredential:
    """What a plugin authenticated with: it signs nothing here."""
    owner = consumer or Consumer(id="", username=None, custom_id=None)
    return JwtCredential(table["id"], table["key"], "", None, None, owner)


class _Shared(_Part):
    __slots__ = ()

    def get(self, key: str) -> Any:
        return self._x.shared.get(key)

    def set(self, key: str, value: Any) -> None:
        self._x.shared[key] = value


class _Ctx:
    __slots__ = ("shared",)

    def __init__(self, call: "Kong") -> None:
        self.shared = _Shared(call)


def _logger(level: int) -> Callable[..., None]:
    def write(self: object, *parts: Any) -> None:  # noqa: ARG001 - called on a kong.log
        _log.log(level, "%s", "".join(map(str, parts)))

    return write


class _Log:
    __slots__ = ()

    emerg = alert = crit = _logger(logging.CRITICAL)
    err = _logger(logging.ERROR)
    warn = _logger(logging.WARNING)
    notice = info = _logger(logging.INFO)
    debug = _logger(logging.DEBUG)


class Kong:
    """One call of one plugin for one request. After `response.exit` every other call raises ExitedError."""

    __slots__ = (
        "_answer",
        "_exchange",
        "client",
        "consumers",
        "ctx",
        "log",
        "request",
        "response",
        "service",
    )

    def __init__(self, x: Exchange, consumers: Mapping[str, Consumer] = MappingProxyType({})) -> None:
        self._exchange = x
        self.consumers = consumers  # by id and by username
        self._answer: Answer | None = None
        self.request = _Request(self)
        self.service = _Service(self)
        self.response = _Response(self)
        self.client = _Client(self)
        self.ctx = _Ctx(self)
        self.log = _Log()

    @property
    def answer(self) -> Answer | None:
        """What the plugin has answered, if it has."""
        return self._answer

    def exchange(self) -> Exchange:
        if self._answer is not None:
            raise ExitedError("the plugin has already answered")
        return self._exchange

    def end(self, answer: Answer) -> None:
        self.exchange()
        self._answer = answer
