#!/bin/bash
#
# Checks deploy/systemd/pinagent.service with systemd's own tools: it's understood, and not more open than it was. It isn't
# started: that takes a machine that systemd has booted. Exits with 77 if there is no systemd-analyze.

set -euo pipefail

# Of 100; what is left is what the agent needs: root, all processes, two capabilities, loopback and netlink.
readonly MOST_OPEN=23

unit=$(cd "$(dirname "$0")/../../deploy/systemd" && pwd)/pinagent.service
readonly unit

if ! command -v systemd-analyze >/dev/null; then
  echo "systemd-unit.sh: no systemd-analyze here"
  exit 77
fi
work=$(mktemp -d -t pinagent-unit.XXXXXX)
trap 'rm -rf "$work"' EXIT

fail() {
  cat "$work/log"
  echo "systemd unit lane: $*" >&2
  exit 1
}

# The agent isn't installed here, another program is.
sed 's|^ExecStart=/usr/local/bin/pinagent |ExecStart=/bin/sh |' "$unit" >"$work/pinagent.service"
systemd-analyze verify --man=no "$work/pinagent.service" >"$work/log" 2>&1 || fail "systemd-analyze verify: exit $?"
# It says so and exits with 0 all the same.
[[ ! -s $work/log ]] || fail "systemd-analyze verify has something to say"
systemd-analyze security --offline=yes --no-pager --threshold="$MOST_OPEN" "$work/pinagent.service" >"$work/log" 2>&1 ||
  fail "systemd-analyze security: expected at most $MOST_OPEN of 100"
