"""Services, routes, consumers and credentials of the declarative document, parsed once and frozen."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from embedded_edge.schema import ConfigError, Option, only, read_options

# Kong derives the id of an entity without one from its name: kong/db/schema/others/declarative_config.lua.
_ENTITIES = uuid.UUID("fd02801f-0957-4a15-a55a-c8d9606f30b5")

META = frozenset({"id", "tags", "created_at", "updated_at"})


def entity_id(kind: str, key: str | None) -> str:
    """The id that Kong gives an entity of that kind (`consumers`, `services`, ...) under that key.

    Without a key it draws one at every load.
    """
    return str(uuid.uuid5(uuid.uuid5(_ENTITIES, kind), key) if key else uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Service:
    """An upstream. Timeouts in seconds; `path` has no query and may be empty."""

    id: str
    name: str
    tls: bool
    host: str
    port: int
    path: str
    connect_timeout_s: float
    read_timeout_s: float
    write_timeout_s: float
    retries: int
    authorities: str = ""  # PEM; the only ones whose certificates are believed, or empty for the system's


@dataclass(frozen=True, slots=True)
class Route:
    id: str
    name: str
    service: Service | None
    paths: tuple[str, ...]
    methods: frozenset[str]
    hosts: tuple[str, ...]
    headers: tuple[tuple[str, frozenset[str]], ...]
    protocols: frozenset[str]
    snis: tuple[str, ...]
    strip_path: bool
    preserve_host: bool
    regex_priority: int
    https_redirect_status: int


@dataclass(frozen=True, slots=True)
class Consumer:
    id: str
    username: str | None
    custom_id: str | None


@dataclass(frozen=True, slots=True)
class JwtCredential:
    """A `jwt_secrets` row. `key` is what the token's claim names."""

    id: str
    key: str
    algorithm: str
    secret: str | None
    public_key: str | None
    consumer: Consumer


_SERVICE = {
    "name": Option(str),
    "url": Option(str),
    "protocol": Option(str, "http", one_of=("http", "https")),
    "host": Option(str),
    "port": Option(int),
    "path": Option(str),
    "connect_timeout": Option(int, 60000),
    "read_timeout": Option(int, 60000),
    "write_timeout": Option(int, 60000),
    "retries": Option(int, 5),
    "tls_verify": Option(bool, True, one_of=(True,)),  # certificates of upstreams are always checked
    "ca_certificates": Option(list, [], item=str),
    "enabled": Option(bool, True, one_of=(True,)),
    "routes": Option(list, []),
    "plugins": Option(list, []),
    **{name: Option(object) for name in META},
}


_AUTHORITY = {
    "id": Option(str, required=True),
    "cert": Option(str, required=True),
    "cert_digest": Option(str),
    **{name: Option(object) for name in META - {"id"}},
}


def read_authority(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Id and PEM of a row of `ca_certificates`, which holds one certificate."""
    given = read_options("ca_certificate", entry, _AUTHORITY)
    if given["cert"].count("-----BEGIN CERTIFICATE-----") != 1:
        raise ConfigError(f"ca_certificate {given['id']!r}: cert must be one certificate in PEM")
    return given["id"], given["cert"]


def read_service(entry: Mapping[str, Any], authorities: Mapping[str, str]) -> Service:
    """`authorities` are PEM by their id."""
    owner = f"service {entry.get('name')!r}"
    given = read_options(owner, entry, _SERVICE)
    protocol, host, port, path = given["protocol"], given["host"], given["port"], given["path"]
    if given["url"]:
        url = urlsplit(given["url"])
        protocol, host, port, path = url.scheme, url.hostname, url.port, url.path
    if protocol not in ("http", "https") or not host:
        raise ConfigError(f"{owner}: needs an http or https address, not {given['url'] or host!r}")
    for name in given["ca_certificates"]:
        if name not in authorities:
            raise ConfigError(f"{owner}: there is no ca_certificate {name!r}")
        if protocol != "https":
            raise ConfigError(f"{owner}: ca_certificates are for https")
    service_id = given["id"] or entity_id("services", given["name"])
    return Service(
        id=service_id,
        name=given["name"] or service_id,
        tls=protocol == "https",
        host=host,
        port=port or (443 if protocol == "https" else 80),
        path=path or "",
        connect_timeout_s=given["connect_timeout"] / 1000,
        read_timeout_s=given["read_timeout"] / 1000,
        write_timeout_s=given["write_timeout"] / 1000,
        retries=given["retries"],
        authorities="\n".join(authorities[name] for name in given["ca_certificates"]),
    )


_ROUTE = {
    "name": Option(str),
    "paths": Option(list, [], item=str),
    "methods": Option(list, [], item=str),
    "hosts": Option(list, [], item=str),
    "headers": Option(dict, {}),
    "snis": Option(list, [], item=str),
    "protocols": Option(list, ["http", "https"], one_of=("http", "https")),
    "strip_path": Option(bool, True),
    "preserve_host": Option(bool, False),
    "regex_priority": Option(int, 0),
    "https_redirect_status_code": Option(int, 426, one_of=(426, 301, 302, 307, 308)),
    # Kong's default router honours only v0, whatever is asked for.
    "path_handling": Option(str, "v0", one_of=("v0", "v1")),
    "request_buffering": Option(bool, True, one_of=(True,)),
    "response_buffering": Option(bool, True),  # the edge always passes bytes on as they come
    "service": Option(object),
    "plugins": Option(list, []),
    **{name: Option(object) for name in META},
}


def read_route(entry: Mapping[str, Any], service: Service | None) -> Route:
    owner = f"route {entry.get('name')!r}"
    given = read_options(owner, entry, _ROUTE)
    for path in given["paths"]:
        if not path.startswith(("/", "~/")):
            raise ConfigError(f"{owner}: path {path!r} must start with / or ~/")
    route_id = given["id"] or entity_id("routes", given["name"])
    return Route(
        id=route_id,
        name=given["name"] or route_id,
        service=service,
        paths=tuple(given["paths"]),
        methods=frozenset(given["methods"]),
        hosts=tuple(given["hosts"]),
        headers=tuple((name.lower(), frozenset(values)) for name, values in given["headers"].items()),
        protocols=frozenset(given["protocols"]),
        snis=tuple(given["snis"]),
        strip_path=given["strip_path"],
        preserve_host=given["preserve_host"],
        regex_priority=given["regex_priority"],
        https_redirect_status=given["https_redirect_status_code"],
    )


# Credentials of plugins that the edge refuses: they load, as in Kong, and no route can ask for them.
_CONSUMER = frozenset({"username", "custom_id", "jwt_secrets", "keyauth_credentials", "acls", *META})
_JWT = {
    "key": Option(str, required=True),
    "secret": Option(str, secret=True),
    "algorithm": Option(str, "HS256"),
    "rsa_public_key": Option(str, secret=True),
    **{name: Option(object) for name in META},
}


def read_consumer(entry: Mapping[str, Any]) -> tuple[Consumer, list[JwtCredential]]:
    """The consumer and its `jwt_secrets`. Errors never quote a secret."""
    name = entry.get("username") or entry.get("custom_id")
    if not name:
        raise ConfigError("consumer: needs a username or a custom_id")
    owner = f"consumer {name!r}"
    only(owner, entry, _CONSUMER)
    consumer = Consumer(
        id=entry.get("id") or entity_id("consumers", entry.get("username")),
        username=entry.get("username"),
        custom_id=entry.get("custom_id"),
    )
    return consumer, [_read_credential(owner, row, consumer) for row in entry.get("jwt_secrets") or []]


def _read_credential(owner: str, row: Mapping[str, Any], consumer: Consumer) -> JwtCredential:
    given = read_options(f"{owner}: jwt_secrets", row, _JWT)
    return JwtCredential(
        id=given["id"] or entity_id("jwt_secrets", given["key"]),
        key=given["key"],
        algorithm=given["algorithm"],
        secret=given["secret"],
        public_key=given["rsa_public_key"],
        consumer=consumer,
    )
