"""What `deploy.sh` says before anything is set up: a copy of it in a bare folder, with a bare PATH."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = (
    "bash",
    "cat",
    "cut",
    "sha256sum",
    "flock",
    "dirname",
    "grep",
    "awk",
    "head",
    "tail",
    "mktemp",
    "rm",
    "id",
    "env",
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The script and what it reads, in a folder with a space."""
    folder = tmp_path / "a clone"
    shutil.copytree(ROOT / "configs/deploy", folder / "configs/deploy")
    for name in ("deploy.sh", "backend-service/pyproject.toml", "kong-plugins/pyproject.toml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    shutil.copy2(ROOT / "backend-service/requirements.txt", folder / "backend-service/requirements.txt")
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with the everyday tools and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (folder / tool).symlink_to(found)
    return folder


def stub(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def run(clone: Path, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("bash") or "bash", str(clone / "deploy.sh"), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": str(path), "HOME": "/nonexistent"},
    )


def test_alone_it_lists_its_commands(clone: Path, path: Path) -> None:
    done = run(clone, path)
    assert done.returncode == 0
    for command in ("local", "stop", "check", "token", "setup", "compose", "gke", "status", "destroy"):
        assert command in done.stdout
    assert not (clone / ".venv").exists()


def test_an_unknown_command_is_named(clone: Path, path: Path) -> None:
    done = run(clone, path, "lokal")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "'lokal'" in done.stderr


def test_without_python_it_says_what_to_install(clone: Path, path: Path) -> None:
    done = run(clone, path, "local")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "3.11" in done.stderr
    assert not (clone / ".venv").exists()


def test_an_old_python_is_named(clone: Path, path: Path) -> None:
    stub(path, "python3", 'case "$*" in *sys.exit*) exit 1;; *print*) echo 3.9;; esac')
    done = run(clone, path, "local")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "Python 3.9 is too old" in done.stderr
    assert not (clone / ".venv").exists()


def test_a_python_without_venv_and_no_package_manager(clone: Path, path: Path) -> None:
    stub(path, "python3", 'case "$*" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac')
    done = run(clone, path, "local")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "apt-get install python3.11-venv" in done.stderr
    assert not (clone / ".venv").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may install packages")
def test_venv_is_installed_where_that_is_allowed(clone: Path, path: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    stub(
        path,
        "python3",
        f'case "$*" in *ensurepip*) test -e "{calls}";; *print*) echo 3.11;; *-m\\ venv*) exit 1;; esac',
    )
    stub(path, "apt-get", f'echo "$*" >> "{calls}"')
    done = run(clone, path, "local")
    assert "install" in calls.read_text()
    assert "python3.11-venv" in calls.read_text()
    assert done.returncode == 1


def test_a_failed_installation_says_so_and_can_be_run_again(clone: Path, path: Path) -> None:
    # A python whose venv has a pip that fails, as without a network.
    stub(
        path,
        "python3",
        'case "$*" in *print*) echo 3.11;; *"-m venv"*) mkdir -p "$3/bin"; printf "#!/bin/sh\\n'
        'case \\"\\$*\\" in *install*) echo no network >&2; exit 1;; esac\\n" > "$3/bin/python";'
        ' chmod +x "$3/bin/python";; esac',
    )
    for tool in ("mkdir", "chmod"):
        (path / tool).symlink_to(shutil.which(tool) or tool)
    for _ in range(2):
        done = run(clone, path, "local")
        assert done.returncode == 1
        assert "could not install the packages" in done.stderr
        assert not (clone / ".venv" / ".installed-product").exists()
