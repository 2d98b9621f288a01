#!/usr/bin/env bats
# One run of ./deploy.sh gke from nothing to a gateway that answers: what it called, made and said.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154  # each test is a subshell, and has its own

load helpers

REGISTRY=us-central1-docker.pkg.dev/my-project/portcullis

setup_file() {
  prepare "$BATS_FILE_TMPDIR"
  echo "gsk-from-a-file" >"$BATS_FILE_TMPDIR/groq"
  in_project IMAGE_TAG=1.2.3 OLLAMA_BASE_URL=http://ollama.example.com:11434 OPENAI_API_KEY=sk-from-the-environment \
    "GROQ_API_KEY_FILE=$BATS_FILE_TMPDIR/groq"
  deploy gke --yes
  echo "$output" >"$STUBS/output"
  is 0
}

setup() {
  output="$(cat "$STUBS/output")"
  STATE="$CLONE/.local/gke/my-project"
}

@test "it does everything, in its order" {
  in_order "gcloud auth list" "gcloud projects describe" "gcloud billing projects describe" testIamPermissions \
    "gcloud services enable" "gcloud storage buckets create" "--versioning" "terraform -chdir=$CLONE/terraform/gcp init" \
    " plan " " apply " " output " "docker buildx build" "docker buildx build" get-credentials \
    "gcloud secrets versions add portcullis-tag-keys" "gcloud secrets versions add portcullis-demo-jwt" \
    "gcloud secrets versions access" "kubectl apply" "helm upgrade --install cert-manager" \
    "helm upgrade --install monitoring" "helm upgrade --install prometheus-adapter" "kubectl kustomize" "kubectl create secret tls" "kubectl wait" "helm upgrade --install kong" "kubectl apply" \
    "rollout status deployment/portcullis-backend" "rollout status deployment/kong-kong" /health "test-requests.sh"
}

@test "it says where the gateway is, with a token and the dashboards" {
  says "URL=https://203.0.113.7"
  says "TOKEN=ey"
  says "https://console.cloud.google.com/monitoring/alerting?project=my-project"
  says "curl --cacert $STATE/gateway-ca.crt"
  openssl x509 -in "$STATE/gateway-ca.crt" -noout -ext subjectAltName | grep -q "IP Address:203.0.113.7"
}

@test "the plan that is applied is the one that was shown" {
  called "-out=$STATE/plan"
  called "apply -input=false -lock-timeout=120s $STATE/plan"
  [ ! -e "$STATE/plan" ]
}

@test "images are named by digest, in the overlay and for Kong" {
  called "--tag $REGISTRY/portcullis-backend:1.2.3"
  local digest
  digest="$(cat "$STUBS/images/us-central1-docker.pkg.dev_my-project_portcullis_portcullis-backend_1.2.3")"
  grep -q "newName: $REGISTRY/portcullis-backend" "$STUBS/overlays"
  grep -q "digest: $digest" "$STUBS/overlays"
  digest="$(cat "$STUBS/images/us-central1-docker.pkg.dev_my-project_portcullis_portcullis-kong_1.2.3")"
  grep -q "unifiedRepoTag: \"$REGISTRY/portcullis-kong@$digest\"" "$STATE/overlay/kong-values.yaml"
  grep -q 'loadBalancerIP: "203.0.113.7"' "$STATE/overlay/kong-values.yaml"
  never_called ":latest"
}

@test "what is only known here stands in the overlay" {
  grep -q 'iam.gke.io/gcp-service-account: "portcullis-backend@my-project.iam.gserviceaccount.com"' "$STUBS/overlays"
  grep -q '"GOOGLE_CLOUD_PROJECT=my-project"' "$STUBS/overlays"
  grep -q '"OLLAMA_BASE_URL=http://ollama.example.com:11434"' "$STUBS/overlays"
  grep -q -- '- ../../../../configs/kubernetes/overlays/prod' "$STUBS/overlays"
  grep -q -- '- ../../../../configs/kubernetes/components/monitoring' "$STUBS/overlays"
}

@test "Kong has our values, the store's, and those of this deployment, in that order" {
  called "--values $CLONE/configs/kong/kong-values.yaml --values $CLONE/configs/kong/kong-values-managed-redis.yaml --values $STATE/overlay/kong-values.yaml"
  called "helm upgrade --install kong kong --repo https://charts.konghq.com --version 3.4.1 --namespace kong"
}

@test "every secret goes by standard input, and nowhere else" {
  local secret what
  [ "$(secrets | wc -w)" = 7 ]
  for secret in $(secrets); do
    grep -qF -- "$secret" "$STUBS/inputs" || { echo "not delivered: ${secret:0:6}..." && return 1; }
    for what in calls seen output overlays; do
      ! grep -qF -- "$secret" "$STUBS/$what" || { echo "in $what: ${secret:0:6}..." && return 1; }
    done
    ! grep -rqF -- "$secret" "$CLONE" || { echo "in a file: ${secret:0:6}..." && return 1; }
  done
}

# All that a run has to do with.
secrets() {
  echo sk-from-the-environment gsk-from-a-file redis-token-that-google-drew ya29.the-token-of-whoever-deploys
  grep -oh '"secret": "[^"]*"' "$STUBS/secrets/portcullis-demo-jwt/1" "$STUBS/secrets/portcullis-clinic-jwt/1" | cut -d'"' -f4
  grep -oE '[A-Za-z0-9_-]{43}=' "$STUBS/secrets/portcullis-tag-keys/1"
}

@test "no private key is left, or seen" {
  ! grep -q "PRIVATE KEY" "$STUBS/seen" "$STUBS/calls" "$STUBS/output" && ! grep -rq "PRIVATE KEY" "$CLONE/.local"
}

@test "the smoke tests get their token by a file" {
  called "test-requests.sh --token-file /"
  never_called "eyJ"
}

@test "what is kept is for its owner only" {
  [ -z "$(find "$CLONE/.local" -perm /077)" ]
}

@test "no key of a provider is in the environment of what it calls" {
  [ "$(grep -cE "(OPENAI|GROQ)_API_KEY=" "$STUBS/seen")" = 0 ]
}
