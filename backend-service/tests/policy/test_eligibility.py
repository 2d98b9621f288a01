"""The eligible set: every reason to drop, and that nothing widens it."""

from collections.abc import Callable
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from compliance.classes import ORDER, PUBLIC, ComplianceClass
from gateway.policy import eligible
from gateway.policy.eligibility import unmet_obligation
from gateway.types import Agreement, Deployment

TODAY = date(2026, 11, 21)
Make = Callable[..., Deployment]
categories = st.frozensets(st.sampled_from(ORDER))
regions = st.none() | st.frozensets(st.sampled_from(["us", "eu", "own"]))
classes = st.builds(ComplianceClass, categories, regions)


def test_public_data_may_go_anywhere(deployment: Make) -> None:
    assert unmet_obligation(PUBLIC, deployment(), TODAY) is None


def test_each_category_must_be_cleared(deployment: Make) -> None:
    both = ComplianceClass(frozenset({"pii", "phi"}))
    assert unmet_obligation(both, deployment(cleared_for=frozenset({"pii"})), TODAY) == "cleared_for:phi"
    assert unmet_obligation(both, deployment(), TODAY) == "cleared_for:phi,pii"
    assert unmet_obligation(both, deployment(cleared_for=frozenset({"pii", "phi"})), TODAY) is None


def test_residency_holds_for_public_data_too(deployment: Make) -> None:
    european = ComplianceClass(residency=frozenset({"eu"}))
    assert unmet_obligation(european, deployment(region="us"), TODAY) == "residency:eu"
    assert unmet_obligation(european, deployment(region="eu"), TODAY) is None
    nowhere = ComplianceClass(residency=frozenset())
    assert unmet_obligation(nowhere, deployment(), TODAY) == "residency:nowhere"


def test_an_agreement_is_good_until_the_end_of_its_day(deployment: Make) -> None:
    phi = ComplianceClass(frozenset({"phi"}))
    cleared = frozenset({"phi"})
    today = deployment(cleared_for=cleared, agreement=Agreement("BAA-1", TODAY))
    yesterday = deployment(cleared_for=cleared, agreement=Agreement("BAA-1", date(2026, 11, 20)))
    assert unmet_obligation(phi, today, TODAY) is None
    assert unmet_obligation(phi, yesterday, TODAY) == "agreement:expired"
    assert unmet_obligation(PUBLIC, yesterday, TODAY) is None


def test_the_order_is_kept_and_every_drop_has_its_reason(deployment: Make) -> None:
    rows = [deployment("a", cleared_for=frozenset({"pii"})), deployment("b"), deployment("c")]
    verdict = eligible(ComplianceClass(frozenset({"pii"})), rows, today=TODAY)
    assert [row.id for row in verdict.deployments] == ["a"]
    assert [(drop.deployment.id, drop.obligation) for drop in verdict.drops] == [
        ("b", "cleared_for:pii"),
        ("c", "cleared_for:pii"),
    ]
    assert verdict.obligations() == ("cleared_for:pii",)


@given(one=classes, other=classes, cleared=categories, region=st.sampled_from(["us", "eu", "own"]))
def test_a_stricter_class_never_finds_more(
    one: ComplianceClass, other: ComplianceClass, cleared: frozenset[str], region: str, deployment: Make
) -> None:
    row = deployment(cleared_for=cleared, region=region)
    if unmet_obligation(one, row, TODAY) is not None:
        assert unmet_obligation(one.join(other), row, TODAY) is not None
