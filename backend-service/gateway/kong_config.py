"""Rendering `kong.yaml` for a start: consumers, the address of the backend and paths go in.

The result is what a real Kong loads (`KONG_DECLARATIVE_CONFIG`) and what the embedded edge reads.
"""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from oidc.settings import SettingsError, read_settings

KONG_YAML = "configs/kong/kong.yaml"
#: As whom `jwt` lets a token through that is not one of its own, for `oidc-jwt` to look at. No tenant's name.
ANONYMOUS = "anonymous"
_AUTHORITIES = uuid.UUID("5d7b3f0e-0d5c-4a0f-9d53-6f0f5a1c7e21")
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_ISSUER_KEYS = frozenset({"issuers", "leeway_s", "ca_file"})


class KongConfigError(ValueError):
    """A file is not what Kong would load. The message names the file and the key."""


def render(
    document: Mapping[str, Any],
    *,
    consumers: list[Mapping[str, Any]],
    service_url: str,
    tag_keys_file: str,
    limits: bool = True,
    issuers: Mapping[str, Any] | None = None,
    redis_url: str | None = None,
    tls: bool = False,
    service_ca: str | None = None,
) -> dict[str, Any]:
    """``document`` with consumers and addresses; without rate limits where ``limits`` is False.

    ``issuers`` is the configuration of `oidc-jwt` (`read_issuers`); without it the plugin stays out of the
    chain. ``redis_url`` has the rate limits counted there, over all Kongs. ``tls`` sends who calls without
    it to the address with it, but for the open address. ``service_ca`` (PEM) is who signs the backend's
    certificate, without which none is believed. Raises KongConfigError.
    """
    rendered = copy.deepcopy(dict(document))
    rendered["consumers"] = consumers
    if issuers is not None:
        _accept_issuers(rendered, issuers)
    for holder in _plugin_holders(rendered):
        if not limits:
            holder["plugins"] = [p for p in holder["plugins"] if p["name"] != "rate-limiting"]
        for plugin in holder["plugins"]:
            if plugin["name"] == "compliance-tag":
                plugin.setdefault("config", {})["tag_keys_file"] = tag_keys_file
            if plugin["name"] == "rate-limiting" and redis_url is not None:
                plugin.setdefault("config", {}).update(_counted_in(redis_url))
        if tls and "paths" in holder:
            holder.update(protocols=["https"], https_redirect_status_code=308)
    _send_to(rendered, service_url, service_ca)
    return rendered


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping. Raises KongConfigError."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KongConfigError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError:
        raise KongConfigError(f"{path}: not YAML") from None
    if not isinstance(document, dict):
        raise KongConfigError(f"{path}: expected a mapping")
    return document


def read_consumers(path: Path) -> list[Mapping[str, Any]]:
    """Kong's own `consumers:` list from a secret file. Raises KongConfigError."""
    consumers = read_yaml(path).get("consumers")
    if not isinstance(consumers, list) or not consumers:
        raise KongConfigError(f"{path}: consumers: expected Kong's list of consumers with their jwt_secrets")
    for consumer in consumers:
        name = consumer.get("username")
        for credential in consumer.get("jwt_secrets", ()):
            if not isinstance(credential.get("key"), str) or credential["key"].isdigit():
                # Kong answers 500 to a token whose iss is a number.
                raise KongConfigError(
                    f"{path}: consumer {name}: jwt_secrets.key must be a string, not a number"
                )
    return consumers


def read_issuers(path: Path) -> Mapping[str, Any] | None:
    """The configuration of `oidc-jwt`: who signs tokens for which consumer. None if the file is empty.

    Raises KongConfigError.
    """
    if path.exists() and not path.stat().st_size:
        return None
    document = read_yaml(path)
    for key in document.keys() - _ISSUER_KEYS:
        raise KongConfigError(f"{path}: {key}: not known; known are {', '.join(sorted(_ISSUER_KEYS))}")
    try:
        read_settings(document)
    except SettingsError as error:
        raise KongConfigError(f"{path}: {error}") from None
    return document


def _send_to(document: dict[str, Any], service_url: str, service_ca: str | None) -> None:
    """The services keep the name of their upstream, whose one target is the backend."""
    parts = urlsplit(service_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise KongConfigError(f"service URL: expected http(s)://HOST[:PORT], not {service_url!r}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    for service in document.get("services", ()):
        service["protocol"] = parts.scheme
    if parts.scheme == "https":
        _check_by(document, service_ca)
    for upstream in document.get("upstreams", ()):
        upstream["targets"] = [{"target": f"{parts.hostname}:{port}"}]
        upstream["healthchecks"]["active"]["type"] = parts.scheme


def _check_by(document: dict[str, Any], service_ca: str | None) -> None:
    """Kong checks nothing unless told to, and then believes only whom the service names."""
    certificates = _CERTIFICATE.findall(service_ca or "")
    if not certificates:
        raise KongConfigError("service URL: https needs the certificate (PEM) of who signs the backend's")
    rows = [{"id": str(uuid.uuid5(_AUTHORITIES, pem)), "cert": f"{pem}\n"} for pem in certificates]
    document["ca_certificates"] = [*document.get("ca_certificates", ()), *rows]
    for service in document.get("services", ()):
        service.update(tls_verify=True, ca_certificates=[row["id"] for row in rows])


def _counted_in(redis_url: str) -> dict[str, Any]:
    """Options of `rate-limiting`. Without the store nobody is let through uncounted."""
    try:
        parts = urlsplit(redis_url)
        host, port, database = parts.hostname, parts.port or 6379, int(parts.path.strip("/") or 0)
    except ValueError:
        parts, host, port, database = urlsplit(""), None, 0, 0
    if parts.scheme not in ("redis", "rediss") or not host:
        # Without the value: it may hold a password.
        raise KongConfigError("REDIS_URL: expected redis://HOST:PORT/NUMBER or rediss://... (TLS)")
    tls = parts.scheme == "rediss"
    redis: dict[str, Any] = {"host": host, "port": port, "database": database, "ssl": tls, "ssl_verify": tls}
    for name, value in (("username", parts.username), ("password", parts.password)):
        if value:
            redis[name] = unquote(value)
    return {"policy": "redis", "fault_tolerant": False, "redis": redis}


def _accept_issuers(document: dict[str, Any], issuers: Mapping[str, Any]) -> None:
    """Either token: `jwt` lets the rest through as nobody, and `oidc-jwt` behind it takes or refuses them."""
    names = {consumer.get("username") for consumer in document["consumers"]}
    if ANONYMOUS in names:
        raise KongConfigError(f"consumer {ANONYMOUS}: the name is taken; give that tenant another one")
    for row in issuers["issuers"]:
        if row["consumer"] not in names:
            raise KongConfigError(
                f"issuer {row['issuer']}: there is no consumer {row['consumer']!r}; there are "
                f"{', '.join(sorted(map(str, names)))}"
            )
    document["consumers"] = [*document["consumers"], {"username": ANONYMOUS}]
    for holder in _plugin_holders(document):
        for plugin in [plugin for plugin in holder["plugins"] if plugin["name"] == "jwt"]:
            plugin.setdefault("config", {})["anonymous"] = ANONYMOUS
            place = holder["plugins"].index(plugin) + 1
            holder["plugins"].insert(place, {"name": "oidc-jwt", "config": copy.deepcopy(dict(issuers))})


def _plugin_holders(document: dict[str, Any]) -> list[dict[str, Any]]:
    services = document.get("services", [])
    routes = [route for service in services for route in service.get("routes", [])]
    return [holder for holder in (document, *services, *routes) if holder.get("plugins")]
