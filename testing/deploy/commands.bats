#!/usr/bin/env bats
# What comes after a rollout: status, verify, rollback, destroy; and the other places to run it.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154  # each test is a subshell, and has its own

load helpers

# As if a deployment with this tag and these images had been.
rolled_out() {
  mkdir -p "$CLONE/.local/gke/my-project"
  printf '2026-01-01T00:00:00Z %s sha256:%s sha256:%s\n' "$@" >>"$CLONE/.local/gke/my-project/releases"
}

deployed() {
  in_project
  mkdir -p "$STUBS/secrets/portcullis-demo-jwt"
  printf '{"key": "demo", "algorithm": "HS256", "secret": "the-secret-of-demo"}' >"$STUBS/secrets/portcullis-demo-jwt/1"
  : >"$STUBS/tls"
}

@test "status shows what runs, and changes nothing" {
  deployed
  deploy status
  is 0
  called "kubectl get deployments"
  called "helm list"
  says "https://203.0.113.7/health answers"
  never_called " apply"
  touch "$STUBS/silent"
  deploy status
  says "does not answer"
}

@test "status without a project is about this machine" {
  DEPLOY_ENV=()
  mkdir -p "$CLONE/.local/run"
  echo '{"url": "http://127.0.0.1:8000"}' >"$CLONE/.local/run/8000.json"
  deploy status
  is 0
  says "http://127.0.0.1:8000"
  [ ! -s "$STUBS/calls" ]
}

@test "verify runs the smoke tests with a token that nobody sees" {
  deployed
  deploy verify
  is 0
  says "41 passed"
  called "test-requests.sh --token-file"
  never_says "the-secret-of-demo"
  never_called "the-secret-of-demo"
  echo test-requests.sh >"$STUBS/fail"
  deploy verify
  is 7
  says "stopped at step 2 of 2: run smoke tests"
}

@test "verify takes another tenant" {
  deployed
  in_project TENANT=clinic
  deploy verify
  [ "$status" != 0 ]
  called "versions access latest --secret=portcullis-clinic-jwt"
}

@test "rollback goes back with what the last rollout changed, and verifies" {
  deployed
  rolled_out 1 aa kk
  rolled_out 2 bb kk
  deploy rollback --yes
  is 0
  in_order "rollout undo deployment/portcullis-backend --namespace=portcullis" "rollout status" "test-requests.sh"
  never_called "undo deployment/kong-kong"
  [ "$(tail -n 1 "$CLONE/.local/gke/my-project/releases" | cut -d' ' -f2)" = 1 ]
}

@test "rollback goes back with both where nobody knows" {
  deployed
  deploy rollback --yes
  is 0
  called "rollout undo deployment/portcullis-backend"
  called "rollout undo deployment/kong-kong"
}

@test "rollback asks, and says when there is nothing to go back to" {
  deployed
  rolled_out 1 aa kk
  deploy rollback --yes
  is 1
  says "there was no rollout before"
  rolled_out 2 bb ll
  deploy rollback <<<no
  is 1
  never_called "rollout undo"
}

@test "destroy wants the project's id typed, whatever --yes says" {
  deployed
  local answer
  for answer in yes "" other-project; do
    deploy destroy --yes --unprotect <<<"$answer"
    is 1
    says "nothing was done"
  done
  [ ! -s "$STUBS/calls" ] || never_called terraform
}

@test "destroy begins nothing while the deployment is protected" {
  deployed
  deploy destroy <<<my-project
  is 1
  says "destroy --unprotect"
  never_called "helm uninstall"
  never_called "kubectl delete"
  never_called terraform
}

@test "destroy --unprotect empties the cluster, lifts the protection, and takes everything away" {
  deployed
  deploy destroy --unprotect <<<my-project
  is 0
  # While an API that the adapter serves does not answer, no namespace would end.
  in_order "helm uninstall kong" "helm uninstall prometheus-adapter" "kubectl delete namespace kong portcullis monitoring" \
    "-var=deletion_protection=false" "plan -destroy" "apply -input=false -lock-timeout=120s"
}

@test "destroy goes on where the cluster is gone already" {
  deployed
  echo get-credentials >"$STUBS/fail"
  deploy destroy --unprotect <<<my-project
  is 0
  says "cannot be reached"
  called "plan -destroy"
}

@test "eks does the same on AWS" {
  mkdir -p "$CLONE/terraform/aws" "$CLONE/configs/kubernetes/overlays/eks"
  touch "$CLONE/configs/kubernetes/overlays/eks/kustomization.yaml"
  cp "$BATS_TEST_DIRNAME/stubs/outputs-aws.json" "$STUBS/outputs.json"
  ln -s stub "$STUBS/bin/aws"
  mkdir -p "$STUBS/secrets/portcullis/redis-auth"
  printf 'token-of-elasticache' >"$STUBS/secrets/portcullis/redis-auth/1"
  DEPLOY_ENV=(AWS_ACCOUNT_ID=123456789012 PATIENCE_S=0 OPENAI_API_KEY=sk-from-the-environment)
  deploy eks --yes
  is 0
  in_order "aws sts get-caller-identity" "aws s3api create-bucket" "put-bucket-versioning" "terraform -chdir=$CLONE/terraform/aws" \
    "docker login --username AWS --password-stdin" "buildx build" "aws eks update-kubeconfig" \
    "aws secretsmanager put-secret-value --secret-id=portcullis/tag-keys" "helm upgrade --install kong" "rollout status"
  grep -q 'eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/portcullis-backend"' "$STUBS/overlays"
  local what
  for what in calls seen overlays; do
    ! grep -E "sk-from-the-environment|token-of-elasticache|password-of-the-registry" "$STUBS/$what" || return 1
  done
  grep -q token-of-elasticache <(base64 -d <<<"$(grep -o '"password": "[^"]*"' "$STUBS/inputs" | cut -d'"' -f4)")
  deploy status eks
  is 0
}

@test "eks refuses another account than the one that was named" {
  mkdir -p "$CLONE/terraform/aws" "$CLONE/configs/kubernetes/overlays/eks"
  ln -s stub "$STUBS/bin/aws"
  DEPLOY_ENV=(AWS_ACCOUNT_ID=999999999999)
  deploy eks --yes
  is 1
  says "you are signed on to account 123456789012, not to 999999999999"
}

@test "compose brings everything up and prints a token" {
  DEPLOY_ENV=()
  deploy compose
  is 0
  in_order "docker compose up --detach --build --wait" "docker compose run --rm --no-deps setup portcullis token"
  deploy compose down
  called "docker compose down"
}
