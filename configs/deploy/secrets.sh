#!/usr/bin/env bash
# Secrets: drawn once, kept in the cloud's secret manager, copied from there into the cluster. They go from program to
# program by standard input only: never in an argument, the environment, the output or a file that others can read.
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
  cloud_keep_redis_password
  deliver tag-keys secret "$NAMESPACE" portcullis-tag-keys tag-keys.json
  deliver tag-keys secret "$KONG_NAMESPACE" portcullis-tag-keys tag-keys.json
  deliver llm-api-keys secret "$NAMESPACE" llm-api-keys "*"
  for tenant in $(tenants); do
    deliver "$tenant-jwt" secret "$NAMESPACE" "portcullis-$tenant-jwt" "*" konghq.com/credential=jwt
  done
  deliver_redis
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
  local id version
  id="$(secret_id "$1")"
  version="$(cloud_secret_version "$id")"
  if [ -z "$version" ]; then
    values "${@:2}" | cloud_write_secret "$id"
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
  local id
  id="$(secret_id "$1")"
  if [ "$DRY_RUN" = true ]; then
    cloud_read_secret "$id" >/dev/null
    show kubectl apply --server-side -f - "<Secret $4 in $3, from Secret Manager>"
    return
  fi
  cloud_read_secret "$id" | values "${@:2}" | apply_from_input deploy.sh
}

# The password and the certificates may be absent: what the store has is the cloud's business.
deliver_redis() {
  local password="${OUT[redis_auth_secret]:-}" authority="${OUT[redis_ca_secret]:-}"
  if [ "$DRY_RUN" = true ]; then
    show kubectl apply --server-side -f - "<Secrets portcullis-redis, portcullis-kong-redis, from Secret Manager>"
    return
  fi
  {
    [ -z "$password" ] || cloud_read_secret "$password"
    printf '\0'
    [ -z "$authority" ] || cloud_read_secret "$authority"
    printf '\0'
  } | values redis "$NAMESPACE" "${OUT[redis_host]}" "${OUT[redis_port]}" | apply_from_input deploy.sh
}

# Kong has to have a certificate to begin with: cert-manager puts the public one in its place once there is a domain.
put_first_certificate() {
  local address found
  address="$(cloud_address)"
  found="$(kong_certificate)"
  [ -z "$found" ] || openssl x509 -noout -checkend 2592000 >/dev/null 2>&1 <<<"$found" || found=""
  # cert-manager renews what it has made.
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

alternative_names() {
  local names=""
  [ -z "${DOMAIN:-}" ] || names="DNS:$DOMAIN,"
  if [[ "$1" =~ ^[0-9.]+$ ]]; then echo "${names}IP:$1"; else echo "${names}DNS:${1:-portcullis}"; fi
}

# make_token FILE: a token of TENANT, by its secret, which stays out of sight.
make_token() {
  local id
  id="$(secret_id "$TENANT-jwt")"
  if [ "$DRY_RUN" = true ]; then
    cloud_read_secret "$id" >/dev/null
    return
  fi
  cloud_read_secret "$id" | values token deploy.sh >"$1"
}

values() {
  [ "$DRY_RUN" = true ] || "$PYTHON" -I "$ROOT/configs/deploy/values.py" "$@"
}
