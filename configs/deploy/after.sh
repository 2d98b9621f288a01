#!/usr/bin/env bash
# What comes after a rollout, or long after it: proving, showing, going back, taking away.
# shellcheck disable=SC2034,SC2153  # the parts share their variables

TENANT="${TENANT:-demo}"

# use_cloud CLOUD: its settings and functions, and the folder that keeps what was made for this project.
use_cloud() {
  CLOUD="$1"
  # shellcheck source=configs/deploy/gke.sh
  . "$ROOT/configs/deploy/$CLOUD.sh"
  cloud_settings
  hide_provider_keys
  IMAGE_TAG="${IMAGE_TAG:-$(default_image_tag)}"
  STATE="${PORTCULLIS_DEPLOY_STATE:-$ROOT/.local/$CLOUD/$PROJECT}"
  OVERLAY_FOLDER="$STATE/overlay"
  PYTHON="$(find_python)"
  # Never the contexts and plugins of whoever runs this: every kubectl here talks to this one cluster.
  export KUBECONFIG="$STATE/kubeconfig" TF_DATA_DIR="$STATE/terraform" TF_IN_AUTOMATION=1
  local name
  for name in "${PROVIDER_ADDRESSES[@]}"; do [ -z "${!name:-}" ] || CLUSTER_SETTINGS+=("$name=${!name}"); done
  if [ "$DRY_RUN" = true ]; then
    show export "KUBECONFIG=$KUBECONFIG" "TF_DATA_DIR=$TF_DATA_DIR" "TF_IN_AUTOMATION=$TF_IN_AUTOMATION"
  else
    mkdir -p "$STATE"
  fi
}

# The cluster of an earlier run.
reach_cluster() {
  open_state
  cloud_get_credentials
}

# reach_gateway: URL, and how curl gets there.
reach_gateway() {
  local address
  address="$(cloud_address)"
  URL="https://${DOMAIN:-$address}"
  REACH=() SMOKE=()
  if [ -z "${DOMAIN:-}" ]; then
    kong_certificate | keep "$STATE/gateway-ca.crt"
    REACH=(--cacert "$STATE/gateway-ca.crt")
    SMOKE=(--ca "$STATE/gateway-ca.crt")
    if ! is_ip "$address" && [ "$DRY_RUN" = false ]; then
      [ -n "$address" ] || die "Kong's Service has no load balancer yet; give it some minutes"
      URL=https://portcullis.internal
      REACH+=(--connect-to "::$address:")
      SMOKE+=(--resolve "$address")
    fi
  fi
}

run_smoke_tests() {
  reach_gateway
  HINT="the load balancer needs some minutes at first"
  [ -z "${DOMAIN:-}" ] || HINT="$(cloud_name_hint)"
  await_gateway
  HINT="the lines with FAIL above; ./deploy.sh rollback goes back"
  make_token "$WORK/token"
  run 1200 "$ROOT/testing/test-requests.sh" --token-file "$WORK/token" "${SMOKE[@]}" "$URL"
}

# The address answers some time after everything else is there.
await_gateway() {
  local deadline=$((SECONDS + ${PATIENCE_S:-900}))
  if [ "$DRY_RUN" = true ]; then
    show curl --fail "${REACH[@]}" "$URL/health"
    return
  fi
  until probe 20 curl --fail --silent --max-time 15 "${REACH[@]}" "$URL/health"; do
    [ "$SECONDS" -lt "$deadline" ] || die "$URL/health does not answer"
    sleep 5
  done
}

print_summary() {
  make_token "$WORK/token"
  [ "$DRY_RUN" = false ] || return 0
  say ""
  say "Portcullis runs at $URL"
  [ ${#REACH[@]} = 0 ] || say "Its certificate signs itself: curl ${REACH[*]}. Set DOMAIN for a public one."
  echo "URL=$URL"
  echo "TOKEN=$(<"$WORK/token")"
  say "A token for 7 days, tenant $TENANT, and dashboards:"
  ! has_monitoring ||
    say "  grafana:  KUBECONFIG=$KUBECONFIG kubectl port-forward --namespace monitoring service/monitoring-grafana 3000:80"
  cloud_dashboards
}

show_status() {
  run 60 helm list --all-namespaces
  run 60 kubectl get deployments,horizontalpodautoscalers,pods "--namespace=$NAMESPACE" --output=wide
  run 60 kubectl get deployments,pods,services "--namespace=$KONG_NAMESPACE" --output=wide
  run 60 kubectl get certificates --all-namespaces
  reach_gateway
  if probe 20 curl --fail --silent --max-time 15 "${REACH[@]}" "$URL/health"; then
    say "  $URL/health answers"
  else
    say "  $URL/health does not answer"
  fi
  [ ! -f "$STATE/releases" ] || tail -n 3 "$STATE/releases" >&2
}

# Only what the last rollout changed goes back; both, where it was made elsewhere.
choose_rollback() {
  local last before
  BACK=(backend kong)
  if [ -f "$STATE/releases" ]; then
    last="$(tail -n 1 "$STATE/releases")"
    before="$(awk -v tag="$(cut -d' ' -f2 <<<"$last")" '$2 != tag { line = $0 } END { print line }' "$STATE/releases")"
    [ -n "$before" ] || die "there was no rollout before $last"
    BACK=()
    [ "$(cut -d' ' -f3 <<<"$last")" = "$(cut -d' ' -f3 <<<"$before")" ] || BACK+=(backend)
    [ "$(cut -d' ' -f4 <<<"$last")" = "$(cut -d' ' -f4 <<<"$before")" ] || BACK+=(kong)
    say "  from $last"
    say "  to   $before"
  fi
  [ ${#BACK[@]} != 0 ] || die "the last two rollouts have the same images; change the configuration and deploy that"
  confirm "Go back with ${BACK[*]} in $PROJECT? Only 'yes' goes on:" yes
}

roll_back() {
  local part
  HINT="KUBECONFIG=$KUBECONFIG kubectl rollout history says what there is to go back to"
  for part in "${BACK[@]}"; do
    case "$part" in
      backend) run 120 kubectl rollout undo deployment/portcullis-backend "--namespace=$NAMESPACE" ;;
      kong) run 120 kubectl rollout undo deployment/kong-kong "--namespace=$KONG_NAMESPACE" ;;
    esac
  done
}

wait_for_rollback() {
  run 1260 kubectl rollout status deployment/portcullis-backend "--namespace=$NAMESPACE" --timeout=20m
  run 1260 kubectl rollout status deployment/kong-kong "--namespace=$KONG_NAMESPACE" --timeout=20m
  # What was gone back from is no release any more.
  [ ! -f "$STATE/releases" ] || [ "$DRY_RUN" = true ] || sed -i '$d' "$STATE/releases"
}
