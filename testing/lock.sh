#!/usr/bin/env bash
# Writes the lock files from the projects' pyproject.toml and testing/requirements.in: every package that is
# installed anywhere, with its version and its hashes, for Linux and macOS and every Python from 3.11 on.
#
#   testing/lock.sh            what is locked keeps its version; only what is new or gone changes
#   testing/lock.sh --upgrade  every package moves to its newest version that fits
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
BACKEND=backend-service/requirements.txt
KONG=kong-plugins/requirements.txt
TESTS=testing/requirements.txt
SCRATCH=""

main() {
  case "${1:-}" in
    "" | --upgrade) ;;
    *) usage >&2 && exit 2 ;;
  esac
  cd "$ROOT"
  SCRATCH="$(mktemp -d)"
  trap 'rm -rf "$SCRATCH"' EXIT
  ensure_uv
  # The projects are linked into the environment by setuptools, without a look at the network.
  echo 'setuptools>=80' >"$SCRATCH/build.in"

  # What runs on a machine without Kong: the backend, the plugins and the embedded edge.
  lock "$BACKEND" "$@" backend-service/pyproject.toml kong-plugins/pyproject.toml "$SCRATCH/build.in" \
    --extra edge --extra plugin
  # What goes into Kong's image, at the backend's versions.
  lock "$KONG" kong-plugins/pyproject.toml --extra plugin --constraint "$BACKEND"
  # What the tests need on top of all of it.
  lock "$TESTS" "$@" backend-service/pyproject.toml kong-plugins/pyproject.toml "$SCRATCH/build.in" \
    testing/requirements.in --extra edge --extra plugin --constraint "$BACKEND"
}

usage() {
  echo "usage: testing/lock.sh [--upgrade]"
}

# lock FILE UV_ARGUMENTS...: the versions that stand in FILE are kept where they fit.
lock() {
  local file="$1"
  shift
  echo "== $file"
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-package portcullis-kong-plugins --output-file "$file" "$@"
}

# uv from the PATH, else from PyPI into an environment that goes away again.
ensure_uv() {
  command -v uv >/dev/null 2>&1 && return
  echo "== uv"
  python3 -m venv "$SCRATCH/venv"
  "$SCRATCH/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
  PATH="$SCRATCH/venv/bin:$PATH"
}

main "$@"
