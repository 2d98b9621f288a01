"""The one question that nothing after it may reopen: may this deployment see this class?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from compliance.classes import ComplianceClass
from gateway.types import Deployment


@dataclass(frozen=True, slots=True)
class Drop:
    """A deployment that may not see the request, and the obligation that it does not meet."""

    deployment: Deployment
    obligation: str


@dataclass(frozen=True, slots=True)
class Eligibility:
    """``deployments`` in the order in which they came, and why each of the others is not among them."""

    deployments: tuple[Deployment, ...]
    drops: tuple[Drop, ...]

    def obligations(self) -> tuple[str, ...]:
        """The obligations that failed, each once, in the order in which they were met."""
        return tuple(dict.fromkeys(drop.obligation for drop in self.drops))


def eligible(compliance: ComplianceClass, deployments: Iterable[Deployment], *, today: date) -> Eligibility:
    """Split ``deployments`` into those that may see ``compliance`` and those that may not.

    Public data may go anywhere. An expired agreement clears for nothing; residency holds for every class.
    """
    kept: list[Deployment] = []
    drops: list[Drop] = []
    for deployment in deployments:
        obligation = unmet_obligation(compliance, deployment, today)
        if obligation is None:
            kept.append(deployment)
        else:
            drops.append(Drop(deployment, obligation))
    return Eligibility(tuple(kept), tuple(drops))


def unmet_obligation(compliance: ComplianceClass, deployment: Deployment, today: date) -> str | None:
    """The first obligation of ``compliance`` that the deployment does not meet; None when it meets all."""
    if compliance.residency is not None and deployment.region not in compliance.residency:
        return f"residency:{','.join(sorted(compliance.residency)) or 'nowhere'}"
    if not compliance.categories:
        return None
    missing = compliance.categories - deployment.cleared_for
    if missing:
        return f"cleared_for:{','.join(sorted(missing))}"
    if deployment.agreement is not None and deployment.agreement.expires < today:
        return "agreement:expired"
    return None
