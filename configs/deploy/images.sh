#!/usr/bin/env bash
# The two images: built once for each state of the sources, and named by digest from there on.
# shellcheck disable=SC2034,SC2153  # the parts share their variables

declare -A DIGEST

push_images() {
  HINT="the build's own words stand above; BUILDER=cloud builds without a Docker here"
  REGISTRY="$(cloud_registry)"
  cloud_registry_login
  push_image portcullis-backend backend-service/Dockerfile
  push_image portcullis-kong kong-plugins/Dockerfile
}

# push_image NAME DOCKERFILE: sets DIGEST[NAME]. What the registry has under this tag is not built again.
push_image() {
  local image="$REGISTRY/$1:$IMAGE_TAG" digest
  digest="$(cloud_digest "$image")"
  if [ -n "$digest" ]; then
    say "  $1:$IMAGE_TAG is there already"
  else
    "build_by_$BUILDER" "$image" "$2"
    digest="$(cloud_digest "$image")"
  fi
  [ "$DRY_RUN" = false ] || digest="<digest of $1>"
  [[ "$digest" =~ ^(sha256:[0-9a-f]{64}|\<.*\>)$ ]] || die "$image is not in the registry after it was pushed"
  DIGEST[$1]="$digest"
  done_now "$1@$digest"
}

build_by_docker() {
  run 3600 docker buildx build --platform "${PLATFORM:-linux/amd64}" --provenance=true --push --progress=plain \
    --file "$ROOT/$2" --tag "$1" "$ROOT"
}

build_by_cloud() {
  cloud_build "$1" "$2"
}

# What is built is what lies here: with changes that are not committed, the tag says so and is another one each time.
default_image_tag() {
  local version commit
  version="$(sed -n 's/^version = "\(.*\)"$/\1/p' "$ROOT/backend-service/pyproject.toml" | head -n 1)"
  if ! commit="$(git -C "$ROOT" rev-parse --short=12 HEAD 2>/dev/null)"; then
    echo "$version-$(hash_of_sources)"
  elif [ -n "$(git -C "$ROOT" status --porcelain -- backend-service kong-plugins configs)" ]; then
    echo "$version-$commit-$(hash_of_sources)"
  else
    echo "$version-$commit"
  fi
}

hash_of_sources() {
  (cd "$ROOT" && find backend-service kong-plugins configs -type f -not -path '*/__pycache__/*' -not -path '*.egg-info/*' \
    -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)
}
