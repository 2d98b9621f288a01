"""Every kind of provider through a forward proxy, and what a caller is told when the proxy says no."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import quote

from testing.egress.asking import ask
from testing.egress.connect_proxy import ACCOUNT, ConnectProxy
from testing.egress.world import MODELS, ROLES, TOKENS, World, deployment, host_of
from testing.simulators.aws_roles import ROLE, WEB_IDENTITY

GOOGLES = {"vertex_ai", "vertex_endpoint"}
SECRET = ACCOUNT[1]


def test_every_kind_goes_through_the_proxy_or_says_why_not(outside: World, tmp_path: Path) -> None:
    kinds = list(MODELS)
    rows = [deployment(outside.simulators, kind, tmp_path) for kind in kinds]
    good, closed = outside.proxy(), outside.proxy(known=False)
    tokens_only = outside.proxy({f"{host_of(kind)}:443": 403 for kind in kinds})
    no_way = outside.proxy({f"{host}:443": 503 for host in outside.ports})
    outcomes, said = ask(
        rows,
        [
            _address(good),
            _address(closed),
            _address(tokens_only),
            _address(no_way),
            (f"http://{ACCOUNT[0]}:wrong@127.0.0.1:{good.port}", ""),
            (f"http://127.0.0.1:{_closed_port()}", ""),
        ],
        outside.certificates,
    )
    answered, refused, partly, unreached, unknown, down = (
        dict(zip(kinds, each, strict=True)) for each in outcomes
    )

    assert {kind: outcome["message"] for kind, outcome in answered.items()} == dict.fromkeys(kinds, "")
    names = {f"{host_of(kind)}:443" for kind in kinds} | {f"{TOKENS}:443"}
    assert set(good.asked) == names

    for kind in kinds:
        first = TOKENS if kind in GOOGLES else host_of(kind)
        for outcome, host in ((refused[kind], first), (partly[kind], host_of(kind))):
            assert outcome["code"] == "provider_misconfigured", kind
            assert f"the egress proxy refused the host {host} (HTTP 403)" in outcome["message"], kind
        assert unreached[kind]["code"] == "provider_unreachable", kind
        assert f"no connection to the host {first} (HTTP 503)" in unreached[kind]["message"], kind
        assert unknown[kind]["code"] == "provider_misconfigured", kind
        assert "credentials (HTTP 407)" in unknown[kind]["message"], kind
        assert down[kind]["code"] == "provider_unreachable", kind
        assert "the egress proxy does not answer" in down[kind]["message"], kind

    shown = said + str(outcomes)
    for secret in (SECRET, quote(SECRET, safe=""), "the secret prompt"):
        assert secret not in shown
    for kind in kinds:
        for exchange in outside.simulators.recordings(kind)["exchanges"]:
            assert b"proxy-authorization" not in exchange["raw"].lower()


def test_who_is_exempt_is_asked_directly(outside: World, tmp_path: Path) -> None:
    """Their names exist only at the proxy: to ask directly fails, and the proxy is not asked."""
    kinds = ["openai", "vertex_endpoint"]
    rows = [deployment(outside.simulators, kind, tmp_path) for kind in kinds]
    proxy = outside.proxy()
    [outcomes], _ = ask(
        rows,
        [(_address(proxy)[0], "openai.provider.test, .vertex-endpoint.provider.test")],
        outside.certificates,
    )
    assert [outcome["code"] for outcome in outcomes] == ["provider_unreachable"] * 2
    assert not any("proxy" in outcome["message"] for outcome in outcomes)
    assert set(proxy.asked) == {f"{TOKENS}:443"}


def test_a_role_is_assumed_through_the_proxy(outside: World, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(WEB_IDENTITY, encoding="utf-8")
    role = {
        "AWS_ROLE_ARN": ROLE,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ENDPOINT_URL_STS": f"https://{ROLES}",
    }
    row = deployment(outside.simulators, "bedrock", tmp_path) | {"env": role}
    good, refusing = outside.proxy(), outside.proxy({f"{ROLES}:443": 403})
    [[answered], [refused]], _ = ask([row], [_address(good), _address(refusing)], outside.certificates)
    assert answered["message"] == ""
    assert good.asked[0] == f"{ROLES}:443"
    assert set(good.asked) == {f"{ROLES}:443", f"{host_of('bedrock')}:443"}
    assert refused["code"] == "provider_misconfigured"
    assert f"refused the host {ROLES} (HTTP 403)" in refused["message"]


def _address(proxy: ConnectProxy) -> tuple[str, str]:
    name, password = (quote(part, safe="") for part in ACCOUNT)
    return f"http://{name}:{password}@127.0.0.1:{proxy.port}", ""


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
