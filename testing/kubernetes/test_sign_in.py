"""oauth2-proxy: who is let in where, and the way on to Kong."""

from __future__ import annotations

import tomllib

import pytest

from testing.kubernetes.checking import rendered
from testing.kubernetes.model import Cluster, Workload
from testing.kubernetes.rendering import BASE, COMPONENTS, Combination

pytestmark = pytest.mark.usefixtures("kubectl")


def installed(*more: str) -> Cluster:
    return Cluster(rendered(Combination(BASE, ("kong", "../../kong/oidc", "oauth2-proxy", *more))))


def arguments(cluster: Cluster, name: str) -> list[str]:
    [workload] = [w for w in cluster.workloads if w.name == f"Deployment/{name}"]
    return list(workload.containers[0].spec["args"])


def test_only_who_is_named_is_let_in_at_admin() -> None:
    """oauth2-proxy lets in who is in the file *or* of a domain: so it may know no domain."""
    settings = tomllib.loads((COMPONENTS / "oauth2-proxy" / "oauth2-proxy.cfg").read_text())
    assert not {"email_domains", "authenticated_emails_file"} & settings.keys()
    cluster = installed()
    config = "--config=/etc/oauth2-proxy/oauth2-proxy.cfg"
    assert arguments(cluster, "portcullis-oauth2-proxy") == [config, "--email-domain=example.com"]
    assert arguments(cluster, "portcullis-oauth2-proxy-admin") == [
        config,
        "--authenticated-emails-file=/etc/oauth2-proxy/admin-emails.txt",
        "--cookie-name=_oauth2_proxy_admin",
    ]
    for workload in cluster.workloads:
        names = {row["name"] for container in workload.containers for row in container.spec.get("env", ())}
        assert not names & {"OAUTH2_PROXY_EMAIL_DOMAINS", "OAUTH2_PROXY_AUTHENTICATED_EMAILS_FILE"}


def test_whoever_has_signed_in_comes_to_kong_with_a_token() -> None:
    """By the address inside, whose certificate Kong has, without the name that would lead back here."""
    settings = tomllib.loads((COMPONENTS / "oauth2-proxy" / "oauth2-proxy.cfg").read_text())
    assert settings["upstreams"] == ["https://kong-kong-proxy.kong.svc"]
    assert settings["pass_authorization_header"] is True
    assert settings["pass_host_header"] is False
    [console] = [r for r in installed().of_kind("Ingress") if r["metadata"]["name"] == "portcullis-console"]
    assert ["kong-kong-proxy.kong.svc"] in [row["hosts"] for row in console["spec"]["tls"]]


@pytest.mark.parametrize("more", [(), ("oauth2-proxy/nginx",)], ids=["kong", "nginx"])
def test_no_name_is_open_to_who_has_not_signed_in(more: tuple[str, ...]) -> None:
    proxies = {"portcullis-oauth2-proxy", "portcullis-oauth2-proxy-admin"}
    for ingress in installed(*more).of_kind("Ingress"):
        given = ingress["metadata"].get("annotations", {})
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                if "host" not in rule:
                    assert ingress["metadata"]["name"] in ("portcullis-api", "portcullis-health")
                    continue
                behind = path["backend"]["service"]["name"] in proxies
                asked = "oauth2/auth" in given.get("nginx.ingress.kubernetes.io/auth-url", "")
                assert behind != asked, (ingress["metadata"]["name"], rule["host"])
                if rule["host"].startswith("admin."):
                    by = (
                        path["backend"]["service"]["name"]
                        if behind
                        else given["nginx.ingress.kubernetes.io/auth-url"]
                    )
                    assert "oauth2-proxy-admin" in by


def test_each_name_leads_to_its_own_proxy() -> None:
    leads = {
        rule["host"]: path["backend"]["service"]["name"]
        for ingress in installed().of_kind("Ingress")
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
        if "host" in rule
    }
    assert leads == {
        "api.example.com": "portcullis-oauth2-proxy",
        "console.example.com": "portcullis-oauth2-proxy",
        "admin.example.com": "portcullis-oauth2-proxy-admin",
    }
    for service in installed().of_kind("Service"):
        if service["metadata"]["name"] in leads.values():
            name, given = service["metadata"]["name"], service["metadata"]["annotations"]
            assert given["konghq.com/host-header"] == f"{name}.portcullis.svc"


def test_both_run_the_same() -> None:
    def without_its_own(workload: Workload) -> dict[str, object]:
        [container] = workload.pod["containers"]
        return {key: value for key, value in container.items() if key != "args"}

    found = [w for w in installed().workloads if "oauth2-proxy" in w.name]
    assert len(found) == 2
    assert without_its_own(found[0]) == without_its_own(found[1])
