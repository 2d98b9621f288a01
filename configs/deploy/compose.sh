#!/usr/bin/env bash
# In containers on this machine, with a real Kong: compose.yaml.

# compose [WORDS]: what `docker compose` takes; alone, everything up and a token.
compose() {
  command -v docker >/dev/null 2>&1 || die "docker is not installed; ./deploy.sh local needs none"
  docker compose version >/dev/null 2>&1 || die "docker has no compose; install its plugin (2.24 or newer)"
  cd "$ROOT" || exit
  [ $# = 0 ] || exec docker compose "$@"
  docker compose up --detach --build --wait --wait-timeout 600 kong ||
    die "it did not come up; ./deploy.sh compose logs says why, and running it again goes on"
  say "Portcullis runs at http://127.0.0.1:8000; ./deploy.sh compose down ends it. A token for 7 days:"
  docker compose run --rm --no-deps setup portcullis token
}
