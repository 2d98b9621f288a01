"""Our table of names is OpenTelemetry's, and the architecture's."""

from __future__ import annotations

import re
import warnings
from types import ModuleType

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes, service_attributes
from opentelemetry.semconv.attributes import error_attributes, http_attributes

from gateway.observability import span_names as names
from gateway.observability.label_values import INFERENCE, STAGES
from gateway.types import ProviderKind

OURS = {name: value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}


def constants(*modules: ModuleType) -> set[str]:
    return {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, str) and "." in value
    }


def known(enumeration: str) -> set[str]:
    """Its values; the package calls all of GenAI deprecated since it has a repository of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return {member.value for member in getattr(gen_ai_attributes, enumeration)}


@pytest.mark.parametrize("name", sorted(OURS))
def test_an_attribute_is_a_convention_or_ours(name: str) -> None:
    value = OURS[name]
    if re.match(r"\d+ ", value):
        return
    conventions = constants(gen_ai_attributes, service_attributes, error_attributes, http_attributes)
    assert value in conventions or value.startswith("portcullis."), value


def test_none_is_for_content() -> None:
    assert not [
        value for value in OURS.values() if re.search(r"message|prompt|completion|instruction", value)
    ]


def test_every_kind_of_provider_has_its_well_known_name() -> None:
    assert names.PROVIDERS.keys() == set(ProviderKind)
    well_known = known("GenAiProviderNameValues")
    ours = {kind for kind, name in names.PROVIDERS.items() if name not in well_known}
    assert ours == {ProviderKind.OLLAMA, ProviderKind.OPENAI_COMPATIBLE}


def test_operations_are_well_known() -> None:
    assert set(INFERENCE) <= known("GenAiOperationNameValues")


def test_spans_are_the_steps_of_the_request() -> None:
    spans = [names.API, *names.STEPS.values(), names.PROVIDER]
    numbered = {int(number): name for number, name in (span.split(" ") for span in spans)}
    assert numbered == {3: "api", 5: "policy", 8: "routing", 9: "provider", 10: "settle"}
    assert set(STAGES) == {"tag", "read", "provider"} | names.STEPS.keys()
