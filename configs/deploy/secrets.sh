#!/usr/bin/env bash
# Secrets: drawn once, kept in the cloud's secret manager, copied from there into the cluster. They go from program to
# program by standard input only: never in an argument, the environment, the output or a file that others can read.
# What is read is whole before anything is done with it: the end of a pipe does not know that its beginning failed.
# shellcheck disable=SC2034,SC2153  # the parts share their variables

# Of the environment of whoever deploys: what providers ask for, and what is no secret but belongs to it.
PROVIDER_KEYS=(OPENAI_API_KEY ANTHROPIC_API_KEY GROQ_API_KEY OPENAI_COMPATIBLE_API_KEY AWS_BEARER_TOKEN_BEDROCK)
PROVIDER_ADDRESSES=(OLLAMA_BASE_URL OPENAI_COMPATIBLE_BASE_URL VERTEX_ENDPOINT_ID)

put_secrets() {
  local tenant
  HINT="the right to read and add versions of secrets: roles/secretmanager.admin on Google Cloud"
  SECRET_VERSIONS=""
  draw_once tag-keys tag-keys
  for tenant in $(tenants); do draw_once "$tenant-jwt" credential "$tenant"; done
  keep_provider_keys
  if has_own_redis; then draw_once redis-auth password; else cloud_keep_redis_password; fi
  deliver tag-keys secret "$NAMESPACE" portcullis-tag-keys tag-keys.json
  deliver tag-keys secret "$KONG_NAMESPACE" portcullis-tag-keys tag-keys.json
  deliver llm-api-keys secret "$NAMESPACE" llm-api-keys "*"
  deliver_redis
}

# Only once Kong is there: its webhook checks them, and would refuse them for as long as a Kong that does not start is
# not mended, which is what the next run is for.
deliver_credentials() {
  local tenant
  for tenant in $(tenants); do
    deliver "$tenant-jwt" secret "$NAMESPACE" "portcullis-$tenant-jwt" "*" konghq.com/credential=jwt
  done
}

# The tenants of configs/gateway/gateway.yaml: a credential each.
tenants() {
  awk '/^[a-z]/ { inside = /^tenants:/ } inside && /^  [a-z0-9-]+:/ { sub(":.*", ""); print $1 }' \
    "$ROOT/configs/gateway/gateway.yaml"
}

secret_id() {
  local id
  id="$(cloud_secret_id "$1")"
  [ -n "$id" ] || die "Terraform made no secret for $1; run ./deploy.sh $CLOUD again, so that it does"
  echo "$id"
}

# draw_once NAME HOW...: what is there stays.
draw_once() {
  local id version drawn
  id="$(secret_id "$1")"
  version="$(cloud_secret_version "$id")"
  if [ -z "$version" ]; then
    drawn="$(values "${@:2}" </dev/null)"
    printf '%s' "$drawn" | cloud_write_secret "$id"
    done_now "drew $1"
    version="$(cloud_secret_version "$id")"
  fi
  SECRET_VERSIONS="$SECRET_VERSIONS${SECRET_VERSIONS:+ }$1:${version##*/}"
}

# What the environment gives is added to what is kept; what it does not give stays.
keep_provider_keys() {
  local id version kept="" merged
  id="$(secret_id llm-api-keys)"
  version="$(cloud_secret_version "$id")"
  [ -z "$version" ] || kept="$(cloud_read_secret "$id")"
  merged="$(given_provider_keys "$kept" | values merge)"
  if [ -n "$merged" ] || [ "$DRY_RUN" = true ]; then
    printf '%s' "$merged" | cloud_write_secret "$id"
    done_now "kept the providers' keys that the environment gives"
    version="$(cloud_secret_version "$id")"
  fi
  SECRET_VERSIONS="$SECRET_VERSIONS llm-api-keys:${version##*/}"
}

given_provider_keys() {
  local name file value
  printf '%s\0' "$1"
  for name in "${PROVIDER_KEYS[@]}"; do
    file="${name}_FILE" value="${!name:-}"
    [ -n "$value" ] || [ -z "${!file:-}" ] || value="$(<"${!file}")"
    [ -z "$value" ] || printf '%s=%s\0' "$name" "$value"
  done
}

# No program that is started from here on inherits them.
hide_provider_keys() {
  export -n "${PROVIDER_KEYS[@]}"
}

# deliver NAME HOW...: from the secret manager into the cluster, as `values HOW...` shapes it.
deliver() {
  local id kept manifest
  id="$(secret_id "$1")"
  kept="$(cloud_read_secret "$id")"
  if [ "$DRY_RUN" = true ]; then
    show kubectl apply --server-side -f - "<Secret $4 in $3, from Secret Manager>"
    return
  fi
  manifest="$(printf '%s' "$kept" | values "${@:2}")"
  printf '%s' "$manifest" | apply_from_input deploy.sh
}

# Some overlays run a Redis in the cluster instead of the cloud's.
has_own_redis() {
  grep -q "components/redis *$" "$ROOT/configs/kubernetes/overlays/$OVERLAY/kustomization.yaml"
}

# The password and the certificates may be absent: what the store has is the cloud's business.
deliver_redis() {
  local password="${OUT[redis_auth_secret]:-}" authority="${OUT[redis_ca_secret]:-}"
  local host="${OUT[redis_host]:-}" port="${OUT[redis_port]:-}" manifest
  if has_own_redis; then
    # Its certificate is signed in the cluster, by whom the backend and Kong know already.
    host="portcullis-redis.$NAMESPACE.svc" port=6379 authority=""
  fi
  if [ "$DRY_RUN" = true ]; then
    show kubectl apply --server-side -f - "<the Secrets of the shared store, from Secret Manager>"
    return
  fi
  [ -z "$password" ] || password="$(cloud_read_secret "$password")"
  [ -z "$authority" ] || authority="$(cloud_read_secret "$authority")"
  manifest="$(printf '%s\0%s\0' "$password" "$authority" | values redis "$NAMESPACE" "$KONG_NAMESPACE" "$host" "$port")"
  printf '%s' "$manifest" | apply_from_input deploy.sh
}

# Kong's own certificate signs itself; the one after it is made a month before it ends.
put_certificate() {
  local address found
  address="$(cloud_address)"
  found="$(kong_certificate)"
  [ -z "$found" ] || openssl x509 -noout -checkend 2592000 >/dev/null 2>&1 <<<"$found" || found=""
  [ -z "$found" ] || return 0
  run 60 openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 397 -subj "/CN=portcullis" \
    -addext "subjectAltName=$(alternative_names "$address")" -keyout "$WORK/tls.key" -out "$WORK/tls.crt" 2>"$WORK/openssl" ||
    die "openssl made no certificate: $(tail -n 1 "$WORK/openssl")"
  run 60 kubectl create secret tls portcullis-tls "--namespace=$KONG_NAMESPACE" "--cert=$WORK/tls.crt" \
    "--key=$WORK/tls.key" --dry-run=client --output=yaml >"$WORK/tls.yaml"
  apply_from_input deploy.sh <"$WORK/tls.yaml"
}

kong_certificate() {
  query 60 "" kubectl get secret portcullis-tls "--namespace=$KONG_NAMESPACE" --ignore-not-found \
    --output="jsonpath={.data.tls\.crt}" | base64 --decode
}

# The address too, where it is known before there is a load balancer.
alternative_names() {
  if is_ip "$1"; then echo "DNS:portcullis.internal,IP:$1"; else echo "DNS:portcullis.internal"; fi
}

is_ip() { [[ "$1" =~ ^[0-9.]+$ ]]; }

# make_token FILE: a token of TENANT, by its secret, which stays out of sight.
make_token() {
  local id kept
  id="$(secret_id "$TENANT-jwt")"
  kept="$(cloud_read_secret "$id")"
  printf '%s' "$kept" | values token deploy.sh | keep "$1"
}

values() {
  if [ "$DRY_RUN" = true ]; then
    cat >/dev/null
    return
  fi
  "$PYTHON" -I "$ROOT/configs/deploy/values.py" "$@"
}
