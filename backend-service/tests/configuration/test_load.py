"""`gateway.yaml`: good, or refused with every fault by its key."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.configuration import Configuration, ConfigurationError, load_configuration
from gateway.providers.litellm_prices import price_of
from gateway.settings import REPOSITORY, Settings
from gateway.types import Price, ProviderKind

GOOD = """
version: 1
providers:
  openai: {kind: openai}
  ollama: {kind: ollama, base_url: "http://127.0.0.1:11434"}
deployments:
  - {id: gpt, provider: openai, model: gpt-4o, region: us, cleared_for: [internal]}
  - id: llama
    provider: ollama
    model: "llama3.2:1b"
    region: own
    cleared_for: [pii, phi]
    agreement: {ref: BAA-7, expires: 2027-01-31}
    price: {input: 0.5, output: 1}
tenants:
  demo: {floor: [pii], residency: [us, own], models: ["gpt-*"], scopes: [inference]}
"""
Load = Callable[[str], Configuration]


def known(kind: ProviderKind, model: str) -> Price | None:
    one = Decimal("0.000001")
    return Price(one, one, one, one) if (kind, model) == (ProviderKind.OPENAI, "gpt-4o") else None


@pytest.fixture
def load(settings: Settings) -> Load:
    def write_and_load(text: str) -> Configuration:
        settings.config_file.write_text(text, encoding="utf-8")
        return load_configuration(settings, known)

    return write_and_load


def test_rows_become_values(load: Load) -> None:
    configuration = load(GOOD)
    gpt, llama = configuration.deployments
    assert gpt.provider is configuration.providers["openai"]
    assert gpt.qualified_model == "openai/gpt-4o"
    assert llama.price.input_per_token == Decimal("0.0000005")
    assert llama.price.cached_input_per_token == llama.price.input_per_token
    assert llama.agreement is not None
    demo = configuration.tenants["demo"]
    assert demo.floor.categories == {"pii"}
    assert demo.floor.residency == {"us", "own"}


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("cleared_for: [internal]", "cleared_for: [everything]", "deployments.0.cleared_for.0"),
        ("cleared_for: [internal]", "clared_for: [internal]", "deployments.0.clared_for"),
        ("provider: ollama", "provider: olama", "deployments.llama.provider: no provider 'olama'"),
        ("model: gpt-4o", "model: gpt-99", "deployments.gpt.price"),
        ("id: llama", "id: gpt", "the id 'gpt' is there twice"),
        ("kind: openai", "kind: opnai", "providers.openai.kind"),
        ("kind: openai", "kind: openai, api_key: sk-1234", "providers.openai.api_key"),
        ("version: 1", "version: 2", "version"),
        ("input: 0.5", "input: -1", "deployments.1.price.input"),
        ("2027-01-31", "soon", "deployments.1.agreement.expires"),
        ("scopes: [inference]", "scopes: [root]", "tenants.demo.scopes.0"),
        ("floor: [pii]", "floor: pii", "tenants.demo.floor"),
    ],
)
def test_a_fault_is_named(load: Load, right: str, wrong: str, says: str) -> None:
    assert right in GOOD
    with pytest.raises(ConfigurationError) as error:
        load(GOOD.replace(right, wrong))
    assert says in str(error.value)


def test_every_fault_is_said_at_once(load: Load) -> None:
    with pytest.raises(ConfigurationError) as error:
        load(GOOD.replace("model: gpt-4o", "model: gpt-99").replace("provider: ollama", "provider: nobody"))
    assert "deployments.gpt.price" in str(error.value)
    assert "deployments.llama.provider" in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "a: [", "version: 1"])
def test_what_is_no_configuration_is_refused(load: Load, text: str) -> None:
    with pytest.raises(ConfigurationError):
        load(text)


def test_a_missing_file_says_what_to_set(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="PORTCULLIS_CONFIG"):
        load_configuration(settings, known)


def test_a_provider_without_credentials_is_unavailable_and_says_what_to_set(load: Load) -> None:
    openai = load(GOOD).providers["openai"]
    assert openai.unavailable == "no credentials; set OPENAI_API_KEY"


def test_credentials_come_from_the_settings(load: Load, settings: Settings) -> None:
    load(GOOD)
    opened = replace(settings, credentials={"OPENAI_API_KEY": "k", "GROQ_API_KEY": "other"})
    provider = load_configuration(opened, known).providers["openai"]
    assert provider.credentials == {"OPENAI_API_KEY": "k"}
    assert provider.unavailable is None
    assert "'k'" not in repr(provider)


def test_the_shipped_file_is_good(tmp_path: Path) -> None:
    settings = Settings(REPOSITORY / "configs/gateway/gateway.yaml", tmp_path / "keys")
    configuration = load_configuration(settings, price_of)
    assert {row.provider.kind for row in configuration.deployments} == set(ProviderKind)
    regulated = {"pii", "pci", "phi", "secret"}
    assert {row.provider.name for row in configuration.deployments if row.cleared_for & regulated} == {
        "ollama"
    }
