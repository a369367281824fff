#!/bin/sh
# Runs a command where only loopback exists and writes to the file NO_ROUTES how many packets found no way out: an
# attempt that fails in silence is counted all the same.
# usage: unshare -rn loopback.sh COMMAND [ARG ...]
set -u
ip link set lo up || exit 125
"$@"
code=$?
awk '/^Ip: / { if (!n) { for (i = 1; i <= NF; i++) if ($i == "OutNoRoutes") n = i } else print $n }
  /^Ip6OutNoRoutes/ { print $2 }' /proc/net/snmp /proc/net/snmp6 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }' >"$NO_ROUTES"
exit "$code"
