"""Who asks: the tag joined with the tenant's row. Claims only narrow what the row grants."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from compliance.tag import Tag
from gateway.errors import Forbidden
from gateway.types import Caller, Deployment, Tenant


def caller_of(tag: Tag, tenants: Mapping[str, Tenant]) -> Caller:
    """The caller behind a verified tag. Raises Forbidden where the tenant has no row."""
    tenant = tenants.get(tag.tenant)
    if tenant is None:
        raise Forbidden("This tenant has no row in gateway.yaml; ask the gateway's administrator to add one.")
    return Caller(
        tenant=tenant.name,
        subject=tag.subject,
        tier=tag.tier,
        project=tag.project,
        scopes=_scopes(tenant, tag),
        model_lists=(tenant.models,) if tag.models is None else (tenant.models, tag.models),
        compliance=tag.compliance.join(tenant.floor),
        rules=tag.rules,
    )


def may_use(caller: Caller, deployment: Deployment) -> bool:
    """Whether each of the caller's model lists has a pattern for the deployment's model."""
    return all(_listed(deployment, patterns) for patterns in caller.model_lists)


def _listed(deployment: Deployment, patterns: tuple[str, ...]) -> bool:
    names = (deployment.model, deployment.qualified_model)
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _scopes(tenant: Tenant, tag: Tag) -> frozenset[str]:
    """``inference`` without a ``scope`` claim; what a token asks beyond the tenant's row is ignored."""
    asked = frozenset(tag.scopes) or frozenset({"inference"})
    return asked & tenant.scopes
