"""oidc-jwt under plugin servers, spoken to over their socket as Kong 3.9 does: ours, and the stock one."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from testing.identity_provider import AUDIENCE, IdentityProvider, SigningKey, identity_provider, private_key
from testing.plugin_server import OURS, PACKAGES, STOCK, KongSide, dump, plugin_server

PLUGIN = PACKAGES / "plugins" / "oidc-jwt"
SERVERS = {
    "ours": [*OURS],
    "ours, a process for each core": [*OURS, "--multiprocessing"],
    "stock": [*STOCK],
    "stock, errors raised": [*STOCK, "--no-lua-style"],
    "stock, gevent": [*STOCK, "--gevent"],
}
"""Not the stock server's processes: they pickle the plugin for each event, and it holds keys and locks."""
CONSUMER = {"id": "b32379d9-3d28-5683-a79c-72139be6e34f", "username": "clinic", "created_at": 1}


class Kong(KongSide):
    """`answers` are what the PDK calls give."""

    def __init__(self, connected: socket.socket) -> None:
        super().__init__(connected)
        self.answers: dict[str, Any] = {"kong.client.load_consumer": CONSUMER}

    def start(self, *issuers: Any, **more: Any) -> int:
        config = {"issuers": issuers, "__seq__": 2, "__plugin_id": "100aa0c8", **more}
        return int(self.ask("StartInstance", {"Name": "oidc-jwt", "Config": json.dumps(config)})["Id"])

    def access(self, instance: int, authorization: str | None = None) -> list[Any] | None:
        """One request: None when it may go on, else status, body and headers of the answer."""
        self.calls = []
        self.answers["kong.request.get_header"] = authorization
        result = self.ask("HandleEvent", {"InstanceId": instance, "EventName": "access"})
        while result["Data"] != "ret":
            call, args = result["Data"]["Method"], result["Data"]["Args"]
            self.calls.append((call, args))
            if call == "kong.response.exit":
                return list(args)
            answer = self.answers.get(call)
            step = {"EventId": result["EventId"]} | ({} if answer is None else {"Data": answer})
            result = self.ask("Step", step)
        return None

    @property
    def called(self) -> list[str]:
        return [call for call, _ in self.calls]


@pytest.fixture(scope="module", params=SERVERS)
def kong(request: pytest.FixtureRequest) -> Iterator[Kong]:
    with plugin_server(SERVERS[request.param], PLUGIN) as connection:
        yield Kong(connection)


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def instance(kong: Kong, idp: IdentityProvider) -> int:
    kong.answers = {"kong.client.load_consumer": CONSUMER}
    return kong.start(row(idp))


def row(idp: IdentityProvider, **more: Any) -> dict[str, Any]:
    return {"issuer": idp.issuer, "consumer": "clinic", "audience": [AUDIENCE], **more}


def test_a_request_that_jwt_has_authenticated_costs_one_call(kong: Kong, instance: int) -> None:
    kong.answers["kong.client.get_credential"] = {"id": "1", "key": "acme"}
    assert kong.access(instance, "Bearer nonsense") is None
    assert kong.called == ["kong.client.get_credential"]


def test_a_good_token_is_its_issuer_s_consumer(kong: Kong, instance: int, idp: IdentityProvider) -> None:
    token = idp.token()
    assert kong.access(instance, f"Bearer {token}") is None
    assert kong.called == [
        "kong.client.get_credential",
        "kong.request.get_header",
        "kong.client.load_consumer",
        "kong.service.request.set_headers",
        "kong.ctx.shared.set",
        "kong.client.authenticate",
    ]
    made = dict(kong.calls)
    assert made["kong.client.load_consumer"] == ["clinic", True]
    assert made["kong.service.request.set_headers"] == [
        {
            "X-Consumer-ID": CONSUMER["id"],
            "X-Consumer-Username": "clinic",
            "X-Consumer-Custom-ID": [],
            "X-Credential-Identifier": idp.issuer,
            "X-Anonymous-Consumer": [],
        }
    ]
    assert made["kong.ctx.shared.set"] == ["authenticated_jwt_token", token]
    assert made["kong.client.authenticate"] == [CONSUMER, {"id": CONSUMER["id"], "key": idp.issuer}]


def test_the_consumer_is_not_loaded_each_time(kong: Kong, instance: int, idp: IdentityProvider) -> None:
    for number in range(12):
        assert kong.access(instance, f"bearer  {idp.token(jti=str(number))} ") is None
    assert "kong.client.load_consumer" not in kong.called
    assert len(kong.calls) == 5


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic YTpi", "Bearer a, Bearer b", "Token x"])
def test_without_a_token(header: str | None, kong: Kong, instance: int) -> None:
    assert kong.access(instance, header) == [401, {"message": "Unauthorized"}, {"WWW-Authenticate": "Bearer"}]


def test_with_a_bad_token(kong: Kong, instance: int, idp: IdentityProvider) -> None:
    stranger = SigningKey(idp.keys[0].kid, "ES256", private_key("ES256"))
    for token, says in ((idp.token(stranger), "bad signature"), ("x.y.z", "not a signed token")):
        status, body, headers = kong.access(instance, f"Bearer {token}") or []
        assert (status, body) == (401, {"message": "Unauthorized"})
        assert headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        [[logged]] = [args for call, args in kong.calls if call.startswith("kong.log.")]
        assert logged == f"oidc-jwt: refused a token: {says}"


def test_a_consumer_that_does_not_exist_is_a_503(kong: Kong, instance: int, idp: IdentityProvider) -> None:
    del kong.answers["kong.client.load_consumer"]
    refused = kong.access(instance, f"Bearer {idp.token()}")
    assert refused is not None
    assert refused[0] == 503
    assert not {"kong.client.authenticate", "kong.service.request.set_headers"} & set(kong.called)
    [[logged]] = [args for call, args in kong.calls if call == "kong.log.err"]
    assert "LookupError at " in logged
    kong.answers["kong.client.load_consumer"] = CONSUMER
    assert kong.access(instance, f"Bearer {idp.token()}") is None


def test_a_provider_that_is_down_is_a_503_in_time_and_is_logged_once(
    kong: Kong, instance: int, idp: IdentityProvider
) -> None:
    idp.fault = "stall"
    begun = time.monotonic()
    refused = kong.access(instance, f"Bearer {idp.token()}")
    assert time.monotonic() - begun < 1.5
    assert refused is not None
    assert (refused[0], refused[2]) == (503, {"Retry-After": "5"})
    assert kong.access(instance, "Bearer x") == [
        401,
        {"message": "Unauthorized"},
        {"WWW-Authenticate": 'Bearer error="invalid_token"'},
    ]


def test_keys_are_rotated_and_kept_while_the_provider_is_down(
    kong: Kong, instance: int, idp: IdentityProvider
) -> None:
    old = idp.token()
    assert kong.access(instance, f"Bearer {old}") is None
    idp.rotate("RS256")
    assert kong.access(instance, f"Bearer {idp.token()}") is None
    idp.fault = "refuse"
    assert kong.access(instance, f"Bearer {idp.token(sub='eve')}") is None
    assert kong.access(instance, f"Bearer {old}") is None


def test_two_instances_believe_their_own_issuers(kong: Kong, idp: IdentityProvider) -> None:
    kong.answers = {"kong.client.load_consumer": CONSUMER}
    with identity_provider() as second:
        instances = {provider.issuer: kong.start(row(provider)) for provider in (idp, second)}
        for provider in (idp, second):
            for issuer, instance in instances.items():
                passed = kong.access(instance, f"Bearer {provider.token()}") is None
                assert passed == (issuer == provider.issuer)


def test_a_wrong_configuration_does_not_start(kong: Kong, idp: IdentityProvider) -> None:
    """Kong answers 500 when an instance does not start: no request goes by."""
    with pytest.raises(AssertionError, match="algorithms"):
        kong.start(row(idp, algorithms=["HS256"]))


@pytest.mark.parametrize("command", [OURS, STOCK], ids=["ours", "stock"])
def test_what_the_query_command_prints(command: tuple[str, ...]) -> None:
    (info,) = json.loads(dump(command, PLUGIN))
    assert (info["Name"], info["Phases"], info["Priority"]) == ("oidc-jwt", ["access"], 1400)
    [config] = info["Schema"]["fields"]
    assert [name for part in config["config"]["fields"] for name in part] == [
        "issuers",
        "leeway_s",
        "ca_file",
    ]


def test_the_schema_knows_what_the_settings_know() -> None:
    from oidc.settings import _ISSUER_KEYS, MAX_LEEWAY_S

    module: dict[str, Any] = {"__name__": "oidc_jwt"}
    exec(compile((PLUGIN / "oidc-jwt.py").read_text(), "oidc-jwt.py", "exec"), module)
    issuers, leeway, _ = module["Schema"]
    fields = issuers["issuers"]["elements"]["fields"]
    assert {name for field in fields for name in field} == _ISSUER_KEYS
    assert leeway["leeway_s"]["between"] == [0, MAX_LEEWAY_S]
