# shellcheck shell=sh
# Before squid is told to end: new tunnels still come until everybody knows, then those that run end by themselves.
# A stream lasts 600 s at most.
sleep 10
left=600
while [ "$left" -gt 0 ] && grep -q ':0C38 [0-9A-F]*:[0-9A-F]* 01 ' /proc/net/tcp /proc/net/tcp6; do
  sleep 2
  left=$((left - 2))
done
