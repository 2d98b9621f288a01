from pathlib import Path
from typing import Any

import pytest
import yaml

from embedded_edge.config import load_config, load_file
from embedded_edge.entities import entity_id
from embedded_edge.schema import ConfigError
from testing.edge import KONG_YAML, SECRET, document, shipped

PLUGINS = Path(__file__).parents[2] / "plugins"


def refusal(given: dict[str, Any], *plugin_dirs: Path) -> str:
    with pytest.raises(ConfigError) as error:
        load_config(given, plugin_dirs)
    return str(error.value)


def test_ids_are_those_that_kong_derives() -> None:
    # Recorded from a real Kong 3.9.3: X-Consumer-ID of the consumer alice.
    assert entity_id("consumers", "alice") == "b32379d9-3d28-5683-a79c-72139be6e34f"


def test_the_shipped_chain_runs_in_kongs_order(tmp_path: Path) -> None:
    given = shipped()
    _use_stand_in_for_tag(given, tmp_path)
    chains = {route.name: plugins for route, plugins in load_config(given, [tmp_path]).routes}
    assert [plugin.name for plugin in chains["api"]] == [
        "pre-function",
        "correlation-id",
        "cors",
        "jwt",
        "request-size-limiting",
        "rate-limiting",
        "compliance-tag",
        "prometheus",
        "post-function",
    ]
    open_chain = {plugin.name for plugin in chains["health"]}
    assert open_chain.isdisjoint({"jwt", "rate-limiting", "compliance-tag", "post-function"})


def _use_stand_in_for_tag(given: dict[str, Any], folder: Path) -> None:
    (folder / "compliance-tag").mkdir()
    (folder / "compliance-tag" / "compliance-tag.py").write_text(
        "Version = '1'\nPriority = 905\nSchema = ({'tag_keys_file': {'type': 'string'}},)\n"
        "class Plugin:\n    def __init__(self, config): pass\n    def access(self, kong): pass\n"
    )


def test_the_shipped_file_holds_no_consumer_and_no_secret() -> None:
    given = yaml.safe_load(KONG_YAML.read_text("utf-8"))
    assert "consumers" not in given
    assert "jwt_secrets" not in yaml.safe_dump(given)


def test_an_unknown_plugin_is_refused_by_name() -> None:
    assert "'response-transformer' is not known" in refusal(document({"name": "response-transformer"}))


@pytest.mark.parametrize(
    ("plugin", "config", "named"),
    [
        ("jwt", {"claims_to_verfy": ["exp"]}, "claims_to_verfy"),
        ("jwt", {"claims_to_verify": ["aud"]}, "aud"),
        ("jwt", {"uri_param_names": "jwt"}, "uri_param_names"),
        ("jwt", {"anonymous": "nobody"}, "nobody"),
        ("jwt", {"maximum_expiration": 60}, "maximum_expiration"),
        ("rate-limiting", {"minute": 5, "policy": "redis"}, "redis"),
        ("rate-limiting", {"minute": 0}, "minute"),
        ("rate-limiting", {}, "minute"),
        ("cors", {"origins": ["("]}, "("),
        ("correlation-id", {"generator": "serial"}, "serial"),
        ("request-size-limiting", {"size_unit": "gigabytes"}, "gigabytes"),
        ("prometheus", {"ai_metrics": True}, "ai_metrics"),
        ("pre-function", {"access": ["return 1"]}, "return 1"),
        ("post-function", {"log": ["return 1"]}, "log"),
    ],
)
def test_an_unknown_option_value_or_lua_text_is_refused_by_name(
    plugin: str, config: dict[str, Any], named: str
) -> None:
    message = refusal(document({"name": plugin, "config": config}))
    assert plugin in message
    assert named in message


@pytest.mark.parametrize("field", ["targets", "certificates", "vaults"])
def test_an_unknown_part_of_the_document_is_refused_by_name(field: str) -> None:
    assert repr(field) in refusal({**document(), field: []})


def test_an_unknown_field_of_a_route_or_service_is_refused_by_name() -> None:
    assert "'client_certificate'" in refusal(document(client_certificate="x"))
    given = document()
    given["services"][0]["routes"][0]["expression"] = "x"
    assert "'expression'" in refusal(given)


def test_an_error_about_a_credential_does_not_quote_it() -> None:
    given = document({"name": "jwt"})
    given["consumers"][0]["jwt_secrets"][0]["secret"] = [SECRET]
    message = refusal(given)
    assert "'secret'" in message
    assert SECRET not in message


def test_two_credentials_may_not_share_a_key() -> None:
    given = document({"name": "jwt"})
    given["consumers"].append({"username": "b", "jwt_secrets": [{"key": "acme", "secret": "x"}]})
    assert "'acme' is there twice" in refusal(given)


def test_the_closest_instance_of_a_plugin_runs() -> None:
    given = document({"name": "correlation-id", "config": {"header_name": "X-Route"}})
    given["plugins"] = [{"name": "correlation-id", "config": {"header_name": "X-Global"}}]
    config = load_config(given)
    (chain,) = (plugins for _, plugins in config.routes)
    assert len(chain) == 1
    assert chain[0] is not config.global_plugins[0]


def test_a_disabled_plugin_is_checked_and_left_out() -> None:
    assert load_config(document({"name": "jwt", "enabled": False})).routes[0][1] == ()
    assert "'x'" in refusal(document({"name": "x", "enabled": False}))


def test_a_file_that_is_not_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "kong.yaml"
    path.write_text("a: [")
    with pytest.raises(ConfigError, match=r"kong\.yaml: not YAML"):
        load_file(path)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("raise RuntimeError('broken')", "does not import: RuntimeError"),
        ("Version = '1'", "has no Plugin"),
        (
            "Priority = 1\nSchema = ()\nclass Plugin:\n    def __init__(self, config): 1 / 0",
            "does not start: ZeroDivisionError",
        ),
    ],
)
def test_a_plugin_of_ours_that_does_not_load_stops_the_start(tmp_path: Path, source: str, named: str) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "ours.py").write_text(source)
    assert named in refusal(document({"name": "ours"}), tmp_path)
