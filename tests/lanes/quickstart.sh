#!/bin/bash
#
# Tests deploy/quickstart.sh as a user meets it: --once shows all of it, ends well and leaves nothing behind; Ctrl-C at any of
# its steps leaves nothing behind either.

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
  left=$(compgen -G "${TMPDIR:-/tmp}/pinagent-quickstart-$1.*" || true)
  [[ -z $left ]] || fail "left behind: $left"
  left=$(find /sys/fs/cgroup -maxdepth 2 -type d -name "quickstart-$1")
  [[ -z $left ]] || fail "left behind: $left"
  # The guest, its neighbour and the agent, by the folder that each of them names.
  left=$(grep -lzE "guest=quickstart-$1,debug|pinagent-quickstart-$1\." /proc/[0-9]*/cmdline 2>/dev/null || true)
  [[ -z $left ]] || fail "left running: $left"
}

bash "$quickstart" --once >"$log" 2>&1 &
started=$!
wait "$started" || fail "--once: expected exit 0, found $?"
grep -q '^quickstart: checked with the kernel' "$log" || fail "--once: the check's line is missing"
grep -q '^pinning is spoiled: vCPU 0 isn.t pinned' "$log" || fail "--once: before, pinagent prove doesn't say that vCPU 0 isn't pinned"
[[ $(grep -c ', measured for ' "$log") -eq 2 ]] || fail "--once: expected two proofs"
grep -qE 'INFO host/quickstart-[0-9]+ .* pinned within CPUs' "$log" || fail "--once: the agent doesn't say that it pinned the guest"
grep -qE 'repaired vcpu 0 \([0-9]+\) from [0-9]+ to [0-9]+: ' "$log" || fail "--once: nobody put vCPU 0 back"
grep -q "who it was this kernel doesn't tell" "$log" || grep -qE 'repaired vcpu 0 .*taskset \(pid [0-9]+' "$log" ||
  fail "--once: it isn't told who moved vCPU 0"
grep -qE '^1 drift since' "$log" || fail "--once: the history doesn't tell of the taskset"
grep -qE '^quickstart: 5\. the page of this node: http://127\.0\.0\.1:[0-9]+/$' "$log" || fail "--once: no page's address"
assert_nothing_left "$started"
echo "quickstart lane: --once took $SECONDS s, with building"

# A signal, and the line after which it comes.
stops=(
  'INT 1. a guest of'
  'INT 2. before'
  'TERM pinned within CPUs'
  'INT stays pinned until Ctrl-C'
)
for stop in "${stops[@]}"; do
  signal=${stop%% *} text=${stop#* }
  # A shell starts background jobs with SIGINT ignored, which a script can't undo; env can.
  env --default-signal=INT bash "$quickstart" >"$work/output" 2>&1 &
  started=$!
  : >"$log"
  exec 3<"$work/output"
  while read -r -t 120 -u 3 line; do
    echo "$line" >>"$log"
    [[ $line != *"$text"* ]] || break
  done
  [[ ${line:-} == *"$text"* ]] || fail "no line with: $text"
  kill -"$signal" "$started"
  status=0
  wait "$started" || status=$?
  ((status == 130 || status == 143)) || fail "SIG$signal: expected exit 130 or 143, found $status"
  exec 3<&-
  assert_nothing_left "$started"
  echo "quickstart lane: SIG$signal after \"$text\": nothing is left"
done
