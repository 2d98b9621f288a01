"""The list of hosts: what is on it, what is not, and how it is said."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from gateway.cli import main
from gateway.egress import FORMATS, FormatError, Host, egress_of
from gateway.proxy import parse_proxy
from gateway.types import Deployment, Operation, Price, Provider, ProviderKind


def made(kind: ProviderKind, region: str = "us", base_url: str | None = None) -> Deployment:
    return Deployment(
        id=f"{kind}-{region}",
        provider=Provider(kind.value, kind, base_url, {}, unavailable="no credentials"),
        model="m",
        upstream_model="m",
        operations=frozenset({Operation.CHAT}),
        region=region,
        cleared_for=frozenset(),
        agreement=None,
        price=Price(*[Decimal(0)] * 4),
    )


@pytest.mark.parametrize(
    ("deployment", "hosts"),
    [
        (made(ProviderKind.OPENAI), {"api.openai.com:443"}),
        (made(ProviderKind.ANTHROPIC), {"api.anthropic.com:443"}),
        (made(ProviderKind.GROQ), {"api.groq.com:443"}),
        (
            made(ProviderKind.VERTEX_AI, "europe-west4"),
            {"europe-west4-aiplatform.googleapis.com:443", "oauth2.googleapis.com:443"},
        ),
        (
            made(ProviderKind.VERTEX_AI, "eu"),
            {"aiplatform.eu.rep.googleapis.com:443", "oauth2.googleapis.com:443"},
        ),
        (
            made(ProviderKind.VERTEX_ENDPOINT, "us-east4"),
            {"us-east4-aiplatform.googleapis.com:443", "oauth2.googleapis.com:443"},
        ),
        (
            made(ProviderKind.VERTEX_ENDPOINT, base_url="own.example:8443"),
            {"own.example:8443", "oauth2.googleapis.com:443"},
        ),
        (
            made(ProviderKind.BEDROCK, "eu-central-1"),
            {"bedrock-runtime.eu-central-1.amazonaws.com:443", "sts.eu-central-1.amazonaws.com:443"},
        ),
        (
            made(ProviderKind.BEDROCK, "cn-north-1"),
            {"bedrock-runtime.cn-north-1.amazonaws.com.cn:443", "sts.cn-north-1.amazonaws.com.cn:443"},
        ),
        (made(ProviderKind.OPENAI, base_url="https://EU.api.openai.com./v1"), {"eu.api.openai.com:443"}),
        (made(ProviderKind.OPENAI_COMPATIBLE, base_url="https://10.0.0.5:8443/v1"), {"10.0.0.5:8443"}),
        (made(ProviderKind.OPENAI_COMPATIBLE, base_url="https://[fd00::1]/v1"), {"[fd00::1]:443"}),
    ],
)
def test_where_a_deployment_is(deployment: Deployment, hosts: set[str]) -> None:
    egress = egress_of([deployment])
    assert {str(host) for host in egress.hosts} == hosts
    assert egress.left_out == ()


def test_every_kind_is_on_it_or_said_to_be_left_out() -> None:
    for kind in ProviderKind:
        egress = egress_of([made(kind, "us-east-1")])
        assert bool(egress.hosts) != bool(egress.left_out), kind


@pytest.mark.parametrize(
    ("deployment", "words"),
    [
        (made(ProviderKind.OLLAMA), "without TLS"),
        (made(ProviderKind.OPENAI_COMPATIBLE), "no address yet"),
        (made(ProviderKind.OPENAI_COMPATIBLE, base_url="http://vllm:8000/v1"), "without TLS"),
    ],
)
def test_servers_of_ones_own_are_left_out(deployment: Deployment, words: str) -> None:
    egress = egress_of([deployment])
    assert egress.hosts == ()
    assert words in egress.left_out[0]


def test_whom_the_proxy_does_not_serve_is_left_out() -> None:
    deployment = made(ProviderKind.OLLAMA, base_url="https://ollama.portcullis.svc:11434")
    assert egress_of([deployment]).hosts == (Host("ollama.portcullis.svc", 11434),)
    egress = egress_of([deployment], proxy=parse_proxy("http://proxy", ".svc"))
    assert egress.hosts == ()
    assert "NO_PROXY" in egress.left_out[0]


def test_identity_providers_are_kongs() -> None:
    issuers = {
        "issuers": [
            {"issuer": "https://login.example/realm", "jwks_uri": "https://keys.example:8443/keys"},
            {"issuer": "https://accounts.example"},
        ]
    }
    egress = egress_of([made(ProviderKind.OPENAI)], issuers)
    assert [str(host) for host in egress.issuers] == ["accounts.example:443", "keys.example:8443"]
    assert "https://accounts.example" in egress.left_out[0]
    assert FORMATS["hosts"](egress).split() == [
        "accounts.example:443",
        "api.openai.com:443",
        "keys.example:8443",
    ]
    assert "example" not in FORMATS["squid"](egress)
    policies = list(yaml.safe_load_all(FORMATS["fqdn-network-policy"](egress)))
    assert [policy["metadata"]["namespace"] for policy in policies] == ["portcullis", "kong", "kong"]
    assert policies[2]["metadata"]["name"] == "kong-to-keys-example-8443"
    assert policies[2]["spec"] == {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "kong"}},
        "egress": [{"matches": [{"name": "keys.example"}], "ports": [{"protocol": "TCP", "port": 8443}]}],
    }


def test_squid_holds_each_port_to_its_hosts() -> None:
    egress = egress_of(
        [
            made(ProviderKind.OPENAI),
            made(ProviderKind.OPENAI_COMPATIBLE, base_url="https://vllm.example:8443"),
        ]
    )
    assert FORMATS["squid"](egress).splitlines()[1:] == [
        "acl port_443 port 443",
        "acl hosts_443 dstdomain -n api.openai.com",
        "http_access allow tunnel port_443 hosts_443 !inside",
        "acl port_8443 port 8443",
        "acl hosts_8443 dstdomain -n vllm.example",
        "http_access allow tunnel port_8443 hosts_8443 !inside",
    ]


def test_an_address_is_no_name_to_gke() -> None:
    egress = egress_of([made(ProviderKind.OPENAI_COMPATIBLE, base_url="https://10.0.0.5")])
    with pytest.raises(FormatError, match=r"10\.0\.0\.5"):
        FORMATS["fqdn-network-policy"](egress)


def test_the_command_prints_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    issuers = tmp_path / "issuers.yaml"
    issuers.write_text(
        "issuers: [{issuer: https://login.example, consumer: demo, audience: [gate], "
        "jwks_uri: https://login.example/keys}]",
        encoding="utf-8",
    )
    # Whoever stands in for the providers is not what has to be reachable.
    stand_in = tmp_path / "simulators.json"
    stand_in.write_text(
        '{"providers": {"openai": {"base_url": "https://simulator.example"}}}', encoding="utf-8"
    )
    monkeypatch.setenv("PORTCULLIS_SIMULATORS", str(stand_in))
    assert main(["egress", "--issuers", str(issuers)]) == 0
    printed = capsys.readouterr()
    hosts = printed.out.split()
    assert {"api.openai.com:443", "login.example:443"} <= set(hosts)
    assert hosts == sorted(hosts)
    assert "simulator" not in printed.out
    assert "left out: ollama" in printed.err


def test_each_format_is_a_choice_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    for name in FORMATS:
        assert main(["egress", "--format", name]) == 0
        assert "api.openai.com" in capsys.readouterr().out


def test_a_row_more_is_a_host_more() -> None:
    rows = [made(ProviderKind.OPENAI), made(ProviderKind.BEDROCK, "us-east-1")]
    more = dataclasses.replace(rows[1], id="other", region="eu-west-3")
    assert set(egress_of([*rows, more]).hosts) - set(egress_of(rows).hosts) == {
        Host("bedrock-runtime.eu-west-3.amazonaws.com", 443),
        Host("sts.eu-west-3.amazonaws.com", 443),
    }
