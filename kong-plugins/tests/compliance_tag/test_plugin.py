"""What compliance-tag decides, with a PDK in this process that keeps what it is asked."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from compliance.detectors import RULES_REVISION

Make = Callable[..., Any]
SSN = "123-45-6789"


class Recorder:
    """`kong` as kong-pdk gives it: any path of names is a call, answered by the request.

    `lua_style` answers with a pair of value and error, as the stock server does by default.
    """

    def __init__(
        self, request: Any, *, lua_style: bool = False, failing: dict[str, BaseException] | None = None
    ):
        self.served = request
        self.lua_style = lua_style
        self.failing = failing or {}
        self.calls: list[str] = []
        self.exits: list[tuple[Any, ...]] = []
        self.logged = ""

    def __getattr__(self, name: str) -> _Call:
        return _Call(self, f"kong.{name}")

    def called(self, method: str, args: tuple[Any, ...]) -> Any:
        assert not self.exits, f"{method} after exit: in Kong it would never return"
        self.calls.append(method)
        if method in self.failing:
            raise self.failing[method]
        if method == "kong.response.exit":
            self.exits.append(args)
            return None
        if method == "kong.log.err":
            self.logged += "".join(args)
        answer = self.served.answer(method, list(args))
        return (answer, None) if self.lua_style else answer


class _Call:
    def __init__(self, recorder: Recorder, method: str) -> None:
        self._recorder, self._method = recorder, method

    def __getattr__(self, name: str) -> _Call:
        return _Call(self._recorder, f"{self._method}.{name}")

    def __call__(self, *args: Any) -> Any:
        return self._recorder.called(self._method, args)


@pytest.fixture(scope="module")
def module(plugin_folder: Path) -> ModuleType:
    """The plugin, loaded by its path as plugin servers do."""
    spec = importlib.util.spec_from_file_location(
        "compliance_tag_tested", plugin_folder / "compliance-tag.py"
    )
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def plugin(module: ModuleType, keys_file: Path) -> Any:
    return module.Plugin(
        {"tag_keys_file": str(keys_file), "unscannable": "internal", "__seq__": 2, "route_id": "x"}
    )


def run(plugin: Any, request: Any, **options: Any) -> Recorder:
    kong = Recorder(request, **options)
    plugin.access(kong)
    return kong


def refused(plugin: Any, request: Any, **options: Any) -> tuple[int, str]:
    """Status and message of the refusal; nothing was set on the request."""
    kong = run(plugin, request, **options)
    assert request.set_headers == {}
    ((status, body),) = kong.exits
    return status, body["message"]


def test_the_module_says_what_kong_asks_for(module: ModuleType) -> None:
    assert module.priority == module.Priority == 905
    assert [name for part in module.Schema for name in part] == ["tag_keys_file", "unscannable"]


def test_a_clean_request_is_tagged_with_four_calls(plugin: Any, make_request: Make) -> None:
    request = make_request()
    kong = run(plugin, request)
    assert kong.calls == [
        "kong.request.get_headers",
        "kong.ctx.shared.get",
        "kong.request.get_raw_body",
        "kong.service.request.set_headers",
    ]
    tag = request.tag()
    assert (tag.tenant, tag.subject, tag.compliance.name, tag.rules) == ("acme", "jane", "public", ())
    assert tag.rules_revision == RULES_REVISION
    assert request.set_headers["X-Gateway-Subject"] == "jane"
    assert "x-user-tier" not in request.set_headers


def test_lua_style_results_mean_the_same(plugin: Any, make_request: Make) -> None:
    request = make_request(f"I am {SSN}")
    run(plugin, request, lua_style=True)
    assert request.tag().compliance.categories == {"pii"}


def test_headers_may_be_single_values_and_a_table_of_one_token(plugin: Any, make_request: Make) -> None:
    request = make_request(x_data_class="phi")
    request.token = {"1": request.token}
    run(plugin, request)
    assert request.tag().compliance.categories == {"phi"}


def test_claims_are_in_the_tag(plugin: Any, make_request: Make) -> None:
    claims = {
        "tier": "gold",
        "project": "p1",
        "models": ["gpt-*"],
        "scope": "chat admin",
        "class_floor": "phi,pii",
        "residency": ["EU"],
    }
    request = make_request(claims=claims)
    run(plugin, request)
    tag = request.tag()
    assert (tag.tier, tag.project, tag.models, tag.scopes) == ("gold", "p1", ("gpt-*",), ("chat", "admin"))
    assert tag.compliance.categories == {"phi", "pii"}
    assert tag.compliance.residency == {"eu"}
    assert tag.rules == ("token-floor",)
    assert request.set_headers["x-user-tier"] == "gold"


def test_without_a_subject_the_tenant_is_the_subject(plugin: Any, make_request: Make) -> None:
    request = make_request(claims={"sub": None})
    run(plugin, request)
    assert request.tag().subject == "acme"


def test_a_claim_cannot_break_out_of_its_header(plugin: Any, make_request: Make) -> None:
    request = make_request(claims={"sub": "a\r\nX-Gateway-Tag: b é%", "tier": "gold\nx"})
    run(plugin, request)
    assert request.set_headers["X-Gateway-Subject"] == "a%0D%0AX-Gateway-Tag: b %C3%A9%25"
    assert request.set_headers["x-user-tier"] == "gold%0Ax"
    assert request.tag().subject == "a\r\nX-Gateway-Tag: b é%"


@pytest.mark.parametrize(
    ("body", "hint", "floor", "categories", "rules"),
    [
        ("hello", None, None, set(), ()),
        (f"I am {SSN}", None, None, {"pii"}, ("ssn-us",)),
        (f"I am {SSN}", ["public"], None, {"pii"}, ("ssn-us",)),
        (
            f"I am {SSN}",
            ["internal", "PCI"],
            "phi",
            {"pii", "internal", "pci", "phi"},
            ("token-floor", "hint", "ssn-us"),
        ),
        ("hello", ["internal"], "secret", {"internal", "secret"}, ("token-floor", "hint")),
        (b"\x00\xff", None, None, {"internal"}, ("unscannable",)),
        (f"text {SSN}".encode(), None, None, {"internal", "pii"}, ("ssn-us", "unscannable")),
        (b"", None, None, set(), ()),
    ],
)
def test_sources_are_joined(
    plugin: Any,
    make_request: Make,
    body: Any,
    hint: Any,
    floor: Any,
    categories: set[str],
    rules: tuple[str, ...],
) -> None:
    request = make_request(body, claims={"class_floor": floor}, x_data_class=hint)
    run(plugin, request)
    assert request.tag().compliance.categories == categories
    assert request.tag().rules == rules


def test_what_unscannable_counts_as_is_configured(
    module: ModuleType, keys_file: Path, make_request: Make
) -> None:
    plugin = module.Plugin({"tag_keys_file": str(keys_file), "unscannable": "phi,secret"})
    request = make_request(b"\xff")
    run(plugin, request)
    assert request.tag().compliance.categories == {"phi", "secret"}


def test_a_wrong_configuration_does_not_start(module: ModuleType, keys_file: Path) -> None:
    with pytest.raises(ValueError, match="'nonsense'"):
        module.Plugin({"tag_keys_file": str(keys_file), "unscannable": "nonsense"})
    with pytest.raises(KeyError):
        module.Plugin({})


def test_the_body_is_signed_byte_for_byte(plugin: Any, make_request: Make) -> None:
    for body in (b"", b"\x00\xff", "é".encode(), b"x" * 300_000):
        request = make_request(body)
        run(plugin, request)
        assert request.tag().tenant == "acme"


def test_an_unknown_hint_is_refused_by_name(plugin: Any, make_request: Make) -> None:
    status, message = refused(plugin, make_request(x_data_class=["phi", "phy"]))
    assert status == 400
    assert message.startswith("X-Data-Class: unknown data class 'phy'")


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"x_padding": ["x"] * 1000}, 400, "Too many headers"),
        ({"content_encoding": ["gzip"]}, 415, "Content-Encoding"),
        ({"x_gateway_target": ["POST /v1/é"]}, 400, "must be ASCII"),
        ({"claims": {"class_floor": "phy"}}, 401, "claim 'class_floor': unknown data class 'phy'"),
        ({"claims": {"class_floor": 7}}, 401, "claim 'class_floor'"),
        ({"claims": {"class_floor": []}}, 401, "claim 'class_floor'"),
        ({"claims": {"residency": 7}}, 401, "claim 'residency'"),
        ({"claims": {"residency": [""]}}, 401, "claim 'residency'"),
        ({"claims": {"models": {"a": 1}}}, 401, "claim 'models'"),
        ({"claims": {"tier": ["gold"]}}, 401, "claim 'tier'"),
    ],
)
def test_a_request_at_fault_is_told_so(
    plugin: Any, make_request: Make, change: dict[str, Any], status: int, message: str
) -> None:
    given, said = refused(plugin, make_request(**change))
    assert (given, message in said) == (status, True), said


def test_an_empty_residency_is_nowhere(plugin: Any, make_request: Make) -> None:
    request = make_request(claims={"residency": []})
    run(plugin, request)
    assert request.tag().compliance.residency == frozenset()


@pytest.mark.parametrize("token", [None, "", [], {}])
def test_without_a_verified_token_there_is_no_tag(plugin: Any, make_request: Make, token: Any) -> None:
    request = make_request()
    request.token = token
    assert refused(plugin, request) == (401, "Unauthorized")


def test_several_tokens_are_refused(plugin: Any, make_request: Make) -> None:
    request = make_request()
    request.token = [request.token, request.token]
    assert refused(plugin, request)[0] == 401


@pytest.mark.parametrize("token", ["x", "a.b.c", "a.W10.c"])
def test_a_token_that_cannot_be_read_is_refused(plugin: Any, make_request: Make, token: str) -> None:
    request = make_request()
    request.token = token
    assert refused(plugin, request)[0] == 401


@pytest.mark.parametrize(
    "change",
    [
        {"x_gateway_target": None},
        {"x_gateway_target": ["POST"]},
        {"x_gateway_target": ["POST /a", "POST /b"]},
        {"x_gateway_target": [""]},
        {"x_consumer_username": None},
        {"x_consumer_username": ["acme", "evil"]},
        {"x_consumer_username": ["\udcff"]},
    ],
)
def test_a_chain_that_is_not_as_it_should_be_is_503(
    plugin: Any, make_request: Make, change: dict[str, Any]
) -> None:
    assert refused(plugin, make_request(**change))[0] == 503


CALLS = (
    "kong.request.get_headers",
    "kong.ctx.shared.get",
    "kong.request.get_raw_body",
    "kong.service.request.set_headers",
)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "error", [RuntimeError("secret-text"), AttributeError("x"), MemoryError(), RecursionError()]
)
def test_any_error_of_any_call_is_503(plugin: Any, make_request: Make, call: str, error: Exception) -> None:
    request = make_request(f"I am {SSN}")
    kong = Recorder(request, failing={call: error})
    plugin.access(kong)
    assert request.set_headers == {}
    assert [exit_[0] for exit_ in kong.exits] == [503]
    assert type(error).__name__ in kong.logged
    assert "compliance-tag.py:" in kong.logged
    assert "secret-text" not in kong.logged
    assert SSN not in kong.logged


@pytest.mark.parametrize("call", CALLS[:3])
def test_an_answer_that_is_nothing_is_refused(plugin: Any, make_request: Make, call: str) -> None:
    """Kong gives nothing for a call that failed or that it does not know."""
    request = make_request()
    setattr(request, {CALLS[0]: "headers", CALLS[1]: "token", CALLS[2]: "body"}[call], None)
    assert refused(plugin, request)[0] in (401, 503)


def test_an_error_of_the_log_does_not_let_the_request_through(plugin: Any, make_request: Make) -> None:
    failing: dict[str, BaseException] = {CALLS[0]: RuntimeError(), "kong.log.err": RuntimeError("log")}
    kong = Recorder(make_request(), failing=failing)
    with pytest.raises(RuntimeError, match="log"):
        plugin.access(kong)
    assert [exit_[0] for exit_ in kong.exits] == [503]


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_a_process_that_is_told_to_end_refuses_and_ends(
    plugin: Any, make_request: Make, error: BaseException
) -> None:
    request = make_request()
    kong = Recorder(request, failing={CALLS[2]: error})
    with pytest.raises(type(error)):
        plugin.access(kong)
    assert [exit_[0] for exit_ in kong.exits] == [503]
    assert request.set_headers == {}


def test_a_missing_key_file_is_503_and_named_until_it_is_there(
    module: ModuleType, tmp_path: Path, make_request: Make, write_keys: Callable[[Path], None]
) -> None:
    path = tmp_path / "later.json"
    plugin = module.Plugin({"tag_keys_file": str(path)})
    for _ in range(2):
        kong = run(plugin, make_request())
        assert [exit_[0] for exit_ in kong.exits] == [503]
        assert f"{path}: No such file" in kong.logged
    write_keys(path)
    request = make_request()
    run(plugin, request)
    assert request.tag().tenant == "acme"


def test_a_get_without_a_body_is_tagged(plugin: Any, make_request: Make) -> None:
    request = make_request(b"", x_gateway_target=["GET /v1/models"], content_type=None)
    run(plugin, request)
    assert (request.tag().method, request.tag().target) == ("GET", "/v1/models")


def test_a_hidden_second_key_is_in_the_class(plugin: Any, make_request: Make) -> None:
    body = f'{{"messages": [{{"content": "I am {SSN}", "content": "hello"}}]}}'
    request = make_request(body.encode())
    run(plugin, request)
    assert request.tag().compliance.categories == {"pii"}


def test_a_large_body_is_looked_through_by_the_pool(
    module: ModuleType, plugin: Any, make_request: Make
) -> None:
    request = make_request(f"I am {SSN} " + "word " * module.LARGE_BODY_BYTES)
    kong = run(plugin, request)
    assert len(kong.calls) == 4
    assert request.tag().compliance.categories == {"pii"}


def test_only_so_many_large_bodies_wait_at_once(module: ModuleType, plugin: Any, make_request: Make) -> None:
    large = "word " * module.LARGE_BODY_BYTES
    for _ in range(module.MAX_IN_POOL):
        assert module._places.acquire(blocking=False)
    status, message = refused(plugin, make_request(large))
    assert (status, "Too many large requests" in message) == (503, True)
    small = make_request()
    run(plugin, small)
    assert small.tag().tenant == "acme"
    module._places.release()
    for _ in range(3):
        request = make_request(large)
        run(plugin, request)
        assert request.tag().tenant == "acme"
