#!/usr/bin/env bash
# Steps, deadlines and a clear end: with what everything that reaches outside is run.
# shellcheck disable=SC2034,SC2153  # the parts share their variables

DRY_RUN=false
YES=false
UNPROTECT=false
CLOUD="${CLOUD:-gke}"
COMMAND=""
STEP=""
HINT=""
CHILD=""

say() { echo "$*" >&2; }

die() {
  echo "deploy.sh: $*" >&2
  exit 1
}

# begin COMMAND OPTIONS...: what holds for every command that reaches outside.
begin() {
  COMMAND="$1"
  shift
  while [ $# -gt 0 ]; do
    case "$1" in
      --dry-run) DRY_RUN=true ;;
      --yes) YES=true ;;
      --unprotect) UNPROTECT=true ;;
      gke | eks) CLOUD="$1" ;;
      *) die "$COMMAND does not take '$1'; ./deploy.sh help lists what it does" ;;
    esac
    shift
  done
  umask 077
  # What a dry run shows goes to standard output, also where that is caught.
  exec 3>&1
  WORK="$(mktemp -d)"
  trap on_exit EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# steps NAME...: functions, one after the other. The first that fails ends it, with a line that says how to go on.
steps() {
  local name
  TOTAL=$# NUMBER=0
  for name in "$@"; do
    NUMBER=$((NUMBER + 1))
    STEP="${name//_/ }"
    HINT=""
    if [ "$DRY_RUN" = true ]; then echo "# $STEP"; else say "== $NUMBER of $TOTAL: $STEP"; fi
    rm -f "$WORK/failure"
    "$name"
  done
  STEP=""
  [ "$DRY_RUN" = false ] || say "Nothing was done: this was a dry run."
}

# What was done, which in a dry run is nothing.
done_now() {
  [ "$DRY_RUN" = true ] || say "  $*"
}

on_exit() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  # It is given the time to put down its locks.
  [ -z "$CHILD" ] || ! kill -TERM "$CHILD" 2>/dev/null || wait "$CHILD" 2>/dev/null || true
  [ "$status" = 0 ] || [ -z "$STEP" ] || how_to_go_on "$status"
  rm -rf "$WORK"
  exit "$status"
}

how_to_go_on() {
  say ""
  [ ! -s "$WORK/failure" ] || say "deploy.sh: $(cat "$WORK/failure")"
  case "$1" in 130 | 143) say "deploy.sh: interrupted" ;; esac
  say "deploy.sh: $COMMAND stopped at step $NUMBER of $TOTAL: $STEP. No later step was begun."
  [ -z "$HINT" ] || say "  What may help: $HINT"
  local again="${AGAIN:-./deploy.sh $COMMAND}"
  [ "$UNPROTECT" = false ] || again="$again --unprotect"
  say "  Then run it again, it goes on from there: $again"
}

# run SECONDS COMMAND...: with a deadline. It ends with this program. In a dry run it is only shown.
run() {
  local deadline="$1" status=0
  shift
  if [ "$DRY_RUN" = true ]; then
    show "$@"
    return
  fi
  # In the background, for a signal to be heard while it runs.
  timeout --kill-after=60 "$deadline" "$@" <&0 &
  CHILD=$!
  wait "$CHILD" || status=$?
  CHILD=""
  note_failure "$status" "$deadline" "$@"
}

# feed SECONDS COMMAND...: `run` for a command that reads a pipe.
feed() {
  [ "$DRY_RUN" = false ] || cat >/dev/null
  run "$@"
}

# query SECONDS PLACEHOLDER COMMAND...: prints what the command prints; in a dry run the placeholder.
query() {
  local deadline="$1" placeholder="$2" status=0
  shift 2
  if [ "$DRY_RUN" = true ]; then
    show "$@"
    echo "$placeholder"
    return
  fi
  timeout --kill-after=10 "$deadline" "$@" </dev/null || status=$?
  note_failure "$status" "$deadline" "$@"
}

# probe SECONDS COMMAND...: whether it succeeds; what it says is nobody's business. In a dry run it does not.
probe() {
  if [ "$DRY_RUN" = true ]; then
    show "${@:2}"
    return 1
  fi
  timeout --kill-after=10 "$@" </dev/null >/dev/null 2>&1
}

# attempt SECONDS COMMAND...: what it prints, if it does. In a dry run nothing.
attempt() {
  if [ "$DRY_RUN" = true ]; then
    show "${@:2}"
    return
  fi
  timeout --kill-after=10 "$@" </dev/null 2>/dev/null || true
}

# note_failure STATUS SECONDS COMMAND...: keeps which command it was, by its words before the first option.
note_failure() {
  local status="$1" deadline="$2" word name=""
  [ "$status" != 0 ] || return 0
  for word in "${@:3}"; do
    case "$word" in -* | */*) break ;; esac
    name="$name${name:+ }$word"
  done
  case "$status" in
    124 | 137) echo "\`${name:-$3}\` did not end within $deadline s" ;;
    *) echo "\`${name:-$3}\` failed ($status); what it said stands above" ;;
  esac >"$WORK/failure"
  return "$status"
}

# show COMMAND...: as one would type it. <words> stand for what is only known later.
show() {
  local word line=""
  for word in "$@"; do
    [[ "$word" =~ ^([][A-Za-z0-9_./:=@%+,-]|\<[^\>]*\>)+$ ]] || word="${word@Q}"
    line="$line $word"
  done
  echo "  \$$line" >&3
}

# keep FILE: what comes by standard input, whole or not at all. In a dry run it is not kept.
keep() {
  if [ "$DRY_RUN" = true ]; then
    cat >/dev/null
    return
  fi
  mkdir -p "${1%/*}"
  cat >"$1.new"
  mv "$1.new" "$1"
}

# confirm QUESTION ANSWER: goes on only with that answer. --yes has given it, but for `always`.
confirm() {
  local answer=""
  [ "$YES" = false ] || [ "${3:-}" = always ] || { say "  --yes: goes on without asking" && return; }
  [ "$DRY_RUN" = false ] || { show "<asks: $1>" && return; }
  printf '%s ' "$1" >&2
  read -r -t 1800 answer || die "nobody answered, so nothing was done"
  [ "$answer" = "$2" ] || die "the answer was not '$2', so nothing was done"
}

# need VARIABLE WHAT: names a variable that is missing.
need() {
  [ -n "${!1:-}" ] || die "set $1: $2"
}
