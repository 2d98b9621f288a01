"""The only reader of the environment. Parsed once into a frozen value; an error names the variable."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.proxy import Proxy, ProxyError, parse_proxy
from gateway.trace_target import TraceTarget, TraceTargetError, parse_trace_target

REPOSITORY = Path(__file__).resolve().parents[2]

#: Every variable that opens a provider. ``NAME_FILE`` may name a file with the value instead.
CREDENTIAL_VARIABLES = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GROQ_API_KEY",
    "OPENAI_COMPATIBLE_API_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "VERTEX_ENDPOINT_ID",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ENDPOINT_URL_STS",
)

#: Addresses of providers that people run themselves, by the variable that overrides the row.
ADDRESS_VARIABLES = ("OLLAMA_BASE_URL", "OPENAI_COMPATIBLE_BASE_URL")

TRACE_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "PORTCULLIS_TRACE_RATIO")


class SettingsError(ValueError):
    """A variable is missing or wrong. The message names it and says what would be right, never its value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says.

    ``credentials`` are secret and so have no ``repr``. Ports of 0 let the system choose.
    """

    config_file: Path
    tag_keys_file: Path
    host: str = "127.0.0.1"
    port: int = 8081
    management_port: int = 8082
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    drain_delay_s: float = 0
    drain_grace_s: float = 620
    redis_url: str | None = field(default=None, repr=False)
    redis_ca_file: Path | None = None
    simulators_file: Path | None = None
    issuers_file: Path | None = None
    log_level: str = "info"
    max_body_bytes: int = 20 * 1024 * 1024
    max_bodies_bytes: int = 256 * 1024 * 1024
    proxy: Proxy | None = None
    traces: TraceTarget | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)

    def public(self) -> dict[str, object]:
        """What may be shown to an administrator: no credential, no URL that holds one."""
        return {
            "config_file": str(self.config_file),
            "host": self.host,
            "port": self.port,
            "management_port": self.management_port,
            "tls": self.tls_cert_file is not None,
            "drain_delay_s": self.drain_delay_s,
            "drain_grace_s": self.drain_grace_s,
            "shared_store": "redis" if self.redis_url else "in-process",
            "simulators": self.simulators_file is not None,
            "egress_proxy": self.proxy.address if self.proxy else None,
            "trace_ratio": self.traces.ratio if self.traces else 0,
            "log_level": self.log_level,
            "max_body_bytes": self.max_body_bytes,
            "max_bodies_bytes": self.max_bodies_bytes,
            "credentials_set": sorted(self.credentials),
        }


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from ``environ``, the process' own by default. Raises SettingsError."""
    if environ is None:
        environ = os.environ
    simulators = environ.get("PORTCULLIS_SIMULATORS")
    issuers = environ.get("PORTCULLIS_ISSUERS")
    certificate, key = _pair(environ, "PORTCULLIS_TLS_CERT_FILE", "PORTCULLIS_TLS_KEY_FILE")
    redis_url = environ.get("REDIS_URL") or None
    return Settings(
        config_file=Path(environ.get("PORTCULLIS_CONFIG", REPOSITORY / "configs/gateway/gateway.yaml")),
        tag_keys_file=Path(environ.get("PORTCULLIS_TAG_KEYS_FILE", "/etc/portcullis/tag-keys.json")),
        host=environ.get("PORTCULLIS_HOST", "127.0.0.1"),
        port=_port(environ, "PORTCULLIS_PORT", 8081),
        management_port=_port(environ, "PORTCULLIS_MANAGEMENT_PORT", 8082),
        tls_cert_file=certificate,
        tls_key_file=key,
        drain_delay_s=_seconds(environ, "PORTCULLIS_DRAIN_DELAY_S", 0),
        drain_grace_s=_seconds(environ, "PORTCULLIS_DRAIN_GRACE_S", 620),
        redis_url=redis_url,
        redis_ca_file=_redis_ca_file(environ, redis_url),
        simulators_file=Path(simulators) if simulators else None,
        issuers_file=Path(issuers) if issuers else None,
        log_level=_log_level(environ.get("PORTCULLIS_LOG_LEVEL", "info")),
        proxy=_proxy(environ),
        traces=_traces(environ),
        addresses={name: environ[name] for name in ADDRESS_VARIABLES if environ.get(name)},
        credentials=read_credentials(environ),
    )


def read_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """The provider credentials by variable; empty ones count as absent.

    Of the variable itself, the file that ``NAME_FILE`` names, and the file NAME in
    ``PORTCULLIS_CREDENTIALS_DIR``, the first that is there counts. Raises SettingsError.
    """
    folder = environ.get("PORTCULLIS_CREDENTIALS_DIR")
    if folder and not Path(folder).is_dir():
        raise SettingsError(f"PORTCULLIS_CREDENTIALS_DIR: there is no folder {folder}")
    found: dict[str, str] = {}
    for name in CREDENTIAL_VARIABLES:
        if value := environ.get(name, "").strip():
            found[name] = value
        elif file := environ.get(f"{name}_FILE"):
            found[name] = _content(f"{name}_FILE", Path(file))
        elif folder and (Path(folder) / name).exists():
            found[name] = _content("PORTCULLIS_CREDENTIALS_DIR", Path(folder) / name)
    return {name: value for name, value in found.items() if value}


def _content(variable: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{variable}: cannot read {file}: {error.strerror}") from error


def _pair(environ: Mapping[str, str], *names: str) -> tuple[Path | None, ...]:
    """Files that are of use only together."""
    given = [environ.get(name) for name in names]
    if any(given) and not all(given):
        raise SettingsError(f"{' and '.join(names)} go together; one of them is not set")
    return tuple(Path(file) if file else None for file in given)


def _redis_ca_file(environ: Mapping[str, str], redis_url: str | None) -> Path | None:
    file = environ.get("REDIS_CA_FILE")
    if not file:
        return None
    if not (redis_url or "").startswith("rediss://"):
        raise SettingsError("REDIS_CA_FILE is set, but REDIS_URL does not ask for TLS; write rediss://...")
    if not Path(file).is_file():
        raise SettingsError(f"REDIS_CA_FILE: there is no file {file}")
    return Path(file)


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name) or str(default)
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or float(text) > 3600:
        raise SettingsError(f"{name} is {text!r}; it must be a number of seconds, 0 to 3600")
    return float(text)


def _proxy(environ: Mapping[str, str]) -> Proxy | None:
    """Small letters too, as other programs have it."""
    address, exempt = (
        environ.get(name) or environ.get(name.lower(), "") for name in ("HTTPS_PROXY", "NO_PROXY")
    )
    try:
        return parse_proxy(address, exempt) if address.strip() else None
    except ProxyError as error:
        raise SettingsError(f"HTTPS_PROXY is not good: {error}") from None


def _traces(environ: Mapping[str, str]) -> TraceTarget | None:
    try:
        return parse_trace_target(*(environ.get(name, "") for name in TRACE_VARIABLES))
    except TraceTargetError as error:
        raise SettingsError(str(error)) from None


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise SettingsError(f"{name} is {text!r}; it must be a port, 0 to 65535")
    return int(text)


def _log_level(text: str) -> str:
    level = text.lower()
    if level not in {"debug", "info", "warning", "error"}:
        raise SettingsError(f"PORTCULLIS_LOG_LEVEL is {text!r}; it must be debug, info, warning or error")
    return level
