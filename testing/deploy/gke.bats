#!/usr/bin/env bats
# ./deploy.sh gke in other circumstances than at first: again, otherwise set, asked, interrupted.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154  # each test is a subshell, and has its own

load helpers

@test "what Terraform is told" {
  in_project REGION=europe-west1 CLUSTER_NAME=edge DOMAIN=ai.example.com CLUSTER_MODE=standard ALERT_EMAIL=ops@example.com \
    TF_STATE_BUCKET=our-states
  deploy gke --yes
  is 0
  called "gcloud storage buckets create gs://our-states --project=my-project --location=europe-west1"
  called "-backend-config=bucket=our-states -backend-config=prefix=portcullis"
  local told
  told="$(cat "$CLONE/.local/gke/my-project/deploy.tfvars")"
  [[ "$told" == *'project_id   = "my-project"'* && "$told" == *'region       = "europe-west1"'* ]]
  [[ "$told" == *'cluster_name = "edge"'* && "$told" == *'cluster_mode = "standard"'* ]]
  [[ "$told" == *'domain       = "ai.example.com"'* && "$told" == *'alert_email  = "ops@example.com"'* ]]
  [[ "$told" == *'tenants      = ["demo", "clinic"]'* ]]
  # The certificate of a domain is public.
  never_called "--cacert"
  grep -q "  - public-certificate.yaml" "$STUBS/overlays"
  says "https://ai.example.com"
}

@test "a second run changes what has changed, and nothing else" {
  in_project
  deploy gke --yes
  is 0
  cp -r "$STUBS/secrets" "$STUBS/secrets-before"
  : >"$STUBS/calls"
  deploy gke --yes
  is 0
  never_called "buckets create"
  never_called "buildx build"
  never_called "versions add"
  never_called "create secret tls"
  says "is there already"
  diff -r "$STUBS/secrets" "$STUBS/secrets-before"
  called "helm upgrade --install kong"
  [ "$(wc -l <"$CLONE/.local/gke/my-project/releases")" = 1 ]
}

@test "logs that were destroyed a few days ago are taken back" {
  in_project CLUSTER_NAME=edge
  deploy gke --yes
  is 0
  in_order "gcloud logging buckets undelete edge-gateway --location=us-central1" \
    "gcloud logging buckets undelete edge-audit --location=us-central1" " plan "
  # There are none at first.
  echo "buckets undelete" >"$STUBS/fail"
  deploy gke --yes
  is 0
}

@test "other sources make another image" {
  in_project
  deploy gke --yes
  : >"$STUBS/calls"
  echo "# changed" >>"$CLONE/backend-service/pyproject.toml"
  deploy gke --yes
  is 0
  called "buildx build"
  [ "$(wc -l <"$CLONE/.local/gke/my-project/releases")" = 2 ]
}

@test "without Docker, Cloud Build makes them" {
  touch "$STUBS/no-docker"
  in_project
  deploy gke --yes
  is 0
  says "built by: cloud"
  called "gcloud builds submit $CLONE --project=my-project --config=$CLONE/configs/deploy/cloudbuild.yaml"
  called "--service-account=projects/my-project/serviceAccounts/portcullis-builds@my-project.iam.gserviceaccount.com"
  never_called "docker buildx build"
  never_called "configure-docker"
}

@test "without monitoring" {
  in_project MONITORING=none
  deploy gke --yes
  is 0
  never_called "helm upgrade --install monitoring"
  [ "$(grep -c components/monitoring "$STUBS/overlays")" = 0 ]
}

@test "it asks before it applies, and only 'yes' goes on" {
  in_project
  local answer
  for answer in no "" y; do
    deploy gke <<<"$answer"
    is 1
    says "roll out"
    says "nothing was done"
    never_called " apply "
  done
  deploy gke </dev/null
  is 1
  says "nobody answered"
  deploy gke <<<yes
  is 0
}

@test "alone, with a project, it shows the plan and asks" {
  in_project
  deploy <<<no
  is 1
  says "Plan: 73 to add"
  says "Only 'yes' goes on"
  never_called " apply "
  deploy --yes
  is 0
}

@test "alone, without a project, it says what there is" {
  DEPLOY_ENV=()
  deploy
  is 0
  says "./deploy.sh COMMAND"
  [ ! -s "$STUBS/calls" ]
}

@test "a release that a killed run left behind is put right" {
  in_project
  echo kong >"$STUBS/pending"
  deploy gke --yes
  is 0
  in_order "helm rollback kong" "helm upgrade --install kong"
}

@test "a dry run shows every command and calls none" {
  in_project
  deploy gke --dry-run
  is 0
  # Whether Python is new enough is asked first, whatever follows.
  [ "$(grep -vc "^python3 -c " "$STUBS/calls")" = 0 ]
  [ ! -e "$CLONE/.local" ]
  local part
  for part in "gcloud projects describe my-project" testIamPermissions "buckets create" "terraform" "-out=" "apply" \
    "portcullis-backend:" "get-credentials" "secrets versions add" "from Secret Manager" "helm upgrade --install kong" \
    "rollout status" "test-requests.sh" "<terraform output gateway_address>" "Nothing was done"; do
    says "$part"
  done
}

@test "nothing of a killed run is left, and its plan is not applied" {
  in_project
  echo "helm upgrade --install cert-manager" >"$STUBS/hang"
  env -i "PATH=$STUBS/bin" "STUBS=$STUBS" TMPDIR="$BATS_TEST_TMPDIR" "${DEPLOY_ENV[@]}" "$CLONE/deploy.sh" gke --yes \
    >"$STUBS/output" 2>&1 3>&- &
  local pid=$! tries=0
  until grep -q "helm upgrade" "$STUBS/calls"; do sleep 0.05 && [ $((tries += 1)) -lt 400 ]; done
  kill -TERM "$pid"
  wait "$pid" && return 1
  output="$(cat "$STUBS/output")"
  says "interrupted"
  says "stopped at step 10 of 17: install cert manager"
  [ -z "$(find "$BATS_TEST_TMPDIR" -maxdepth 1 -name 'tmp.*')" ]
  : >"$STUBS/hang"
  deploy gke --yes
  is 0
}
