"""Names, and the order in which deployments are asked."""

from collections.abc import Callable

import pytest

from gateway.routing import candidates, plan
from gateway.types import Deployment, Operation

Make = Callable[..., Deployment]


@pytest.mark.parametrize("name", ["m-cloud", "cloud/m-cloud", "auto"])
def test_a_model_goes_by_both_names(deployment: Make, name: str) -> None:
    row = deployment("cloud")
    assert candidates(name, Operation.CHAT, [row]) == (row,)


@pytest.mark.parametrize("name", ["own/m-cloud", "M-CLOUD", "", "m-cloud/"])
def test_other_names_are_nobodys(deployment: Make, name: str) -> None:
    assert candidates(name, Operation.CHAT, [deployment("cloud")]) == ()


def test_a_deployment_is_only_asked_what_it_can(deployment: Make) -> None:
    chat = deployment("chat", operations=frozenset({Operation.CHAT}))
    vectors = deployment("vectors", operations=frozenset({Operation.EMBEDDINGS}))
    assert candidates("auto", Operation.EMBEDDINGS, [chat, vectors]) == (vectors,)


def test_auto_takes_the_first_and_a_name_all_that_serve_it(deployment: Make) -> None:
    rows = (deployment("a", model="m"), deployment("b", model="m"))
    assert plan("auto", rows).attempts == rows[:1]
    assert plan("m", rows).attempts == rows
