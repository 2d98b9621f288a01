#!/usr/bin/env bash
# Checks of testing/test-requests.sh that ask models: the words for asking and saying are there.
# shellcheck disable=SC2153  # its variables are set there

SSN="My social security number is 536-22-8714. Say OK."

check_models() {
  say "models"
  local model count=0
  # Providers that are not set up are no failure of the gateway, but nobody should think that they were asked.
  while read -r model; do
    not_set_up "$model"
  done < <(grep -o '{"name": *"[^]]*"available": *false[^]]*' "$WORK/providers" | sed \
    's/^{"name": *"\([^"]*\)".*"missing": *"\([^"]*\)".*/provider \1 is not set up: \2/')
  [ "$MODELS" = true ] || { skip "--no-models: not asked" && return; }
  while read -r model; do
    count=$((count + 1))
    check_model "$model"
  done < <(grep -o '"id": *"[^"]*"' "$WORK/models" | sed 's/^[^:]*: *"//; s/"$//')
  [ "$count" != 0 ] || fail "GET /v1/models lists a model: it lists none, so no provider is set up for this token"
}

check_model() {
  local path=/v1/chat/completions body what='"content": *"'
  body="$(chat "$1" "Say hello in one word.")"
  if deployments "\"model\": *\"$1\"" | grep -q '"operations": *\["embeddings"\]'; then
    path=/v1/embeddings what='"embedding": *\[' body="{\"model\": \"$1\", \"input\": \"Hello\"}"
  fi
  ask POST "$path" "$body"
  case "$STATUS:$(text code)" in
    200:*) expect "$1: $(header x-gateway-deployment), $SECONDS_TAKEN s$(simulated)" 200 "$what" ;;
    503:service_unavailable) not_set_up "$1: $(text message)" ;;
    403:no_eligible_deployment) not_set_up "$1 is not cleared for what this token asks: $(text message)" ;;
    *) fail "$1: $(what_came)" ;;
  esac
}

# deployments PATTERN: those of GET /providers whose text matches, one a line.
deployments() {
  grep -o '{"id":[^}]*}' "$WORK/providers" | grep -- "$1"
}

simulated() {
  [ "$(header x-gateway-simulated)" != true ] || echo " (SIMULATED)"
}

check_streaming() {
  say "streaming"
  ask POST /v1/chat/completions "$(chat "$MODEL" "Count from 1 to 20." ', "stream": true')" "Accept: text/event-stream"
  if [ "$STATUS:$(text code)" = 503:service_unavailable ]; then
    not_set_up "$MODEL: $(text message)"
    return
  fi
  expect "a stream of $MODEL begins" 200 '^data: ' || return
  that "its type is text/event-stream" "it is '$(header content-type)'" \
    matches "$(header content-type)" ^text/event-stream
  local pieces last
  pieces="$(grep -c '^data: .*"content": *"[^"]' "$WORK/body")"
  that "its text comes in $pieces pieces, the first after $FIRST_BYTE of $SECONDS_TAKEN s" "it is one" [ "$pieces" -ge 2 ]
  last="$(grep '^data: ' "$WORK/body" | tail -n 1 | tr -d '\r')"
  that "it ends with [DONE]" "it ends with ${last:0:200}" [ "$last" = "data: [DONE]" ]
}

check_compliance() {
  say "compliance routing"
  local uncleared deployment
  uncleared="$(deployments '"operations": *\["chat"' | grep -v '"pii"' | grep -o '"model": *"[^"]*"' | head -n 1 |
    sed 's/^[^:]*: *"//; s/"$//')"
  if deployments '"model": *"gpt-4o"' | grep -qv '"pii"'; then uncleared=gpt-4o; fi
  if [ -z "$uncleared" ]; then
    skip "every deployment here is cleared for pii: there is none to be refused"
  else
    ask POST /v1/chat/completions "$(chat "$uncleared" "$SSN")"
    expect "a social security number to $uncleared: 403 that names cleared_for" 403 'cleared_for.*no_eligible_deployment'
    that "nobody was asked" "$(header x-gateway-deployment) was" [ "$(header x-gateway-attempts)" = 0 ]
  fi
  ask POST /v1/chat/completions "$(chat auto "$SSN")"
  if [[ "$STATUS:$(text code)" =~ ^(503:service_unavailable|403:no_eligible_deployment)$ ]]; then
    not_set_up "no deployment that is cleared for pii: $(text message)"
  elif expect "the same to auto is answered" 200; then
    deployment="$(header x-gateway-deployment)"
    that "by $deployment, which is cleared for pii" "it is not" is_cleared_for_pii "$deployment"
  fi
  that "x-compliance-class: $(header x-compliance-class)" "expected pii or above" \
    matches "$(header x-compliance-class)" '^(pii|pci|phi|secret)$'
  ask POST /v1/chat/completions "$(chat "${uncleared:-auto}" "Hello")" "X-Data-Class: phi"
  that "X-Data-Class: phi raises the class" "$(what_came)" matches "$(header x-compliance-class)" '^(phi|secret)$'
  ask POST /v1/chat/completions "$(chat auto "Hello")" "X-Data-Class: no-such-class"
  expect "an unknown X-Data-Class: 400" 400
}

is_cleared_for_pii() {
  deployments "\"id\": *\"$1\"" | grep -q '"cleared_for": *\[[^]]*"pii"'
}
