"""compliance-tag under kong-pdk's own plugin server, spoken to over its socket as Kong 3.9 does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testing.plugin_server import STOCK, KongSide, dump, packed, plugin_server

Make = Callable[..., Any]
SSN = "123-45-6789"
MODES = {
    "threads": [],
    "threads, errors raised": ["--no-lua-style"],
    "gevent": ["--gevent"],
    "processes": ["--multiprocessing"],
}


@dataclass(frozen=True)
class Exited:
    status: int
    body: dict[str, str]


class Kong(KongSide):
    """Asks for what one request is answered with."""

    def start_instance(self, **config: Any) -> int:
        config |= {"__seq__": 2, "__plugin_id": "100aa0c8", "route_id": "f3ef8bde", "__key__": "plugins:x"}
        started = self.ask("StartInstance", {"Name": "compliance-tag", "Config": json.dumps(config)})
        number: int = started["Id"]
        return number

    def access(self, instance: int, request: Any) -> Exited | None:
        """Run the access phase; None when the plugin lets the request go on."""
        self.calls = []
        result = self.ask("HandleEvent", {"InstanceId": instance, "EventName": "access"})
        while result["Data"] != "ret":
            call, args = result["Data"]["Method"], result["Data"]["Args"]
            self.calls.append((call, args))
            if call == "kong.response.exit":
                return Exited(args[0], args[1])
            answer = request.answer(call, args)
            step = {"EventId": result["EventId"]} | ({} if answer is None else {"Data": answer})
            result = self.ask("StepMultiMap" if call.endswith("get_headers") else "Step", step)
        return None


def test_this_side_speaks_as_kong_was_recorded() -> None:
    """Three frames that a Kong 3.9.3 sent, byte for byte."""
    event = [0, 2, "plugin.HandleEvent", [{"InstanceId": 0, "EventName": "access"}]]
    assert packed(event).hex() == (
        "940002b2706c7567696e2e48616e646c654576656e74"
        "9182aa496e7374616e6365496400a94576656e744e616d65a6616363657373"
    )
    with_body = [0, 4, "plugin.Step", [{"Data": b"hello", "EventId": 0}]]
    assert packed(with_body).hex() == (
        "940004ab706c7567696e2e537465709182a444617461c40568656c6c6fa74576656e74496400"
    )
    without = [0, 5, "plugin.Step", [{"EventId": 0}]]
    assert packed(without).hex() == "940005ab706c7567696e2e537465709181a74576656e74496400"


@pytest.fixture(scope="module", params=MODES)
def kong(request: pytest.FixtureRequest, plugin_folder: Path) -> Iterator[Kong]:
    with plugin_server([*STOCK, *MODES[request.param]], plugin_folder) as connection:
        yield Kong(connection)


def test_a_clean_request_is_tagged_with_four_calls(kong: Kong, make_request: Make, keys_file: Path) -> None:
    instance = kong.start_instance(tag_keys_file=str(keys_file), unscannable="internal")
    for _ in range(2):
        request = make_request(claims={"tier": "gold"})
        assert kong.access(instance, request) is None
        assert [call for call, _ in kong.calls] == [
            "kong.request.get_headers",
            "kong.ctx.shared.get",
            "kong.request.get_raw_body",
            "kong.service.request.set_headers",
        ]
        tag = request.tag()
        assert (tag.tenant, tag.subject, tag.compliance.name) == ("acme", "jane", "public")
        assert request.set_headers["x-user-tier"] == "gold"


def test_an_ssn_raises_the_class(kong: Kong, make_request: Make, keys_file: Path) -> None:
    instance = kong.start_instance(tag_keys_file=str(keys_file))
    request = make_request(f"I am {SSN}", x_data_class=["public"])
    assert kong.access(instance, request) is None
    assert request.tag().compliance.categories == {"pii"}
    assert request.tag().rules == ("ssn-us",)


def test_a_large_body_is_scanned_whole(kong: Kong, make_request: Make, keys_file: Path) -> None:
    instance = kong.start_instance(tag_keys_file=str(keys_file))
    request = make_request("word " * 60_000 + f"I am {SSN}")
    assert kong.access(instance, request) is None
    assert request.tag().compliance.categories == {"pii"}


def test_a_request_at_fault_is_denied_and_the_next_one_is_not(
    kong: Kong, make_request: Make, keys_file: Path
) -> None:
    instance = kong.start_instance(tag_keys_file=str(keys_file))
    for _ in range(3):
        denied = kong.access(instance, make_request(x_data_class=["phy"]))
        assert denied is not None
        assert denied.status == 400
        assert denied.body["message"].startswith("X-Data-Class: unknown data class 'phy'")
        request = make_request()
        assert kong.access(instance, request) is None
        assert request.tag().tenant == "acme"


def test_a_missing_key_file_denies_until_it_is_there(
    kong: Kong, make_request: Make, tmp_path: Path, write_keys: Callable[[Path], None]
) -> None:
    path = tmp_path / "later.json"
    instance = kong.start_instance(tag_keys_file=str(path))
    denied = kong.access(instance, make_request())
    assert denied is not None
    assert denied.status == 503
    ((call, args), _) = kong.calls
    assert call == "kong.log.err"
    assert f"{path}: No such file" in "".join(args)
    write_keys(path)
    request = make_request()
    assert kong.access(instance, request) is None
    assert request.tag().tenant == "acme"


@pytest.mark.parametrize(("part", "status"), [("headers", 503), ("body", 503), ("token", 401)])
def test_what_kong_could_not_read_is_denied(
    kong: Kong, make_request: Make, keys_file: Path, part: str, status: int
) -> None:
    instance = kong.start_instance(tag_keys_file=str(keys_file))
    request = make_request()
    setattr(request, part, None)
    denied = kong.access(instance, request)
    assert denied is not None
    assert denied.status == status
    assert request.set_headers == {}


def test_a_wrong_configuration_does_not_start(kong: Kong, keys_file: Path) -> None:
    """Kong answers 500 when an instance does not start: no request goes by."""
    with pytest.raises(AssertionError, match="nonsense"):
        kong.start_instance(tag_keys_file=str(keys_file), unscannable="nonsense")


def test_two_instances_keep_their_own_configuration(kong: Kong, make_request: Make, keys_file: Path) -> None:
    lenient = kong.start_instance(tag_keys_file=str(keys_file), unscannable="public")
    strict = kong.start_instance(tag_keys_file=str(keys_file), unscannable="secret")
    for instance, expected in ((lenient, set()), (strict, {"secret"})):
        request = make_request(b"\xff")
        assert kong.access(instance, request) is None
        assert request.tag().compliance.categories == expected


def test_what_the_query_command_prints(plugin_folder: Path) -> None:
    (info,) = json.loads(dump(STOCK, plugin_folder))
    assert (info["Name"], info["Phases"], info["Priority"], info["Version"]) == (
        "compliance-tag",
        ["access"],
        905,
        "0.1.0",
    )
    (record,) = info["Schema"]["fields"]
    assert record["config"]["fields"] == [
        {"tag_keys_file": {"type": "string", "required": True}},
        {"unscannable": {"type": "string", "default": "internal"}},
    ]
