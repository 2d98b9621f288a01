#!/usr/bin/env bash
# Checks of testing/test-requests.sh that need no model: the words for asking and saying are there.
# shellcheck disable=SC2153  # its variables are set there

check_health() {
  say "health"
  ask GET /health
  if [ "$STATUS" = 000 ]; then
    fail "GET /health: $(what_came)"
    say "  ....  nobody answers there, so nothing else is asked"
    return 1
  fi
  expect "GET /health without a token" 200 '"status": *"ok"'
  AUTH="" ask HEAD /health
  expect "HEAD /health" 200
}

check_authentication() {
  say "authentication"
  AUTH="" ask GET /v1/models
  expect "no token: 401" 401
  AUTH="nonsense" ask GET /v1/models
  expect "nonsense for a token: 401" 401
  AUTH="$(forged)" ask GET /v1/models
  expect "a changed signature: 401" 401
  AUTH="" ask GET "/v1/models?jwt=$(forged)"
  expect "a token in the address: 401" 401
  ask GET /v1/models
  if ! expect "the token is accepted" 200 '"object": *"list"'; then
    say "  ....  without a good token nothing else can be asked"
    return 1
  fi
  cp "$WORK/body" "$WORK/models"
  ask GET /providers
  cp "$WORK/body" "$WORK/providers"
}

# The token with another first character of its signature: the last one may carry bits that say nothing.
forged() {
  local signature="${TOKEN##*.}"
  case "$signature" in
    A*) echo "${TOKEN%.*}.B${signature#?}" ;;
    *) echo "${TOKEN%.*}.A${signature#?}" ;;
  esac
}

check_limits() {
  say "rate limit"
  [ "$LIMITS" != none ] || { skip "--no-limits: not asked for" && return; }
  local limit before after
  ask GET /v1/models
  limit="$(header ratelimit-limit)" before="$(header ratelimit-remaining)"
  ask GET /v1/models
  after="$(header ratelimit-remaining)"
  if ! [[ "$limit$before$after" =~ ^[0-9]+$ ]]; then
    fail "RateLimit-Limit and RateLimit-Remaining say what is left: they are missing"
    return
  fi
  pass "RateLimit-Limit: $limit, RateLimit-Remaining: $after"
  # A new minute may have begun between the two.
  if [ "$after" -ge "$before" ]; then
    before="$after"
    ask GET /v1/models
    after="$(header ratelimit-remaining)"
  fi
  that "each request counts" "$before were left, then $after" [ "$after" -lt "$before" ]
}

# Last, for nobody to have to wait for the next minute.
exhaust_limit() {
  [ "$LIMITS" = exhaust ] || return 0
  say "rate limit, to its end"
  local sent=0 limit
  ask GET /v1/models
  limit="$(header ratelimit-limit)"
  # A new minute may begin in between: twice the limit reaches the end of one of them.
  while [ "$sent" -le "$((${limit:-0} * 2))" ]; do
    request GET /v1/models
    sent=$((sent + 1))
    [ "$STATUS" = 200 ] || break
  done
  expect "a 429 after $sent requests" 429
  that "Retry-After says when it ends" "it is '$(header retry-after)'" matches "$(header retry-after)" '^[0-9]+$'
}

check_errors() {
  say "errors"
  ask GET /no-such-path
  expect "an unknown path: 404 in OpenAI's shape" 404 '"error": *{.*"code": *"unknown_url"'
  ask POST /v1/chat/completions "$(chat no-such-model Hello)"
  expect "an unknown model: 404" 404 '"code": *"model_not_found"'
  ask POST /v1/chat/completions '{"model": '
  expect "broken JSON: 400" 400 '"type": *"invalid_request_error"'
  ask POST /v1/chat/completions '{"model": "auto"}'
  expect "no messages: 400 that names the field" 400 '"param": *"messages'
  ask GET /v1/chat/completions
  expect "a GET where a POST belongs: 405" 405 '"code": *"method_not_allowed"'
  check_too_large
  ask GET /v1/models "" "X-Request-Id: smoke-4711"
  that "the caller's X-Request-Id comes back" "got '$(header x-request-id)'" [ "$(header x-request-id)" = smoke-4711 ]
}

# 21 MB are announced; curl waits with them for the gateway's word, which is 417 then, or sends them for a 413.
check_too_large() {
  head -c 21500000 /dev/zero | tr '\0' a >"$WORK/large"
  STATUS="$(common_options | curl --silent --config - --request POST --header "Content-Type: application/json" \
    --data-binary "@$WORK/large" --output "$WORK/body" --write-out '%{http_code}' \
    "$URL/v1/chat/completions" 2>"$WORK/error")"
  rm -f "$WORK/large"
  expect "a body over 20 MB: 413" '413|417'
}

check_metrics() {
  say "metrics"
  ask GET /metrics
  expect "/metrics is not to be had from outside" 404
  if [ -z "$MANAGEMENT" ]; then
    skip "/ready and /metrics: give --management URL, where you reach that port"
    return
  fi
  BASE="$MANAGEMENT" AUTH="" ask GET /ready
  expect "/ready" 200 '"ready": *true'
  BASE="$MANAGEMENT" AUTH="" ask GET /metrics
  expect "/metrics has portcullis_requests_total" 200 '^portcullis_requests_total{'
}

# Says how long it took. What is good depends on the network and on the models: it is never a failure.
measure_latency() {
  say "latency"
  local n
  for n in 1 2 3 4 5 6 7 8 9 10; do
    [ "$n" = 1 ] || echo next
    common_options
    printf 'url = "%s/v1/models"\noutput = "%s/body"\nwrite-out = "%%{time_total}\\n"\n' "$URL" "$WORK"
  done | curl --silent --config - 2>/dev/null | percentiles "GET /v1/models, 10 times over one connection"
  for n in 1 2 3; do
    ask POST /v1/chat/completions "$(chat "$MODEL" "Say hello in one word.")"
    [ "$STATUS" != 200 ] || echo "$SECONDS_TAKEN"
  done | percentiles "a chat with $MODEL, 3 times"
  say "  ....  the gateway's own part of the last one: $(header x-gateway-overhead-ms) ms"
}

percentiles() {
  sort -n | awk -v what="$1" '{ taken[NR] = $1 * 1000 }
    END { if (NR) printf "  ....  %s: p50 %.0f ms, slowest %.0f ms\n", what, taken[int((NR + 1) / 2)], taken[NR]
          else printf "  ....  %s: nothing to measure\n", what }'
}
