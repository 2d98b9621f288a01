"""Claims only narrow what the tenant's row grants."""

from collections.abc import Callable
from typing import Any

import pytest

from compliance.classes import ComplianceClass
from compliance.tag import Tag
from gateway.errors import Forbidden
from gateway.policy import caller_of, may_use
from gateway.types import Deployment, Tenant

Make = Callable[..., Deployment]


def tag(**changes: Any) -> Tag:
    fields: dict[str, Any] = {
        "tenant": "acme",
        "subject": "ann",
        "tier": None,
        "project": None,
        "models": None,
        "scopes": (),
        "compliance": ComplianceClass(),
        "rules": (),
        "rules_revision": "r",
        "method": "POST",
        "target": "/",
        "body_sha256": "",
    }
    return Tag(**{**fields, **changes})


def tenants(**changes: Any) -> dict[str, Tenant]:
    fields: dict[str, Any] = {
        "name": "acme",
        "floor": ComplianceClass(),
        "models": ("*",),
        "scopes": frozenset({"inference"}),
    }
    return {"acme": Tenant(**{**fields, **changes})}


def test_a_tenant_without_a_row_is_refused() -> None:
    with pytest.raises(Forbidden, match=r"gateway\.yaml"):
        caller_of(tag(tenant="other"), tenants())


def test_the_class_is_the_join_of_tag_and_tenant() -> None:
    floor = ComplianceClass(frozenset({"phi"}), frozenset({"eu", "us"}))
    found = ComplianceClass(frozenset({"pii"}), frozenset({"eu"}))
    caller = caller_of(tag(compliance=found), tenants(floor=floor))
    assert caller.compliance == ComplianceClass(frozenset({"phi", "pii"}), frozenset({"eu"}))


def test_a_scope_beyond_the_row_is_ignored() -> None:
    assert caller_of(tag(scopes=("admin", "inference")), tenants()).scopes == {"inference"}
    assert caller_of(tag(scopes=("admin",)), tenants()).scopes == frozenset()


def test_admin_must_be_asked_for() -> None:
    both = tenants(scopes=frozenset({"inference", "admin"}))
    assert caller_of(tag(), both).scopes == {"inference"}
    assert caller_of(tag(scopes=("admin",)), both).scopes == {"admin"}


@pytest.mark.parametrize(
    ("row", "token", "allowed"),
    [
        (("*",), None, True),
        (("m-*",), None, True),
        (("cloud/*",), None, True),
        (("gpt-*",), None, False),
        (("*",), ("m-other",), False),
        (("gpt-*",), ("*",), False),
        (("*",), ("m-cloud",), True),
        (("*",), (), False),
    ],
)
def test_a_model_must_be_in_both_lists(
    deployment: Make, row: tuple[str, ...], token: tuple[str, ...] | None, allowed: bool
) -> None:
    caller = caller_of(tag(models=token), tenants(models=row))
    assert may_use(caller, deployment("cloud")) is allowed
