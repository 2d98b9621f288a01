"""Each pair of components on prod, or on the base where prod has one of them already or excludes it."""

from __future__ import annotations

import pytest

from testing.kubernetes.checking import rendered, rule_faults, schema_faults
from testing.kubernetes.rendering import Combination, pairs

pytestmark = pytest.mark.usefixtures("kubectl")


@pytest.mark.parametrize("combination", pairs("prod"), ids=str)
def test_it_renders_to_what_is_right(combination: Combination) -> None:
    resources = rendered(combination)
    assert schema_faults(resources) == []
    assert rule_faults(resources) == []
