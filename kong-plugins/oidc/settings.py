"""Which issuers are believed: the configuration of oidc-jwt, read once and frozen."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""All of them asymmetric: with a shared secret, whoever knows the public key could sign."""

DEFAULT_LEEWAY_S: Final = 60
MAX_LEEWAY_S: Final = 300
_ISSUER_KEYS: Final = frozenset({"issuer", "consumer", "audience", "jwks_uri", "algorithms"})


class SettingsError(ValueError):
    """The configuration cannot be used. The message names the key, the bad value and what would be right."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """`name` is the exact `iss`; a token needs one of `audiences`. Without `jwks_uri` it is discovered."""

    name: str
    consumer: str
    audiences: tuple[str, ...]
    jwks_uri: str | None
    algorithms: frozenset[str]

    @property
    def discovery_uri(self) -> str:
        """Where an OpenID provider describes itself (OpenID Connect Discovery 1.0, section 4)."""
        return self.name.rstrip("/") + "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Settings:
    """`leeway_s` is how far clocks may differ; `ca_file` what is trusted instead of the system's store."""

    issuers: Mapping[str, Issuer]
    leeway_s: float
    ca_file: str | None


def read_settings(config: Mapping[str, Any]) -> Settings:
    """The settings in a plugin's configuration. Keys that Kong adds are ignored. Raises SettingsError."""
    rows = config.get("issuers")
    if not isinstance(rows, list) or not rows:
        raise SettingsError("issuers: expected a list of at least one issuer")
    issuers: dict[str, Issuer] = {}
    for number, row in enumerate(rows):
        issuer = _read_issuer(f"issuers[{number}]", row)
        if issuer.name in issuers:
            raise SettingsError(f"issuers[{number}].issuer: {issuer.name!r} is there twice")
        issuers[issuer.name] = issuer
    leeway = config.get("leeway_s")
    leeway = DEFAULT_LEEWAY_S if leeway is None else leeway
    if not _is_number(leeway) or not 0 <= leeway <= MAX_LEEWAY_S:
        raise SettingsError(f"leeway_s: {leeway!r}; expected 0 to {MAX_LEEWAY_S} seconds")
    ca_file = config.get("ca_file")
    if ca_file is not None and (not isinstance(ca_file, str) or not ca_file):
        raise SettingsError(f"ca_file: {ca_file!r}; expected the path of a file with certificates")
    return Settings(issuers, leeway, ca_file)


def _read_issuer(where: str, row: Any) -> Issuer:
    if not isinstance(row, Mapping):
        raise SettingsError(f"{where}: {row!r}; expected a table with issuer, consumer and audience")
    for key in row:
        if key not in _ISSUER_KEYS:
            raise SettingsError(f"{where}.{key}: not known; known are {', '.join(sorted(_ISSUER_KEYS))}")
    name = _text(f"{where}.issuer", row.get("issuer"))
    jwks_uri = row.get("jwks_uri")
    if jwks_uri is None:
        check_url(f"{where}.issuer", name)
    else:
        check_url(f"{where}.jwks_uri", jwks_uri)
    algorithms = _texts(f"{where}.algorithms", row.get("algorithms")) or ALGORITHMS
    for algorithm in algorithms:
        if algorithm not in ALGORITHMS:
            raise SettingsError(
                f"{where}.algorithms: {algorithm!r}; expected some of {', '.join(ALGORITHMS)}"
            )
    audiences = _texts(f"{where}.audience", row.get("audience"))
    if not audiences:
        raise SettingsError(f"{where}.audience: expected at least one: else any token of the issuer is good")
    return Issuer(
        name=name,
        consumer=_text(f"{where}.consumer", row.get("consumer")),
        audiences=audiences,
        jwks_uri=jwks_uri,
        algorithms=frozenset(algorithms),
    )


def check_url(where: str, url: Any) -> None:
    """SettingsError unless `url` is https, or http to this very machine, without user, query and fragment."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        host = parts.hostname if parts is not None else None
        usable = parts is not None and parts.port != 0
    except ValueError:
        parts, host, usable = None, None, False
    if parts is None or not host or not usable or "@" in parts.netloc or parts.query or parts.fragment:
        raise SettingsError(f"{where}: {url!r}; expected a URL, https://host/path")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise SettingsError(
            f"{where}: {url!r}; expected https: only this machine itself may be asked over http"
        )


def is_loopback(host: str) -> bool:
    """Whether that host is this machine by its name: nobody else's DNS is asked."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{where}: {value!r}; expected text")
    return value


def _texts(where: str, value: Any) -> tuple[str, ...]:
    # Lua has one empty table: an empty list may come as {}.
    if value is None or value == {}:
        return ()
    if not isinstance(value, list):
        raise SettingsError(f"{where}: {value!r}; expected a list of texts")
    return tuple(_text(where, item) for item in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
