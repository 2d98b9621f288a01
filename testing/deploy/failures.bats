#!/usr/bin/env bats
# Whatever fails, ./deploy.sh gke stops there, says which step it was and how to go on, and goes on.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154  # each test is a subshell, and has its own

load helpers

# stops_at STEP PART: with a call that holds PART failing, it stops at STEP, says so, and begins no later one.
stops_at() {
  in_project
  echo "$2" >"$STUBS/fail"
  deploy gke --yes
  is 1 || is 7
  says "stopped at step"
  says ": $1. No later step was begun."
  says "Then run it again, it goes on from there: PROJECT_ID=my-project ./deploy.sh gke"
  local number
  number="$(sed -n 's/.*stopped at step \([0-9]*\) of.*/\1/p' <<<"$output")"
  never_says "== $((number + 1)) of"
}

# goes_on_after STEP PART: the same, and mended it goes through.
goes_on_after() {
  stops_at "$1" "$2"
  rm "$STUBS/fail"
  deploy gke --yes
  is 0
}

@test "check access: no account" { stops_at "check access" "gcloud auth list"; }
@test "check access: no application default credentials" { stops_at "check access" application-default; }
@test "check access: no project" { stops_at "check access" "projects describe my-project --format=value(lifecycleState)"; }
@test "check access: no permissions to be had" { stops_at "check access" testIamPermissions; }
@test "make state: APIs" { stops_at "make state" "services enable"; }
@test "make state: bucket" { stops_at "make state" "buckets create"; }
@test "make state: versioning" { stops_at "make state" "buckets update"; }
@test "make state: terraform init" { stops_at "make state" " init "; }
@test "show plan" { stops_at "show plan" " plan "; }
@test "apply plan" { goes_on_after "apply plan" " apply "; }
@test "read outputs" { stops_at "read outputs" "output -json"; }
@test "push images: login" { stops_at "push images" configure-docker; }
@test "push images: build" { stops_at "push images" "buildx build"; }
@test "open cluster: credentials" { stops_at "open cluster" get-credentials; }
@test "open cluster: namespaces" { stops_at "open cluster" "--field-manager=deploy.sh-namespaces"; }
@test "put secrets: what cannot be read is not drawn anew" {
  in_project
  deploy gke --yes
  cp -r "$STUBS/secrets" "$STUBS/secrets-before"
  stops_at "put secrets" "versions list"
  stops_at "put secrets" "versions access"
  diff -r "$STUBS/secrets" "$STUBS/secrets-before"
  # Nor is the cluster given what was not read.
  [ "$(grep -c '"data": {"tag-keys.json": ""}' "$STUBS/inputs")" = 0 ]
}
@test "put secrets: write" { stops_at "put secrets" "versions add portcullis-demo-jwt"; }
@test "put secrets: read" { stops_at "put secrets" "versions access latest --secret=portcullis-tag-keys"; }
@test "put secrets: the store's token" { stops_at "put secrets" authTokens; }
@test "put secrets: into the cluster" { goes_on_after "put secrets" "--field-manager=deploy.sh -f -"; }
@test "install cert manager" { stops_at "install cert manager" "helm upgrade --install cert-manager"; }
@test "install monitoring" { stops_at "install monitoring" "helm upgrade --install monitoring"; }
@test "issue certificates: render" { stops_at "issue certificates" "kubectl kustomize"; }
@test "issue certificates: openssl" { stops_at "issue certificates" "openssl req"; }
@test "issue certificates: wait" { stops_at "issue certificates" "kubectl wait"; }
@test "install kong" { stops_at "install kong" "helm upgrade --install kong"; }
# Kong's webhook refuses credentials while there is no Kong: whatever comes before Kong must not need it.
@test "no credential of a tenant is put into the cluster before Kong is there" {
  stops_at "install kong" "helm upgrade --install kong"
  [ "$(grep -c konghq.com/credential "$STUBS/inputs")" = 0 ]
  rm "$STUBS/fail"
  deploy gke --yes
  is 0
  [ "$(grep -c konghq.com/credential "$STUBS/inputs")" = 2 ]
}
@test "apply manifests" { stops_at "apply manifests" manifests.yaml; }
@test "wait for rollout: backend" { stops_at "wait for rollout" deployment/portcullis-backend; }
@test "wait for rollout: Kong" { stops_at "wait for rollout" deployment/kong-kong; }
@test "run smoke tests: the address is silent" { stops_at "run smoke tests" /health; }
@test "run smoke tests: they fail" { goes_on_after "run smoke tests" test-requests.sh; }

@test "a tool that is missing is named" {
  in_project
  rm "$STUBS/bin/helm" "$STUBS/bin/gke-gcloud-auth-plugin"
  deploy gke --yes
  is 1
  says "not installed: gke-gcloud-auth-plugin helm"
  says "stopped at step 1 of 17: check tools"
  never_called gcloud
}

@test "a project that is missing or no project's id is named" {
  DEPLOY_ENV=()
  deploy gke
  is 1
  says "set PROJECT_ID"
  local id
  for id in 123456789 My-Project "a b" 'x$(id)' "my-project-"; do
    DEPLOY_ENV=("PROJECT_ID=$id")
    deploy gke
    is 1
    says "PROJECT_ID is '$id'"
  done
  [ ! -s "$STUBS/calls" ]
}

@test "an overlay that does not exist is named, with those that do" {
  in_project OVERLAY=production
  deploy gke --yes
  is 1
  says "OVERLAY is 'production'; there are: prod"
}

@test "an option that does not exist is named" {
  in_project
  deploy gke --force
  is 1
  says "gke does not take '--force'"
  [ ! -s "$STUBS/calls" ]
}

@test "a project without a billing account stops it" {
  in_project
  echo False >"$STUBS/billing"
  deploy gke --yes
  is 1
  says "has no billing account"
  says "https://console.cloud.google.com/billing/linkedaccount?project=my-project"
  never_called "services enable"
}

@test "a permission that is missing is named" {
  in_project
  echo container.clusters.create >"$STUBS/denied"
  deploy gke --yes
  is 1
  says "someone@example.com lacks in my-project: container.clusters.create"
  never_called "services enable"
}

@test "a command that does not end is ended, and named" {
  in_project
  # The real deadlines are minutes: this one is shortened in the copy.
  sed -i 's/query 60 "<your account>"/query 1 "<your account>"/' "$CLONE/configs/deploy/gke.sh"
  echo "gcloud auth list" >"$STUBS/hang"
  deploy gke --yes
  is 124
  says "\`gcloud auth list\` did not end within 1 s"
  says "stopped at step 2 of 17: check access"
}
