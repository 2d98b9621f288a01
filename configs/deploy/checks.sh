#!/usr/bin/env bash
# What has to be there before anything is begun.
# shellcheck disable=SC2034,SC2153  # the parts share their variables

# check_tools: every program that a later step needs, named in one line when it is missing.
check_tools() {
  local tool missing=()
  for tool in $(cloud_tools) kubectl helm terraform openssl curl timeout base64; do
    command -v "$tool" >/dev/null 2>&1 || missing+=("$tool")
  done
  choose_builder
  HINT="diagrams/GCP-Gateway-Architecture-Guide.md says what is needed"
  if [ ${#missing[@]} != 0 ]; then
    [ "$DRY_RUN" = true ] || die "not installed: ${missing[*]}"
    say "  not installed here: ${missing[*]}"
  fi
  [ -d "$TERRAFORM" ] || die "there is no folder ${TERRAFORM#"$ROOT"/}"
  [ -d "$ROOT/configs/kubernetes/overlays/$OVERLAY" ] ||
    die "OVERLAY is '$OVERLAY'; there are: $(cd "$ROOT/configs/kubernetes/overlays" && echo *)"
}

# Docker where it runs here, else the cloud's own builder.
choose_builder() {
  case "${BUILDER:-}" in
    docker | cloud) ;;
    "") if probe 20 docker buildx version && probe 20 docker info; then BUILDER=docker; else BUILDER=cloud; fi ;;
    *) die "BUILDER is docker or cloud, not '$BUILDER'" ;;
  esac
  done_now "images are built by: $BUILDER"
}

check_access() {
  cloud_check_access
}
