#!/usr/bin/env bash
# Becomes a container's process, on a root that nobody can write to. In a mount namespace of its own:
#   container.sh USER NAME GROUP GROUPS HOSTS PROGRAM [SOURCE TARGET ro|rw]... -- COMMAND...
# USER is a number that has NAME there; PROGRAM is a file that anybody may run there, wherever it is.
set -euo pipefail

user="$1" name="$2" group="$3" groups="$4" hosts="$5" program="$6"
shift 6
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work /mnt/new
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/new
printf '%s\n' "$hosts" >/mnt/new/etc/hosts
printf '%s:x:%s:%s::/nonexistent:/bin/false\n' root 0 0 "$name" "$user" "$group" >/mnt/new/etc/passwd
while program="$(dirname "$program")" && [ "$program" != / ]; do chmod a+x "/mnt/new$program"; done
mount --rbind /dev /mnt/new/dev
mount --rbind /proc /mnt/new/proc
while [ "$1" != -- ]; do
  # As seen from there: /var/run leads to /run.
  chroot /mnt/new mkdir -p "$2"
  target="/mnt/new$(chroot /mnt/new realpath "$2")"
  mount --bind "$1" "$target"
  [ "$3" = rw ] || mount -o remount,bind,ro "$target"
  shift 3
done
shift
mount -o remount,bind,ro /mnt/new
exec chroot /mnt/new setpriv --reuid "$user" --regid "$group" --groups "$groups" --no-new-privs \
  --inh-caps=-all --bounding-set=-all "$@"
