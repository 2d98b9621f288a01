"""Who is told of which alert, and which alerts say nothing beside a worse one."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from testing.e2e.waiting import eventually
from testing.project.repository import read_yaml
from testing.prometheus.servers import alertmanager
from testing.prometheus.tools import FOLDER, alerts, run

FILE = FOLDER / "alertmanager.yml"
CONFIG: dict[str, Any] = read_yaml("configs/prometheus/alertmanager.yml")
NOBODY, *TOLD = CONFIG["receivers"]
NAMES = {row["alert"] for row in alerts()}
#: What has nothing to do with whether the backend answers.
NOT_CAUSED = {
    "GatewayDown",
    "KongDown",
    "AgreementExpiresSoon",
    "AgreementExpired",
    "CertificateExpiresSoon",
    "CostSpike",
}


def test_alertmanager_takes_it() -> None:
    checked = run("amtool", "check-config", FILE)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("row", alerts(), ids=lambda row: f"{row['alert']} {row['labels']['severity']}")
def test_its_severity_says_who_is_told(row: dict[str, Any]) -> None:
    severity = row["labels"]["severity"]
    labels = [f"alertname={row['alert']}", f"severity={severity}"]
    routed = run(
        "amtool",
        "config",
        "routes",
        "test",
        f"--config.file={FILE}",
        f"--verify.receivers={severity}",
        *labels,
    )
    assert routed.returncode == 0, routed.stdout + routed.stderr


def test_what_has_no_severity_of_ours_is_a_ticket() -> None:
    routed = run("amtool", "config", "routes", "test", f"--config.file={FILE}", "severity=warning")
    assert routed.stdout.split() == ["ticket"]


def test_what_always_fires_is_told_to_nobody() -> None:
    routed = run("amtool", "config", "routes", "test", f"--config.file={FILE}", "alertname=Watchdog")
    assert routed.stdout.split() == [NOBODY["name"]]
    assert NOBODY.keys() == {"name"}


def test_addresses_are_read_from_files_that_compose_mounts() -> None:
    """No address, no key and no password stands in the configuration."""
    mounted = {
        volume.removesuffix(":ro").rpartition(":")[2]
        for volume in read_yaml("compose.yaml")["services"]["alertmanager"]["volumes"]
    }
    for receiver in TOLD:
        [message] = receiver["slack_configs"]
        assert message["api_url_file"] in mounted
        assert not {"api_url", "http_config"} & message.keys()


@dataclass(frozen=True)
class Running:
    """An Alertmanager, and the messages that its receivers got: the path asked for, and the body."""

    address: str
    got: list[tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One with this configuration, but quicker."""
    folder = tmp_path_factory.mktemp("alertmanager")
    got: list[tuple[str, dict[str, Any]]] = []
    with _webhooks(got) as url:
        config = copy.deepcopy(CONFIG)
        for route in (config["route"], *config["route"]["routes"]):
            route["group_wait"] = "1s"
        for receiver in config["receivers"][1:]:
            file = folder / receiver["name"]
            file.write_text(f"{url}/{receiver['name']}", "utf-8")
            receiver["slack_configs"][0]["api_url_file"] = str(file)
        with alertmanager(folder / "own", config) as address:
            yield Running(address, got)


@contextmanager
def _webhooks(got: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _raise(address: str, *rows: dict[str, str]) -> None:
    sent = [
        {"labels": labels, "annotations": {"summary": f"{labels['alertname']} in {labels['cluster']}"}}
        for labels in rows
    ]
    httpx.post(f"{address}/api/v2/alerts", json=sent, trust_env=False).raise_for_status()


def _silent(address: str, cluster: str, wanted: set[str]) -> None:
    """Exactly the ``wanted`` of one cluster (`alertname severity listener`) become inhibited."""

    def seen() -> set[str]:
        about = {"filter": f"cluster={cluster}"}
        rows = httpx.get(f"{address}/api/v2/alerts", params=about, trust_env=False).json()
        labels = [row["labels"] for row in rows if row["status"]["inhibitedBy"]]
        return {
            " ".join(row.get(key, "") for key in ("alertname", "severity", "listener")).strip()
            for row in labels
        }

    eventually(lambda: seen() >= wanted, f"{wanted - seen()} are silent", 20)
    assert seen() == wanted


def _all(cluster: str) -> list[dict[str, str]]:
    return [{"alertname": row["alert"], "cluster": cluster, **row["labels"]} for row in alerts()]


def test_a_gateway_that_is_down_silences_what_comes_of_it(running: Running) -> None:
    rows = [row for row in _all("down") if row["alertname"] != "KongDown"]
    _raise(running.address, *rows)
    caused = {f"{row['alertname']} {row['severity']}" for row in rows if row["alertname"] not in NOT_CAUSED}
    # Its page says the same already.
    _silent(running.address, "down", caused | {"CertificateExpiresSoon ticket"})


def test_a_kong_that_is_down_silences_kongs_others(running: Running) -> None:
    names = NAMES - {"GatewayDown"}
    _raise(running.address, *({"alertname": name, "severity": "page", "cluster": "k"} for name in names))
    silent = {"KongUpstreamUnhealthy page", "KongErrors page", "GatewayErrorBudgetBurnSlow page"}
    _silent(running.address, "k", silent)


def test_another_clusters_alerts_are_not_silenced(running: Running) -> None:
    provider = {"alertname": "ProviderDown", "severity": "page"}
    _raise(running.address, {**provider, "cluster": "two"})
    _raise(running.address, {**provider, "cluster": "one"})
    _raise(running.address, {"alertname": "GatewayDown", "severity": "page", "cluster": "one"})
    _silent(running.address, "one", {"ProviderDown page"})
    _silent(running.address, "two", set())


def test_who_is_paged_gets_no_ticket_about_the_same_listener(running: Running) -> None:
    ends = {"alertname": "CertificateExpiresSoon", "cluster": "tls"}
    rows = [("page", "a"), ("ticket", "a"), ("ticket", "b")]
    _raise(running.address, *({**ends, "severity": severity, "listener": of} for severity, of in rows))
    _silent(running.address, "tls", {"CertificateExpiresSoon ticket a"})


def test_receivers_get_the_summary_and_the_way_to_the_runbook(running: Running) -> None:
    address, got = running.address, running.got
    _raise(address, {"alertname": "CostSpike", "severity": "ticket", "cluster": "told"})
    _raise(address, {"alertname": "AgreementExpired", "severity": "page", "cluster": "told"})

    def told(path: str) -> str:
        return " ".join(str(body) for asked, body in got if asked == path)

    def both() -> bool:
        return "CostSpike in told" in told("/ticket") and "AgreementExpired in told" in told("/page")

    eventually(both, "each receiver is told", 30)
    assert "CostSpike in told" not in told("/page")
    assert "AgreementExpired in told" not in told("/ticket")
    assert "FIRING ticket: CostSpike" in told("/ticket")
