#!/bin/bash
#
# Tests deploy/quickstart.sh as a user meets it: --once ends well and leaves nothing behind; without it the agent stays
# until Ctrl-C, and then nothing is left behind either.

set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly quickstart=$repository/deploy/quickstart.sh
started=
work=$(mktemp -d -t pinagent-quickstart.XXXXXX)
readonly log=$work/log
mkfifo "$work/output"

cleanup() {
  [[ -z $started ]] || kill "$started" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

fail() {
  cat "$log"
  echo "quickstart lane: $*" >&2
  exit 1
}

# What a quickstart makes is named after its process id.
assert_nothing_left() {
  local left
  left=$(find /sys/fs/cgroup -maxdepth 2 -type d -name "quickstart-$1")
  [[ -z $left ]] || fail "left behind: $left"
  left=$(grep -lz "guest=quickstart-$1,debug" /proc/[0-9]*/cmdline 2>/dev/null || true)
  [[ -z $left ]] || fail "left running: $left"
}

bash "$quickstart" --once >"$log" 2>&1 &
started=$!
wait "$started" || fail "--once: expected exit 0, found $?"
grep -q '^quickstart: checked with the kernel' "$log" || fail "--once: the check's line is missing"
grep -qE '^host/quickstart-[0-9]+ +[0-9]+ +Pinned ' "$log" || fail "--once: no pinned VM in the table"
assert_nothing_left "$started"

for signal in INT TERM; do
  # A shell starts background jobs with SIGINT ignored, which a script can't undo; env can.
  env --default-signal=INT bash "$quickstart" >"$work/output" 2>&1 &
  started=$!
  : >"$log"
  exec 3<"$work/output"
  while read -r -t 120 -u 3 line; do
    echo "$line" >>"$log"
    [[ $line != *"pinned within CPUs"* ]] || break
  done
  [[ ${line:-} == *"pinned within CPUs"* ]] || fail "the agent never said that it pinned the guest"
  kill -"$signal" "$started"
  status=0
  wait "$started" || status=$?
  ((status == 130 || status == 143)) || fail "SIG$signal: expected exit 130 or 143, found $status"
  exec 3<&-
  assert_nothing_left "$started"
done
