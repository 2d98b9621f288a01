"""The list of hosts as others read it. Each text begins with the command that makes it again."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Any

import yaml

from gateway.egress.hosts import Egress, Host

NAMESPACE = "portcullis"
KONG = "kong"


class FormatError(ValueError):
    """The format cannot say it."""


def as_hosts(egress: Egress) -> str:
    """``host:port``, a line each."""
    return "".join(f"{host}\n" for host in sorted({*egress.hosts, *egress.issuers}))


def as_squid(egress: Egress) -> str:
    """An include file for squid, where ``tunnel`` is CONNECT and ``inside`` what no name may lead to.

    ``-n``: an address is not looked up backwards, where whoever owns it could give it a provider's name.
    Identity providers are not in it: Kong asks them, and does not go through a proxy.
    """
    lines = [_header("squid")]
    for port, hosts in groupby(sorted(egress.hosts, key=lambda host: host.port), lambda host: host.port):
        lines += [f"acl port_{port} port {port}"]
        lines += [f"acl hosts_{port} dstdomain -n {host.name}" for host in hosts]
        lines += [f"http_access allow tunnel port_{port} hosts_{port} !inside"]
    return "\n".join(lines) + "\n"


def as_fqdn_network_policy(egress: Egress) -> str:
    """GKE's ``FQDNNetworkPolicy``: one for each host, for each may hold 50 addresses. Raises FormatError."""
    documents = [_policy("portcullis-backend", NAMESPACE, host) for host in egress.hosts]
    documents += [_policy("kong", KONG, host) for host in egress.issuers]
    return f"{_header('fqdn-network-policy')}\n{yaml.dump_all(documents, Dumper=_Indented, sort_keys=False)}"


FORMATS: Mapping[str, Callable[[Egress], str]] = MappingProxyType(
    {"hosts": as_hosts, "squid": as_squid, "fqdn-network-policy": as_fqdn_network_policy}
)


class _Indented(yaml.SafeDumper):
    """Lists stand further in than their key, as in the other files."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)


def _header(name: str) -> str:
    command = f"`portcullis egress --format {name}`"
    return f"# Made by {command}: change configs/gateway/gateway.yaml and make it again."


def _policy(app: str, namespace: str, host: Host) -> dict[str, Any]:
    try:
        ipaddress.ip_address(host.name)
    except ValueError:
        pass
    else:
        raise FormatError(
            f"{host}: an FQDNNetworkPolicy names hosts only; write a NetworkPolicy for this one"
        )
    port = "" if host.port == 443 else f"-{host.port}"
    return {
        "apiVersion": "networking.gke.io/v1alpha1",
        "kind": "FQDNNetworkPolicy",
        "metadata": {
            "name": f"{app}-to-{host.name.replace('.', '-')}{port}",
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": app, "app.kubernetes.io/part-of": "portcullis"},
        },
        "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": app}},
            "egress": [{"matches": [{"name": host.name}], "ports": [{"protocol": "TCP", "port": host.port}]}],
        },
    }
