#!/usr/bin/env bash
# What runs on this machine: the virtual environment, and everything that is started from it.

VENV="$ROOT/.venv"
OLDEST_PYTHON="3.11"

run_local() {
  setup product
  exec "$VENV/bin/portcullis" local "$@"
}

portcullis() {
  setup product
  exec "$VENV/bin/portcullis" "$@"
}

# What runs here, as its own files say.
show_local() {
  local file
  for file in "$ROOT"/.local/run/*.json; do
    [ ! -f "$file" ] || cat "$file"
    [ ! -f "$file" ] || echo
  done
  say "PROJECT_ID is not set: this is what runs here. Nothing is listed when nothing runs."
}

# verify_here [WORDS]: against what runs on this machine, or what the words of testing/test-requests.sh name.
verify_here() {
  [ $# = 0 ] || exec "$ROOT/testing/test-requests.sh" "$@"
  setup product
  GATEWAY_TOKEN="$("$VENV/bin/portcullis" token)" exec "$ROOT/testing/test-requests.sh" http://127.0.0.1:8000
}

# setup product|tests: makes .venv from the pinned requirements, once; waits for another setup that is under way.
setup() {
  local kind="$1" requirements stamp
  case "$kind" in
    product) requirements="$ROOT/backend-service/requirements.txt" ;;
    tests) requirements="$ROOT/testing/requirements.txt" ;;
    *) die "setup takes nothing or 'tests', not '$kind'" ;;
  esac
  stamp="$(stamp_of "$requirements")"
  is_set_up "$kind" "$stamp" && return
  (
    flock -w 900 9 || die "another setup has not ended for 15 minutes; see what holds $ROOT/.venv.lock"
    is_set_up "$kind" "$stamp" && exit 0
    make_venv
    install_requirements "$requirements"
    link_projects
    echo "$stamp" >"$VENV/.installed-$kind"
    # What the tests need holds all that the product needs.
    [ "$kind" = product ] || stamp_of "$ROOT/backend-service/requirements.txt" >"$VENV/.installed-product"
  ) 9>"$ROOT/.venv.lock"
}

# What an environment was made from. The folder is in it: an environment does not survive being moved.
stamp_of() {
  cat "$1" "$ROOT/backend-service/pyproject.toml" "$ROOT/kong-plugins/pyproject.toml" - <<<"$ROOT" | sha256sum | cut -d' ' -f1
}

is_set_up() {
  [ -x "$VENV/bin/portcullis" ] && [ "$(cat "$VENV/.installed-$1" 2>/dev/null)" = "$2" ] &&
    "$VENV/bin/python" -c '' 2>/dev/null
}

make_venv() {
  local python
  if [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -m pip --version >/dev/null 2>&1 &&
    head -n1 "$VENV/bin/pip" | grep -qF "$VENV"; then
    return
  fi
  python="$(find_python)"
  ensure_venv_module "$python"
  say "Making a virtual environment in .venv with $("$python" --version) ..."
  rm -rf "$VENV"
  "$python" -m venv "$VENV" || die "could not make $VENV; is the disk full or the folder read-only?"
}

find_python() {
  local name newest=""
  for name in ${PORTCULLIS_PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    command -v "$name" >/dev/null 2>&1 || continue
    newest="$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" || continue
    if "$name" -c "import sys; sys.exit(sys.version_info < (${OLDEST_PYTHON/./, }))"; then
      command -v "$name"
      return
    fi
  done
  [ -z "$newest" ] || die "Python $newest is too old; install Python $OLDEST_PYTHON or newer"
  die "there is no Python; install Python $OLDEST_PYTHON or newer (Debian: apt-get install python3 python3-venv)"
}

# Debian's own Python comes without venv.
ensure_venv_module() {
  "$1" -c 'import venv, ensurepip' 2>/dev/null && return
  local package
  package="python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
  install_package "$package" || die "$1 has no venv module; install it with: apt-get install $package"
}

# install_package NAME: from Debian, where this user may; returns 1 where not.
install_package() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
  say "Installing $1 ..."
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null 2>&1 ||
    { apt-get update -qq >/dev/null 2>&1 &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null 2>&1; }
}

install_requirements() {
  local total log
  total="$(grep -c '^[a-z]' "$1")"
  log="$(mktemp)"
  say "Installing $total pinned packages (a minute or two the first time) ..."
  if ! "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input --require-hashes \
    --progress-bar off -r "$1" 2>"$log" | show_progress; then
    tail -n 5 "$log" >&2
    rm -f "$log"
    die "could not install the packages; is PyPI reachable? Run the command again to go on"
  fi
  rm -f "$log"
}

# A line for every 20 packages: enough to see that it moves.
show_progress() {
  awk '/^Collecting/ && ++n % 20 == 0 { print "  ... " n; fflush() }
       /^Installing collected/ { print "  ... unpacking"; fflush() }' >&2
}

link_projects() {
  "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input --quiet --no-deps --no-index \
    --no-build-isolation -e "$ROOT/kong-plugins" -e "$ROOT/backend-service" >&2 ||
    die "could not link the projects into .venv; the lines above say why"
}
