#!/usr/bin/env bash
# A copy of what deploy.sh reads, in a folder with a space, with stubs for every program that reaches outside.
# shellcheck disable=SC2034,SC2154  # bats sets status and output

REPOSITORY="$(cd "$BATS_TEST_DIRNAME/../.." && pwd)"
TOOLS=(awk base64 bash cat cp cut date dirname env find grep head id mkdir mktemp mv realpath rm sed sha256sum sleep
  sort tail timeout touch tr xargs)
STUBBED=(gcloud gke-gcloud-auth-plugin kubectl helm terraform docker curl python3 openssl)

setup() { prepare "$BATS_TEST_TMPDIR"; }

# prepare FOLDER: the copy, and the memory of the stubs.
prepare() {
  export CLONE="$1/a clone" STUBS="$1/stubs"
  mkdir -p "$CLONE/configs/kubernetes/overlays/prod" "$CLONE/configs/kong" "$CLONE/terraform/gcp" "$CLONE/testing" \
    "$CLONE/backend-service" "$CLONE/kong-plugins" "$STUBS/bin" "$STUBS/images" "$STUBS/secrets" "$STUBS/real"
  cp "$REPOSITORY/deploy.sh" "$CLONE/"
  cp -r "$REPOSITORY/configs/deploy" "$REPOSITORY/configs/gateway" "$CLONE/configs/"
  cp "$REPOSITORY/backend-service/pyproject.toml" "$CLONE/backend-service/"
  cp "$REPOSITORY/testing/deploy/stubs/stub" "$STUBS/bin/"
  local tool
  for tool in "${STUBBED[@]}"; do ln -s stub "$STUBS/bin/$tool"; done
  ln -s "$STUBS/bin/stub" "$CLONE/testing/test-requests.sh"
  for tool in "${TOOLS[@]}"; do ln -s "$(command -v "$tool")" "$STUBS/bin/$tool"; done
  "${PORTCULLIS_PYTHON:-python3}" -c 'import sys; print(sys.executable)' >"$STUBS/real/python3"
  command -v openssl >"$STUBS/real/openssl"
  cp "$BATS_TEST_DIRNAME/stubs/outputs.json" "$BATS_TEST_DIRNAME/stubs/manifests.yaml" "$STUBS/"
  printf 'redis-token-that-google-drew' >"$STUBS/redis-token"
  touch "$CLONE/configs/kubernetes/overlays/prod/kustomization.yaml"
  # Terraform puts that one there.
  mkdir "$STUBS/secrets/portcullis-redis-ca"
  printf -- '-----BEGIN CERTIFICATE-----\n' >"$STUBS/secrets/portcullis-redis-ca/1"
  touch "$STUBS/calls" "$STUBS/seen" "$STUBS/inputs"
}

# deploy ARGUMENTS...: with nothing of this machine's environment but what the test exports as DEPLOY_ENV.
deploy() {
  run env -i "PATH=$STUBS/bin" HOME=/nonexistent LC_ALL=C "STUBS=$STUBS" "${DEPLOY_ENV[@]}" "$CLONE/deploy.sh" "$@"
}

in_project() { DEPLOY_ENV=(PROJECT_ID=my-project PATIENCE_S=0 "$@"); }

says() {
  [[ "$output" == *"$1"* ]] || { echo "it does not say: $1" && echo "$output" && return 1; }
}

never_says() {
  [[ "$output" != *"$1"* ]] || { echo "it says: $1" && echo "$output" && return 1; }
}

called() {
  grep -qF -- "$1" "$STUBS/calls" || { echo "not called: $1" && cat "$STUBS/calls" && return 1; }
}

never_called() {
  ! grep -F -- "$1" "$STUBS/calls"
}

# in_order PART...: calls that hold these parts came one after the other.
in_order() {
  local part rest
  rest="$(cat "$STUBS/calls")"
  for part in "$@"; do
    [[ "$rest" == *"$part"* ]] || { echo "not called, or too early: $part" && cat "$STUBS/calls" && return 1; }
    rest="${rest#*"$part"}"
  done
}

is() { [ "$status" = "$1" ] || { echo "status $status: $output" && return 1; }; }
