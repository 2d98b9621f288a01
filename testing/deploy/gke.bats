#!/usr/bin/env bats
# ./deploy.sh gke from nothing to a gateway that answers, and again.

load helpers

@test "it does everything, in its order" {
  in_project
  mkdir -p "$STUBS/secrets/portcullis-redis-ca" && echo "-----BEGIN CERTIFICATE-----" >"$STUBS/secrets/portcullis-redis-ca/1"
  deploy gke --yes
  is 0
  in_order "gcloud auth list" "gcloud projects describe" "gcloud billing projects describe" testIamPermissions \
    "gcloud services enable" "gcloud storage buckets create" "--versioning" "terraform -chdir=$CLONE/terraform/gcp init" \
    " plan " " apply " " output " "docker buildx build" "docker buildx build" get-credentials \
    "gcloud secrets versions add portcullis-tag-keys" "gcloud secrets versions add portcullis-demo-jwt" \
    "gcloud secrets versions access" "kubectl apply" "helm upgrade --install cert-manager" "kubectl kustomize" \
    "kubectl create secret tls" "kubectl wait" "helm upgrade --install kong" "kubectl apply" \
    "rollout status deployment/portcullis-backend" "rollout status deployment/kong-kong" /health "test-requests.sh"
  says "https://203.0.113.7"
  says "TOKEN=ey"
}
