#!/usr/bin/env bash
# Google Cloud: what the steps need of it. configs/deploy/eks.sh says the same of AWS.
# shellcheck disable=SC2034,SC2153  # the parts share their variables

# What whoever deploys must be allowed in the project; one of each kind of thing that Terraform makes there.
PERMISSIONS=(
  artifactregistry.repositories.create
  cloudsql.instances.create
  compute.addresses.create
  compute.firewalls.create
  compute.networks.create
  compute.routers.create
  container.clusters.create
  iam.serviceAccounts.create
  logging.sinks.create
  memorystore.instances.create
  monitoring.alertPolicies.create
  resourcemanager.projects.setIamPolicy
  secretmanager.secrets.create
  secretmanager.versions.access
  secretmanager.versions.add
  serviceusage.services.enable
  storage.buckets.create
)
# What Terraform cannot switch on by itself, because it asks them: cloudbilling for whose budget it is.
FIRST_APIS=(cloudresourcemanager serviceusage iam storage compute cloudbilling)

cloud_settings() {
  need PROJECT_ID "the id of a Google Cloud project, such as: export PROJECT_ID=my-project"
  [[ "$PROJECT_ID" =~ ^[a-z][a-z0-9-]{4,28}[a-z0-9]$ ]] ||
    die "PROJECT_ID is '$PROJECT_ID'; expected a project's id (6 to 30 lower case letters, digits, hyphens)"
  REGION="${REGION:-us-central1}"
  PROJECT="$PROJECT_ID"
  TERRAFORM="$ROOT/terraform/gcp"
  OVERLAY="${OVERLAY:-prod}"
  BUCKET="${TF_STATE_BUCKET:-$PROJECT_ID-portcullis-terraform}"
  USUAL_MODE=autopilot
  BACKEND=("bucket=$BUCKET" "prefix=portcullis")
  AGAIN="PROJECT_ID=$PROJECT_ID ./deploy.sh $COMMAND"
  CLUSTER_SETTINGS=("GOOGLE_CLOUD_PROJECT=$PROJECT_ID")
}

cloud_tools() { echo gcloud gke-gcloud-auth-plugin; }

cloud_outputs() {
  echo cluster_name cluster_location artifact_registry redis_host redis_port redis_instance redis_auth_secret \
    redis_ca_secret backend_service_account build_service_account gateway_address
}

cloud_check_access() {
  local account missing
  HINT="gcloud auth login, and gcloud auth application-default login for Terraform"
  account="$(query 60 "<your account>" gcloud auth list --filter=status:ACTIVE --format="value(account)")"
  [ -n "$account" ] || die "gcloud has no active account"
  query 60 "<a token>" gcloud auth application-default print-access-token >/dev/null
  HINT="PROJECT_ID is the project's id, not its name or number"
  query 60 ACTIVE gcloud projects describe "$PROJECT_ID" --format="value(lifecycleState)" | grep -q ACTIVE ||
    die "$account sees no active project $PROJECT_ID"
  HINT="https://console.cloud.google.com/billing/linkedaccount?project=$PROJECT_ID"
  query 60 True gcloud billing projects describe "$PROJECT_ID" --format="value(billingEnabled)" | grep -q True ||
    die "project $PROJECT_ID has no billing account"
  HINT="roles/owner has them all; or ask whoever owns the project"
  missing="$(missing_permissions)"
  [ -z "$missing" ] || die "$account lacks in $PROJECT_ID: $missing"
  done_now "$account may deploy to $PROJECT_ID, $REGION"
}

missing_permissions() {
  local url="https://cloudresourcemanager.googleapis.com/v1/projects/$PROJECT_ID:testIamPermissions" names answer
  printf -v names '"%s",' "${PERMISSIONS[@]}"
  answer="$(google_api "$url" "{\"permissions\": [${names%,}]}")"
  values missing "${PERMISSIONS[@]}" <<<"$answer"
}

# google_api URL [BODY]: what gcloud has no command for. Its token goes to curl by standard input.
google_api() {
  local token body=()
  token="$(query 60 "<a token>" gcloud auth print-access-token)"
  [ -z "${2:-}" ] || body=(--header "Content-Type: application/json" --data "$2")
  if [ "$DRY_RUN" = true ]; then
    show curl --config - "${body[@]}" "$1"
    return
  fi
  printf 'header = "Authorization: Bearer %s"\n' "$token" |
    run 60 curl --silent --show-error --fail-with-body --max-time 50 --config - "${body[@]}" "$1"
}

cloud_make_state() {
  local logs
  run 300 gcloud services enable "${FIRST_APIS[@]/%/.googleapis.com}" "--project=$PROJECT_ID" --quiet
  probe 60 gcloud storage buckets describe "gs://$BUCKET" "--project=$PROJECT_ID" ||
    run 120 gcloud storage buckets create "gs://$BUCKET" "--project=$PROJECT_ID" "--location=$REGION" \
      --uniform-bucket-level-access --public-access-prevention --quiet
  # A state that was overwritten can be brought back.
  run 120 gcloud storage buckets update "gs://$BUCKET" --versioning --quiet
  # What was destroyed within seven days is still there for Terraform to find, but not to change: it is taken back.
  for logs in gateway audit; do
    probe 60 gcloud logging buckets undelete "${CLUSTER_NAME:-portcullis}-$logs" "--location=$REGION" \
      "--project=$PROJECT_ID" --quiet || true
  done
}

cloud_variables() { echo "project_id   = \"$PROJECT_ID\""; }

cloud_registry() { echo "${OUT[artifact_registry]}"; }

cloud_registry_login() {
  [ "$BUILDER" = cloud ] || run 60 gcloud auth configure-docker "${REGISTRY%%/*}" --quiet
}

cloud_digest() {
  attempt 60 gcloud artifacts docker images describe "$1" "--project=$PROJECT_ID" --format="value(image_summary.digest)"
}

# By an account of its own: the one that builds otherwise may do nothing in a project of an organisation made since 2024.
cloud_build() {
  run 3600 gcloud builds submit "$ROOT" "--project=$PROJECT_ID" "--config=$ROOT/configs/deploy/cloudbuild.yaml" \
    "--service-account=projects/$PROJECT_ID/serviceAccounts/${OUT[build_service_account]}" \
    "--substitutions=_IMAGE=$1,_DOCKERFILE=$2" --timeout=3000s --quiet
}

# By its DNS name, which IAM guards: the private control plane needs no hole in it.
cloud_get_credentials() {
  run 120 gcloud container clusters get-credentials "${OUT[cluster_name]}" "--location=${OUT[cluster_location]}" \
    "--project=$PROJECT_ID" --dns-endpoint --quiet
}

# cloud_secret_id NAME: as Terraform made it.
cloud_secret_id() {
  if [ "$DRY_RUN" = true ]; then echo "<terraform output secret_ids.$1>"; else echo "${OUT[secret_ids.$1]:-}"; fi
}

# The number of its latest value, or nothing. An error is not nothing: what is kept must not be overwritten then. Nor is a
# filter that finds nothing asked, because it may be a wrong one.
cloud_secret_version() {
  query 60 "" gcloud secrets versions list "$1" "--project=$PROJECT_ID" --sort-by=~createTime --format="value(name,state)" |
    awk 'tolower($2) == "enabled" && !found++ { print $1 }'
}

cloud_read_secret() {
  query 60 "" gcloud secrets versions access latest "--secret=$1" "--project=$PROJECT_ID"
}

# cloud_write_secret ID: its value comes by standard input.
cloud_write_secret() {
  feed 60 gcloud secrets versions add "$1" "--project=$PROJECT_ID" --data-file=- --quiet
}

# The store's token is drawn by Google; a new one there is a new version here.
cloud_keep_redis_password() {
  local id="${OUT[redis_auth_secret]}" url="https://memorystore.googleapis.com/v1/${OUT[redis_instance]}" version kept="" now answer
  version="$(cloud_secret_version "$id")"
  [ -z "$version" ] || kept="$(cloud_read_secret "$id")"
  answer="$(google_api "$url/tokenAuthUsers/default/authTokens")"
  now="$(values auth-token <<<"$answer")"
  [ "$DRY_RUN" = false ] || kept="<changed>"
  if [ "$now" != "$kept" ]; then
    printf '%s' "$now" | cloud_write_secret "$id"
    done_now "kept the shared store's token"
    version="$(cloud_secret_version "$id")"
  fi
  SECRET_VERSIONS="$SECRET_VERSIONS redis:${version##*/}"
}

# cert-manager proves by a DNS record that the domain is ours.
cloud_cert_manager_options() {
  [ -z "${OUT[cert_manager_service_account]:-}" ] ||
    echo "--set=serviceAccount.annotations.iam\\.gke\\.io/gcp-service-account=${OUT[cert_manager_service_account]}"
}

cloud_dns_solver() {
  echo "{\"cloudDNS\": {\"project\": \"$PROJECT_ID\", \"hostedZoneName\": \"${TF_VAR_dns_zone:-${DOMAIN//./-}}\"}}"
}

cloud_kong_values() {
  echo "proxy: {loadBalancerIP: \"${OUT[gateway_address]}\"}"
}

cloud_patches() {
  cat <<TEXT
  - target: {kind: ServiceAccount, name: portcullis-backend}
    patch: |-
      apiVersion: v1
      kind: ServiceAccount
      metadata:
        name: portcullis-backend
        annotations: {iam.gke.io/gcp-service-account: "${OUT[backend_service_account]}"}
TEXT
}

cloud_address() { echo "${OUT[gateway_address]}"; }

cloud_name_hint() { echo "the parent zone of $DOMAIN has to name the servers ${OUT[name_servers]:-that Terraform prints}"; }

cloud_dashboards() {
  say "  cluster:  https://console.cloud.google.com/kubernetes/workload/overview?project=$PROJECT_ID"
  say "  alarms:   https://console.cloud.google.com/monitoring/alerting?project=$PROJECT_ID"
  say "  logs:     https://console.cloud.google.com/logs/query?project=$PROJECT_ID"
}
