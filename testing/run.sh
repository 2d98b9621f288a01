#!/usr/bin/env bash
# Every check and test of the project. `run.sh long` adds the soak, kill and fuzz runs; more words go to pytest.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
BIN="$ROOT/.venv/bin"
# Where Debian has servers, and what only root needs.
export PATH="$PATH:/usr/sbin:/sbin"

main() {
  case "${1:-}" in
    -h | --help) usage && return ;;
  esac
  "$ROOT/deploy.sh" setup tests
  cd "$ROOT"
  ensure_packages
  if [ "${1:-}" = long ]; then
    shift
    # One after the other: they measure what others may do to a healthy request.
    step "pytest, long" "$BIN/pytest" -m long -n 1 "$@"
    verdict
  fi
  step "ruff" "$BIN/ruff" check --quiet .
  step "ruff format" "$BIN/ruff" format --check --quiet .
  step "mypy" "$BIN/mypy" --no-error-summary backend-service/gateway kong-plugins/compliance \
    kong-plugins/embedded_edge kong-plugins/oidc kong-plugins/pluginserver testing diagrams/*.py configs/deploy/*.py \
    configs/grafana configs/prometheus
  step "shellcheck" check_scripts
  if [ $# -gt 0 ]; then
    step "pytest" "$BIN/pytest" -m "not long" "$@"
  else
    # The plugin server's tests hold deadlines of a second or two: nothing else runs beside them.
    step "pytest, plugin server" "$BIN/pytest" -m "not long" -n 1 kong-plugins/tests/pluginserver
    step "pytest" "$BIN/pytest" -m "not long" --ignore=kong-plugins/tests/pluginserver
  fi
  verdict
}

usage() {
  cat <<'TEXT'
./testing/run.sh [long] [PYTEST ARGUMENTS]

Sets everything up by itself, then runs ruff, mypy, shellcheck and every test, in parallel.
  long           the soak, kill and fuzz runs instead
  GATEWAY_URL    with GATEWAY_TOKEN: the end-to-end suite against a gateway that runs already (see testing/e2e)
TEXT
}

# What tests want of Debian: the program, and the package that has it. Without one its tests skip and say so.
PACKAGES=(redis-server:redis-server bats:bats prometheus:prometheus amtool:prometheus-alertmanager squid:squid lua5.1:lua5.1
  nginx:nginx)

ensure_packages() {
  local row missing=()
  for row in "${PACKAGES[@]}"; do
    command -v "${row%%:*}" >/dev/null 2>&1 || missing+=("${row#*:}")
  done
  [ ${#missing[@]} != 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 0
  echo "installing ${missing[*]} ..." >&2
  install "${missing[@]}" || { apt-get update -qq >/dev/null 2>&1 && install "${missing[@]}"; } ||
    echo "could not be installed: ${missing[*]}; the tests that need them will skip" >&2
}

install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

# Wherever they are.
check_scripts() {
  find . \( -name .venv -o -name .local -o -name .git \) -prune -o \
    \( -name "*.sh" -o -name "*.bats" -o -name "*.bash" -o -name stub \) -print0 | xargs -0 "$BIN/shellcheck" .ci/run
}

FAILED=()

# Every step runs, whatever became of the one before it.
step() {
  local name="$1"
  shift
  echo "== $name"
  "$@" || FAILED+=("$name")
}

verdict() {
  [ ${#FAILED[@]} -eq 0 ] && exit 0
  echo "failed: ${FAILED[*]}" >&2
  exit 1
}

main "$@"
