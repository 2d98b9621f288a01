#!/usr/bin/env bash
# The cloud's resources: state, plan, apply, and what came of it.
# shellcheck disable=SC2034,SC2153  # the parts share their variables

declare -A OUT

terraform_here() {
  run "$1" terraform "-chdir=$TERRAFORM" "${@:2}"
}

make_state() {
  HINT="whoever deploys needs the right to make a bucket, or TF_STATE_BUCKET names one that is there"
  cloud_make_state
  HINT="a state that is locked by a run that was killed: terraform force-unlock, with the id that it says"
  init_terraform
}

init_terraform() {
  terraform_here 300 init -input=false -reconfigure "${BACKEND[@]/#/-backend-config=}"
}

show_plan() {
  HINT="what Terraform says above names the resource"
  write_variables
  terraform_here 900 plan -input=false -lock-timeout=120s "-var-file=$STATE/deploy.tfvars" "-out=$STATE/plan"
  confirm "Apply this plan to $PROJECT, and roll out $IMAGE_TAG there? Only 'yes' goes on:" yes
}

write_variables() {
  { cloud_variables && common_variables; } | keep "$STATE/deploy.tfvars"
}

# What every cloud takes; which of its modes a cluster has without CLUSTER_MODE, the cloud says.
common_variables() {
  local tenant names=""
  for tenant in $(tenants); do names="$names${names:+, }\"$tenant\""; done
  cat <<TEXT
region       = "$REGION"
cluster_name = "${CLUSTER_NAME:-portcullis}"
cluster_mode = "${CLUSTER_MODE:-$USUAL_MODE}"
domain       = "${DOMAIN:-}"
alert_email  = "${ALERT_EMAIL:-}"
tenants      = [$names]
TEXT
}

# The plan that was shown, not another one.
apply_plan() {
  HINT="a quota or an API that is still being switched on: a second run is often enough"
  terraform_here 5400 apply -input=false -lock-timeout=120s "$STATE/plan"
  rm -f "$STATE/plan"
}

# read_outputs: OUT[name], and OUT[name.key] for a map.
read_outputs() {
  local name value
  HINT="./deploy.sh $CLOUD makes what is missing"
  if [ "$DRY_RUN" = true ]; then
    for name in $(cloud_outputs); do OUT[$name]="<terraform output $name>"; done
    show terraform "-chdir=$TERRAFORM" output -json
    return
  fi
  terraform_here 120 output -json >"$WORK/outputs.json"
  while IFS=$'\t' read -r name value; do OUT[$name]="$value"; done < <(values outputs <"$WORK/outputs.json")
  for name in $(cloud_outputs); do
    [ -n "${OUT[$name]:-}" ] || die "Terraform has no output $name; was it applied?"
  done
}

# For commands that begin after a deployment.
open_state() {
  init_terraform >/dev/null
  read_outputs
}
