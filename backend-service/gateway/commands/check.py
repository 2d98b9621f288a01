"""`portcullis check`: whether the configuration is good, and what it means."""

from __future__ import annotations

import argparse
from datetime import date

from compliance.classes import ORDER, ComplianceClass
from gateway.configuration import Configuration
from gateway.main import read_configuration
from gateway.policy import eligible
from gateway.settings import read_settings
from gateway.types import Operation


def run(_: argparse.Namespace) -> int:
    """Print what is configured. Raises SettingsError or ConfigurationError, with every fault found."""
    settings = read_settings()
    configuration = read_configuration(settings)
    print(f"{settings.config_file} is good.\n")
    print("\n\n".join([_providers(configuration), _clearances(configuration), _tenants(configuration)]))
    return 0


def _providers(configuration: Configuration) -> str:
    lines = ["Providers"]
    for provider in configuration.providers.values():
        state = "simulated" if provider.simulated else provider.unavailable or "ready"
        lines.append(f"  {provider.name:<20} {provider.kind.value:<18} {state}")
    return "\n".join(lines)


def _clearances(configuration: Configuration) -> str:
    """Who may see what, and where "auto" goes: what a compliance officer signs."""
    lines = ["Which deployments may see which class (chat; the first is what auto takes)"]
    chat = [d for d in configuration.deployments if Operation.CHAT in d.operations]
    for name in ("public", *ORDER):
        categories = frozenset({name} - {"public"})
        verdict = eligible(ComplianceClass(categories), chat, today=date.today())
        allowed = ", ".join(deployment.id for deployment in verdict.deployments)
        lines.append(f"  {name:<10} {allowed or 'none: such requests are refused'}")
    return "\n".join(lines)


def _tenants(configuration: Configuration) -> str:
    lines = ["Tenants"]
    for tenant in configuration.tenants.values():
        where = "anywhere" if tenant.floor.residency is None else ", ".join(sorted(tenant.floor.residency))
        lines.append(
            f"  {tenant.name:<12} at least {tenant.floor.name}, {where}; "
            f"models {', '.join(tenant.models)}; scopes {', '.join(sorted(tenant.scopes))}"
        )
    return "\n".join(lines)
