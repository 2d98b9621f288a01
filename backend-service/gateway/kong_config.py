"""Rendering `kong.yaml` for a start: consumers, the address of the backend and paths go in.

The result is what a real Kong loads (`KONG_DECLARATIVE_CONFIG`) and what the embedded edge reads.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

KONG_YAML = "configs/kong/kong.yaml"


class KongConfigError(ValueError):
    """A file is not what Kong would load. The message names the file and the key."""


def render(
    document: Mapping[str, Any],
    *,
    consumers: list[Mapping[str, Any]],
    service_url: str,
    tag_keys_file: str,
    limits: bool = True,
) -> dict[str, Any]:
    """``document`` with consumers and addresses; without rate limits where ``limits`` is False."""
    rendered = copy.deepcopy(dict(document))
    rendered["consumers"] = consumers
    for holder in _plugin_holders(rendered):
        if not limits:
            holder["plugins"] = [p for p in holder["plugins"] if p["name"] != "rate-limiting"]
        for plugin in holder["plugins"]:
            if plugin["name"] == "compliance-tag":
                plugin.setdefault("config", {})["tag_keys_file"] = tag_keys_file
    for service in rendered.get("services", ()):
        service["url"] = service_url
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


def _plugin_holders(document: dict[str, Any]) -> list[dict[str, Any]]:
    services = document.get("services", [])
    routes = [route for service in services for route in service.get("routes", [])]
    return [holder for holder in (document, *services, *routes) if holder.get("plugins")]
