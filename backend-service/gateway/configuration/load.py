"""From the file's rows to the rooms' values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from compliance.classes import ComplianceClass
from gateway.configuration.credentials import resolve_provider
from gateway.configuration.schema import DeploymentRow, GatewayFile, PriceRow, TenantRow
from gateway.settings import Settings
from gateway.types import Agreement, Deployment, Price, Provider, ProviderKind, Tenant, Timeouts

PriceOf = Callable[[ProviderKind, str], Price | None]
MILLION = Decimal(1_000_000)


class ConfigurationError(ValueError):
    """`gateway.yaml` is wrong. The message has a line per fault: the key, the value, what would be right."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that `gateway.yaml` says, in the file's order, with credentials resolved."""

    providers: Mapping[str, Provider]
    deployments: tuple[Deployment, ...]
    tenants: Mapping[str, Tenant]
    document: Mapping[str, Any]


def load_configuration(settings: Settings, price_of: PriceOf) -> Configuration:
    """Read and check `settings.config_file`. ``price_of`` is asked where a row names no price.

    Raises ConfigurationError with every fault that was found.
    """
    document = _read(settings.config_file)
    try:
        parsed = GatewayFile.model_validate(document)
    except ValidationError as error:
        lines = [f"{_path(e['loc'])}: {e['msg']} (found {_short(e['input'])})" for e in error.errors()]
        raise ConfigurationError(_message(settings.config_file, lines)) from None
    faults: list[str] = []
    providers = {name: resolve_provider(name, row, settings) for name, row in parsed.providers.items()}
    deployments = [_deployment(row, providers, price_of, faults) for row in parsed.deployments]
    faults.extend(
        f"deployments: the id {identifier!r} is there twice; give each its own"
        for identifier in _repeated([row.id for row in parsed.deployments])
    )
    if faults:
        raise ConfigurationError(_message(settings.config_file, faults))
    return Configuration(
        providers=providers,
        deployments=tuple(d for d in deployments if d is not None),
        tenants={name: _tenant(name, row) for name, row in parsed.tenants.items()},
        document=parsed.model_dump(mode="json"),
    )


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}; set PORTCULLIS_CONFIG to the file") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{path}: not YAML{where}") from error


def _deployment(
    row: DeploymentRow, providers: Mapping[str, Provider], price_of: PriceOf, faults: list[str]
) -> Deployment | None:
    provider = providers.get(row.provider)
    if provider is None:
        known = ", ".join(providers)
        faults.append(f"deployments.{row.id}.provider: no provider {row.provider!r}; there are {known}")
        return None
    upstream_model = row.upstream_model or provider.credentials.get("VERTEX_ENDPOINT_ID") or row.model
    price = _price(row.price) if row.price else price_of(provider.kind, upstream_model)
    if price is None:
        faults.append(
            f"deployments.{row.id}.price: LiteLLM's price map does not know {upstream_model!r}; "
            "add `price: {input: …, output: …}` in dollars per million tokens (0 is a price too)"
        )
        return None
    return Deployment(
        id=row.id,
        provider=provider,
        model=row.model,
        upstream_model=upstream_model,
        operations=frozenset(row.operations),
        region=row.region,
        cleared_for=frozenset(row.cleared_for),
        agreement=Agreement(row.agreement.ref, row.agreement.expires) if row.agreement else None,
        price=price,
        timeouts=Timeouts(**row.timeouts.model_dump()),
    )


def _price(row: PriceRow) -> Price:
    def per_token(dollars: Decimal | None) -> Decimal:
        return (row.input if dollars is None else dollars) / MILLION

    return Price(
        input_per_token=per_token(row.input),
        output_per_token=per_token(row.output),
        cached_input_per_token=per_token(row.cached_input),
        cache_write_per_token=per_token(row.cache_write),
    )


def _tenant(name: str, row: TenantRow) -> Tenant:
    residency = None if row.residency is None else frozenset(row.residency)
    return Tenant(
        name=name,
        floor=ComplianceClass(frozenset(row.floor), residency),
        models=row.models,
        scopes=frozenset(row.scopes),
    )


def _repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _message(path: Path, lines: list[str]) -> str:
    return "\n".join([f"{path} is not good:", *(f"  {line}" for line in lines)])


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the file"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
