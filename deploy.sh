#!/usr/bin/env bash
# Portcullis: an AI gateway that knows what may leave the building.
#
# Everything that brings it up, by name; `main` is the table of contents. What a person should read goes to standard
# error; standard output is for what a program would read.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
for part in common local compose checks terraform images secrets cluster after destroy; do
  # shellcheck source=configs/deploy/common.sh
  . "$ROOT/configs/deploy/$part.sh"
done

main() {
  case "${1:-}" in
    local) run_local "${@:2}" ;;
    stop) run_local stop "${@:2}" ;;
    check) portcullis check "${@:2}" ;;
    token) portcullis token "${@:2}" ;;
    setup) setup "${2:-product}" ;;
    compose) compose "${@:2}" ;;
    gke | eks)
      begin "$@"
      use_cloud "$1"
      steps check_tools check_access make_state show_plan apply_plan read_outputs push_images open_cluster put_secrets \
        install_cert_manager install_monitoring issue_certificates install_kong apply_manifests wait_for_rollout \
        run_smoke_tests print_summary
      ;;
    status)
      in_cloud "$@" || { show_local && return; }
      begin "$@"
      use_cloud "$CLOUD"
      steps reach_cluster show_status
      ;;
    verify)
      in_cloud "$@" || { verify_here "${@:2}" && return; }
      begin "$@"
      use_cloud "$CLOUD"
      steps reach_cluster run_smoke_tests
      ;;
    rollback)
      begin "$@"
      use_cloud "$CLOUD"
      steps choose_rollback reach_cluster roll_back wait_for_rollback run_smoke_tests
      ;;
    destroy)
      begin "$@"
      use_cloud "$CLOUD"
      steps confirm_destruction open_state empty_cluster plan_destruction destroy_resources
      ;;
    "") if [ -n "${PROJECT_ID:-}" ]; then main gke; else usage; fi ;;
    help | -h | --help) usage ;;
    -*) if [ -n "${PROJECT_ID:-}" ]; then main gke "$@"; else die "there is no option '$1'; ./deploy.sh alone lists the commands"; fi ;;
    *) die "there is no command '$1'; ./deploy.sh alone lists them" ;;
  esac
}

usage() {
  cat <<'TEXT'
./deploy.sh COMMAND

On this machine
  local     set everything up, start edge, backend and simulators here, print a token and a curl that works
              --port N       the gateway's port (default 8000; 0 for any); its management port is the next one
              --detach       go on in the background; prints one JSON line when ready
              --no-limits    no rate limits, for load tests
              --simulate     ask no real provider, whatever credentials the environment holds
  local stop  end what runs here (--port N: only that one); `stop` does the same
  compose   in containers, with a real Kong; more words go to `docker compose`
  check     say whether configs/gateway/gateway.yaml is good and what it means
  token     make a token: --tenant --subject --tier --scope --floor --life (see token --help)
  setup     only make the virtual environment (.venv); `setup tests` with what the tests need

In a cloud: export PROJECT_ID=my-project (gke), or sign on to AWS (eks)
  gke       Terraform, images, secrets, Kong, manifests, smoke tests; run again, it goes on where it stopped.
            It shows the plan and asks; alone, with PROJECT_ID set, ./deploy.sh does the same
  eks       the same on AWS
              --yes          do not ask, for automation
              --dry-run      only show every command
  status    what runs, and whether it answers
  verify    the smoke tests against it (testing/test-requests.sh)
  rollback  back to what ran before the last rollout
  destroy   take everything away; asks for the project's id, and wants --unprotect, which lifts deletion protection

  REGION, CLUSTER_NAME, DOMAIN, CLUSTER_MODE, OVERLAY, ALERT_EMAIL, IMAGE_TAG, TF_STATE_BUCKET, TENANT, BUILDER:
  see .env.example. status, verify, rollback and destroy take `eks` for what is on AWS.

Tests: ./testing/run.sh
TEXT
}

# in_cloud COMMAND [OPTIONS]: whether it is about a cloud, or this machine.
in_cloud() {
  [ -n "${PROJECT_ID:-}" ] || [[ " ${*:2} " =~ " eks " ]]
}

main "$@"
