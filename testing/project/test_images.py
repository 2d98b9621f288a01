"""The two images that we build, and the ones that we name."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from gateway.serve import KEEP_ALIVE_S
from oidc.provider import WAIT_S
from pluginserver.limits import DEADLINE_S
from testing.project.repository import ROOT, complaints, read, read_yaml

DOCKERFILES = ("backend-service/Dockerfile", "kong-plugins/Dockerfile")
EXACT = re.compile(r"[\w./-]+:v?\d+\.\d+\.\d+(-[\w.-]+)?(@sha256:[0-9a-f]{64})?")
SERVICES = read_yaml("compose.yaml")["services"]


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_hadolint_is_content(dockerfile: str) -> None:
    assert complaints("hadolint", "--no-color", dockerfile) == ""


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_it_stands_on_an_exact_tag(dockerfile: str) -> None:
    bases = re.findall(r"^FROM (\S+)", read(dockerfile), re.MULTILINE)
    assert len(bases) >= 2
    assert [base for base in bases if not EXACT.fullmatch(base)] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_names_an_exact_tag(name: str) -> None:
    assert EXACT.fullmatch(SERVICES[name]["image"])


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "build" in service])
def test_an_image_of_ours_has_the_version_of_its_project(name: str) -> None:
    dockerfile = Path(SERVICES[name]["build"]["dockerfile"])
    project = tomllib.loads(read(dockerfile.parent / "pyproject.toml"))["project"]
    assert SERVICES[name]["image"].endswith(f":{project['version']}")


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_it_does_not_run_as_root(dockerfile: str) -> None:
    last_stage = read(dockerfile).split("\nFROM ")[-1]
    assert re.findall(r"^USER (.+)$", last_stage, re.MULTILINE)[-1] == "10001:10001"


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_packages_are_installed_by_hash(dockerfile: str) -> None:
    text = read(dockerfile).replace("\\\n", " ")
    installs = re.findall(r"pip install ([^\n&]+)", text)
    assert installs
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_what_it_copies_exists_and_may_go_into_an_image(dockerfile: str) -> None:
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", read(dockerfile), re.MULTILINE)
        for source in line.split()[:-1]
    ]
    allowed = [line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, f"{folder}*") for folder in allowed), source


def test_nothing_goes_into_an_image_unless_it_is_named() -> None:
    """A new secret file at the root is left out without anyone thinking of it."""
    lines = [line for line in read(".dockerignore").splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert {line for line in lines if line.startswith("!")} == {
        "!backend-service",
        "!kong-plugins",
        "!configs",
    }
    assert "**/.env*" in lines


def test_kong_has_a_server_for_each_plugin_of_ours() -> None:
    """Kong reads only the first plugin that a server names."""
    ours = {path.name for path in (ROOT / "kong-plugins/plugins").iterdir() if path.is_dir()} - {
        "__pycache__"
    }
    settings = _kong_settings()
    assert set(settings["KONG_PLUGINS"].split(",")) == ours | {"bundled"}
    assert set(settings["KONG_PLUGINSERVER_NAMES"].split(",")) == ours
    for name in ours:
        prefix = f"KONG_PLUGINSERVER_{name.upper().replace('-', '_')}"
        folder = f"--plugins-directory /opt/portcullis/plugins/{name}"
        assert folder in settings[f"{prefix}_QUERY_CMD"]
        assert folder in settings[f"{prefix}_START_CMD"]
        socket = Path(settings[f"{prefix}_SOCKET"])
        assert f"--kong-prefix {socket.parent} --socket-name {socket.name}" in settings[f"{prefix}_START_CMD"]


def test_kong_reads_bodies_up_to_the_size_limit_from_memory() -> None:
    """A body that nginx has put on disk cannot be read by the plugin."""
    plugins = {plugin["name"]: plugin["config"] for plugin in read_yaml("configs/kong/kong.yaml")["plugins"]}
    limit = plugins["request-size-limiting"]["allowed_payload_size"]
    assert _kong_settings()["KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE"] == f"{limit}m"


def test_on_a_cluster_the_plugin_servers_are_those_of_the_image() -> None:
    """Only the folder of their sockets is the chart's."""
    values = read_yaml("configs/kong/kong-values.yaml")
    [name, tag] = SERVICES["kong"]["image"].split(":")
    assert (values["image"]["repository"], values["image"]["tag"]) == (name, tag)
    [kong] = set(re.findall(r"^FROM kong:(\S+)", read(DOCKERFILES[1]), re.MULTILINE))
    assert values["image"]["effectiveSemver"] == kong
    settings = _kong_settings()
    assert f"bundled,{values['plugins']['preInstalled']}" == settings["KONG_PLUGINS"]
    moved = {
        variable.removeprefix("KONG_").lower(): value.replace("/usr/local/kong", "/kong_prefix")
        for variable, value in settings.items()
        if "/usr/local/kong" in value
    }
    assert moved
    assert {key: value for key, value in values["env"].items() if key.startswith("pluginserver")} == moved
    user = read(DOCKERFILES[1]).rpartition("\nUSER ")[2].split(":")[0].strip()
    assert (
        str(values["securityContext"]["fsGroup"])
        == str(values["containerSecurityContext"]["runAsUser"])
        == user
    )


def test_kong_leaves_a_connection_before_the_backend_does() -> None:
    """Else a POST meets a closed connection, and is a 502."""
    assert int(_kong_settings()["KONG_UPSTREAM_KEEPALIVE_IDLE_TIMEOUT"]) < KEEP_ALIVE_S


def test_kong_gives_up_a_plugin_server_after_the_server_has_given_up_the_plugin() -> None:
    """Else Kong lets the request through untagged, for the gate to refuse."""
    timeout = _kong_settings()["KONG_NGINX_PROXY_LUA_SOCKET_READ_TIMEOUT"]
    assert WAIT_S < DEADLINE_S < float(timeout.removesuffix("s"))


def test_every_package_that_a_plugin_imports_is_in_its_image() -> None:
    packages = {path.parent.name for path in (ROOT / "kong-plugins").glob("*/__init__.py")}
    copied = set(
        re.findall(r"^COPY kong-plugins/(\w+) /opt/portcullis/packages/", read(DOCKERFILES[1]), re.MULTILINE)
    )
    assert copied == packages - {"embedded_edge"}


def test_compose_mounts_only_what_the_backend_s_image_gives_to_its_user() -> None:
    """A new volume takes owner and mode of the folder under it."""
    [made] = re.findall(r"install -d -o 10001 -g 10001 -m 700 ([^\n]+)", read(DOCKERFILES[0]))
    volumes = [name for name in SERVICES["setup"]["volumes"] if name[0] not in ".$"]
    mounted = {volume.split(":")[1] for volume in volumes}
    assert mounted == set(made.split())


def _kong_settings() -> dict[str, str]:
    text = read(DOCKERFILES[1]).replace("\\\n", " ")
    return {name: value.strip('"') for name, value in re.findall(r'\b(KONG_[A-Z_]+)=("[^"]*"|\S+)', text)}
