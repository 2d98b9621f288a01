#!/usr/bin/env bash
# Asks a running gateway for what it must do, and says in one line for each check what it did.
#
# Needs bash, curl, and grep, sed, awk, sort. The token goes to curl by standard input: it is not in `ps`.
set -uo pipefail
export LC_ALL=C

main() {
  read_arguments "$@"
  prepare
  say "Portcullis at $URL"
  check_health && check_authentication && {
    check_limits
    check_errors
    check_models
    check_streaming
    check_compliance
    check_metrics
    measure_latency
    exhaust_limit
  }
  verdict
}

usage() {
  cat <<'TEXT'
testing/test-requests.sh [OPTIONS] URL [TOKEN]

Checks a running gateway: health, authentication, rate limits, errors, every model, streams, compliance routing,
metrics. Asks each model once and briefly: against real providers that costs a little. Exit status 0 when nothing
failed, 1 when something did, 2 when the arguments are wrong.

  TOKEN              or the variable GATEWAY_TOKEN, or --token-file: only those keep it out of `ps`
  --token-file FILE  a file that holds the token; - for standard input
  --ca FILE          the certificates that sign the gateway's, where its own are not known here
  --resolve ADDRESS  ask this address instead of what the URL's name resolves to
  --management URL   the backend's management port, for /ready and /metrics (default: those are skipped)
  --rate-limit       also send until a 429 comes; uses up this minute of the token's tenant
  --no-limits        this gateway has no rate limits; do not ask for their headers
  --no-models        leave out the check of every model
  --model NAME       for streams and latency (default: auto)
  --timeout SECONDS  for one request (default: 60)
TEXT
}

read_arguments() {
  URL="" TOKEN="${GATEWAY_TOKEN:-}" CA="" RESOLVE="" MANAGEMENT="" LIMITS=headers MODELS=true MODEL=auto TIMEOUT=60
  local token_file=""
  while [ $# -gt 0 ]; do
    case "$1" in
      -h | --help) usage && exit 0 ;;
      --token-file) token_file="$(value "$@")" && shift || exit 2 ;;
      --ca) CA="$(value "$@")" && shift || exit 2 ;;
      --resolve) RESOLVE="$(value "$@")" && shift || exit 2 ;;
      --management) MANAGEMENT="$(value "$@")" && shift || exit 2 ;;
      --model) MODEL="$(value "$@")" && shift || exit 2 ;;
      --timeout) TIMEOUT="$(value "$@")" && shift || exit 2 ;;
      --rate-limit) LIMITS=exhaust ;;
      --no-limits) LIMITS=none ;;
      --no-models) MODELS=false ;;
      -*) refuse "there is no option $1" ;;
      *) if [ -z "$URL" ]; then URL="${1%/}"; else TOKEN="$1"; fi ;;
    esac
    shift
  done
  [ -z "$token_file" ] || TOKEN="$(cat -- "${token_file/#-/\/dev/stdin}")" || exit 2
  case "$URL" in http://?* | https://?*) ;; *) refuse "give the gateway's URL, such as https://gateway.example.com" ;; esac
  [[ "$TOKEN" =~ ^[A-Za-z0-9._~+/=-]+$ ]] || refuse "give a token: ./deploy.sh token makes one for a local gateway"
  [[ "$TIMEOUT" =~ ^[1-9][0-9]{0,3}$ ]] || refuse "--timeout takes seconds"
  [ -z "$CA" ] || [ -r "$CA" ] || refuse "there is no file $CA"
  command -v curl >/dev/null || refuse "curl is missing; install it"
  # What runs from here on has no use for it in its environment.
  export -n TOKEN
  unset GATEWAY_TOKEN
}

value() {
  [ $# -gt 1 ] && [ -n "$2" ] && echo "$2" && return
  echo "test-requests.sh: $1 takes a value; --help says which" >&2
  return 2
}

refuse() {
  echo "test-requests.sh: $1; --help says more" >&2
  exit 2
}

prepare() {
  umask 077
  WORK="$(mktemp -d)" || exit 2
  trap 'rm -rf "$WORK"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  PASSED=0 FAILED=0 SKIPPED=0 NOT_SET_UP=0
}

# --- Asking

# ask METHOD PATH [BODY [HEADER ...]]: sets STATUS and SECONDS_TAKEN, and leaves $WORK/body and $WORK/head. Whoever is
# over a limit that ends within a minute waits for it, once.
ask() {
  request "$@"
  local reset
  reset="$(header ratelimit-reset)"
  if [ "$STATUS" = 429 ] && [[ "$reset" =~ ^[0-9]{1,2}$ ]] && [ "$reset" -le 61 ]; then
    say "  ....  over the limit of a minute; waiting $reset s for the next one"
    sleep "$((reset + 1))"
    request "$@"
  fi
}

# request METHOD PATH [BODY [HEADER ...]]: the same without waiting. AUTH is what stands after "Bearer ".
request() {
  local method="$1" path="$2" said
  printf '%s' "${3:-}" >"$WORK/request"
  : >"$WORK/body"
  : >"$WORK/head"
  said="$(
    {
      common_options
      printf 'url = "%s"\n' "${BASE:-$URL}$path"
      [ "$method" = HEAD ] && echo head || printf 'request = "%s"\n' "$method"
      [ -z "${3:-}" ] || printf 'data-binary = "@%s"\nheader = "Content-Type: application/json"\n' "$WORK/request"
      shift "$(($# < 3 ? $# : 3))"
      [ $# = 0 ] || printf 'header = "%s"\n' "$@"
    } | curl --silent --show-error --config - --dump-header "$WORK/head" --output "$WORK/body" \
      --write-out '%{http_code} %{time_starttransfer} %{time_total}' 2>"$WORK/error"
  )"
  read -r STATUS FIRST_BYTE SECONDS_TAKEN <<<"${said:-000 0 0}"
}

common_options() {
  printf 'max-time = %s\nconnect-timeout = 10\nno-buffer\n' "$TIMEOUT"
  [ -z "${AUTH-$TOKEN}" ] || printf 'header = "Authorization: Bearer %s"\n' "${AUTH-$TOKEN}"
  [ -z "$CA" ] || printf 'cacert = "%s"\n' "$CA"
  [ -z "$RESOLVE" ] || printf 'connect-to = "::%s:"\n' "$RESOLVE"
}

chat() { # chat MODEL TEXT [MEMBERS]: a chat completion's body
  printf '{"model": "%s", "messages": [{"role": "user", "content": "%s"}], "max_tokens": 64%s}' "$1" "$2" "${3:-}"
}

header() {
  sed -n "s/^$1: *//Ip" "$WORK/head" | tr -d '\r' | tail -n 1
}

text() { # text NAME: the first member of that name that is a text
  grep -o "\"$1\": *\"[^\"]*\"" "$WORK/body" | head -n 1 | sed 's/^[^:]*: *"//; s/"$//'
}

holds() { grep -q -- "$1" "$WORK/body"; }

# --- Saying

say() { printf '%s\n' "$*"; }
pass() { PASSED=$((PASSED + 1)) && say "  pass  $*"; }
fail() { FAILED=$((FAILED + 1)) && say "  FAIL  $*"; }
skip() { SKIPPED=$((SKIPPED + 1)) && say "  skip  $*"; }
not_set_up() { NOT_SET_UP=$((NOT_SET_UP + 1)) && say "  none  $*"; }

# expect NAME STATUSES [PATTERN]: of the last answer. STATUSES is an extended regular expression.
expect() {
  if ! [[ "$STATUS" =~ ^($2)$ ]]; then
    fail "$1: expected ${2//|/ or }, got $(what_came)"
  elif [ -n "${3:-}" ] && ! holds "$3"; then
    fail "$1: $STATUS, but its body does not hold $3: $(what_came)"
  else
    pass "$1"
    return
  fi
  return 1
}

# that NAME OTHERWISE COMMAND...: passes as NAME when the command does.
that() {
  local name="$1" otherwise="$2"
  shift 2
  if "$@"; then pass "$name"; else fail "$name: $otherwise"; fi
}

matches() { [[ "$1" =~ $2 ]]; }

what_came() {
  [ "$STATUS" != 000 ] || { echo "no answer: $(head -c 200 "$WORK/error" | tr -s '\r\n' ' ')" && return; }
  echo "$STATUS $(head -c 200 "$WORK/body" | tr -s '\r\n' ' ')"
}

. "$(dirname "${BASH_SOURCE[0]}")/requests/gateway.sh"
. "$(dirname "${BASH_SOURCE[0]}")/requests/models.sh"

verdict() {
  say ""
  say "$PASSED passed, $FAILED failed, $NOT_SET_UP not set up, $SKIPPED skipped"
  [ "$FAILED" = 0 ]
}

main "$@"
