#!/usr/bin/env bash
# What CHANGELOG.md says of one version, for its release; none is an error.
#   .github/release-notes.sh 0.1.0
set -euo pipefail

version="${1:?the version, such as 0.1.0}"
changelog="$(dirname "${BASH_SOURCE[0]}")/../CHANGELOG.md"
notes="$(awk -v heading="## $version" '
  /^## / { inside = ($0 == heading || index($0, heading " ") == 1); next }
  inside
' "$changelog" | sed -e '/./,$!d')"
[ -n "$notes" ] || { echo "CHANGELOG.md has no section \"## $version\"" >&2; exit 1; }
printf '%s\n' "$notes"
