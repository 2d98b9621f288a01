"""What is committed for a cluster is what the command prints for the register that is committed."""

from __future__ import annotations

import pytest

from gateway.cli import main
from gateway.settings import ADDRESS_VARIABLES
from testing.project.repository import ROOT, read

COMPONENTS = "configs/kubernetes/components"
MADE = {
    "squid": f"{COMPONENTS}/egress-proxy/allow-list.conf",
    "fqdn-network-policy": f"{COMPONENTS}/gke-fqdn/fqdn-network-policies.yaml",
}


@pytest.mark.parametrize("name", MADE)
def test_it_is_up_to_date(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in (*ADDRESS_VARIABLES, "AWS_ENDPOINT_URL_STS", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PORTCULLIS_CONFIG", str(ROOT / "configs/gateway/gateway.yaml"))
    assert main(["egress", "--format", name]) == 0
    printed = capsys.readouterr().out
    command = f"portcullis egress --format {name}"
    assert read(MADE[name]) == printed, f"run: {command} >{MADE[name]}"
    assert f"`{command}`" in printed.splitlines()[0]
