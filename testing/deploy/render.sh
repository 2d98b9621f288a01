#!/usr/bin/env bash
# render.sh CLOUD OVERLAY FOLDER: what deploy.sh lays over an overlay for one project, as kubectl renders it.
# shellcheck disable=SC2034,SC2154  # what deploy.sh has read by then
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
for part in common local compose checks terraform images secrets cluster after destroy "$1"; do
  # shellcheck source=configs/deploy/common.sh
  . "$ROOT/configs/deploy/$part.sh"
done

OVERLAY="$2" STATE="$3" PROJECT=my-project PROJECT_ID=my-project REGION=us-central1
OVERLAY_FOLDER="$STATE/overlay" WORK="$STATE/work" REGISTRY=registry.example.com/portcullis
SECRET_VERSIONS="tag-keys:1 redis:2" CLUSTER_SETTINGS=(GOOGLE_CLOUD_PROJECT=my-project)
OUT[backend_service_account]=backend@my-project.iam.gserviceaccount.com
OUT[backend_role_arn]=arn:aws:iam::123456789012:role/portcullis-backend
DIGEST[portcullis-backend]="sha256:$(printf 'a%.0s' {1..64})"
mkdir -p "$WORK"
render_manifests
cat "$MANIFESTS"
