"""What a pod reads: its variables and its volumes, with owner and mode as the kubelet gives them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testing.egress.tls_front import authority
from testing.kubernetes.model import Cluster

Secrets = Mapping[str, Mapping[str, bytes]]
NAMESPACE = "portcullis"


@dataclass(frozen=True)
class Given:
    """What is rendered, and the Secrets that somebody has made beside it."""

    cluster: Cluster
    secrets: Secrets

    def config_map(self, name: str) -> Mapping[str, str]:
        resource = self.cluster.find("ConfigMap", name, NAMESPACE)
        assert resource is not None, name
        data: Mapping[str, str] = resource["data"]
        return data

    def environment(self, container: Mapping[str, Any]) -> dict[str, str]:
        found: dict[str, str] = {}
        for row in container.get("envFrom", ()):
            found |= self.config_map(row["configMapRef"]["name"])
        for row in container.get("env", ()):
            found[row["name"]] = row["value"] if "value" in row else self._value(row["valueFrom"])
        return found

    def _value(self, source: Mapping[str, Mapping[str, str]]) -> str:
        if reference := source.get("secretKeyRef"):
            return self.secrets[reference["name"]][reference["key"]].decode()
        reference = source["configMapKeyRef"]
        return self.config_map(reference["name"])[reference["key"]]

    def volume(self, row: Mapping[str, Any], folder: Path, group: int) -> None:
        """Makes ``folder`` what the volume's row says; a claim's disk is empty."""
        make_empty(folder, group)
        if source := row.get("configMap"):
            content = {key: text.encode() for key, text in self.config_map(source["name"]).items()}
        elif source := row.get("secret"):
            content = dict(self.secrets.get(source["secretName"], {}))
            assert content or source.get("optional"), f"Secret {source['secretName']}"
        else:
            return
        paths = {item["key"]: item["path"] for item in source.get("items", ())}
        for key, path in (paths or {key: key for key in content}).items():
            if key in content or not source.get("optional"):
                (folder / path).write_bytes(content[key])
                os.chown(folder / path, 0, group)
                (folder / path).chmod(source.get("defaultMode", 0o644))


def make_empty(folder: Path, group: int) -> None:
    folder.mkdir()
    os.chown(folder, 0, group)
    folder.chmod(0o2777)


def tls_secrets(folder: Path, *names: str) -> dict[str, Mapping[str, bytes]]:
    """Secret portcullis-NAME-tls for each name, as cert-manager makes it; one certificate serves for all."""
    hosts = [f"portcullis-{name}.{NAMESPACE}.svc" for name in names]
    certificates = authority(folder, hosts).certificates.read_bytes()
    pair = (folder / "server.pem").read_bytes()
    content = {"tls.crt": pair, "tls.key": pair, "ca.crt": certificates}
    return {f"portcullis-{name}-tls": content for name in names}
