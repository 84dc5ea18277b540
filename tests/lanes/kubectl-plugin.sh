#!/bin/bash
#
# Tests deploy/kubectl-pinagent. kubectl is a stub here; what the nodes say is what real agents say, about programs that pose
# as QEMUs: nothing of it is written down here, so that an agent that says it otherwise fails this. Where a node has no VM,
# the agent was asked for one that there isn't. Others are dead, hang, or have no running pod.
#
#   n1 an agent that audits   n2 one that pins   n3 dead   n4 no VM, answers only after n7 was asked   n5 hangs if told to
#   n6 Pending   n7 no VM

set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly plugin=$repository/deploy/kubectl-pinagent
readonly bin=$repository/artifacts/bin
AGENT=${PINAGENT:-$bin/PinAgent/release/pinagent}
readonly dummy=${PINAGENT_DUMMY:-$bin/PinAgent.DummyVm/release/PinAgent.DummyVm}
readonly odd="host/odd  name - NotDedicated"
readonly audited=host/plugin-audited pinned=host/plugin-pinned
agents=()
STUB=$(mktemp -d -t pinagent-plugin.XXXXXX)
export AGENT STUB

cleanup() {
  trap - EXIT
  local agent
  for agent in ${agents[@]+"${agents[@]}"}; do kill "$agent" 2>/dev/null || true; done
  # The programs that pose as QEMUs end with their input.
  exec 9>&- || true
  wait
  rm -rf "$STUB"
}
trap cleanup EXIT

fail() {
  cat "$STUB/log" >&2 2>/dev/null || true
  echo "kubectl plugin lane: $*" >&2
  exit 1
}

until_there() {
  local deadline=$((SECONDS + 30))
  until [[ -e $1 ]]; do
    ((SECONDS < deadline)) || fail "$1: still not there after 30 s"
    sleep 0.1
  done
}

# expect CODE ARGUMENTS...: calls the plugin; what it prints, errors too, is in $STUB/log.
expect() {
  local expected=$1 code=0
  shift
  rm -f "$STUB"/asked-*
  timeout 120 "$plugin" --context stub --timeout 10 "$@" >"$STUB/log" 2>&1 || code=$?
  ((code == expected)) || fail "$*: expected exit $expected, found $code"
}

line() { grep -qE -e "$1" "$STUB/log" || fail "expected a line like: $1"; }
no_line() { ! grep -qE -e "$1" "$STUB/log" || fail "expected no line like: $1"; }

nothing_hangs() {
  local deadline=$((SECONDS + 30))
  while kill -0 "$(<"$STUB/hanging")" 2>/dev/null; do
    ((SECONDS < deadline)) || fail "$1: its kubectl still runs"
    sleep 0.1
  done
}

no_folder() { [[ -z $(find "$STUB/tmp" -name "kubectl-pinagent.*") ]] || fail "$1: its folder is still there"; }

mkdir "$STUB/bin" "$STUB/tmp" "$STUB/kept"
export TMPDIR=$STUB/tmp PATH=$STUB/bin:$PATH
cat >"$STUB/bin/kubectl" <<'END'
#!/bin/bash
[[ $1 == --context && $2 == stub && $3 == --namespace ]] || { echo "stub: unexpected options: $*" >&2; exit 1; }
[[ $4 == pinagent ]] || exit 0
shift 4
if [[ $1 == get ]]; then
  for n in n7 n1 n2 n3 n4 n5; do
    [[ $* == *spec.nodeName=* && $* != *"spec.nodeName=$n "* ]] || echo "$n|agent-$n|Running"
  done
  [[ $* == *spec.nodeName=* ]] || echo "n6|agent-n6|Pending"
  exit
fi
pod=$2
shift 6
touch "$STUB/asked-$pod"
how=$1
nothing=()
case $pod in
  agent-n3)
    printf 'error: unable to upgrade connection:\n\tcontainer "pinagent" not \\ found\n' >&2
    exit 1
    ;;
  agent-n5)
    if [[ -e $STUB/hang ]]; then
      echo $$ >"$STUB/pid" && mv "$STUB/pid" "$STUB/hanging"
      exec sleep infinity
    fi
    ;;
  agent-n4) until [[ -e $STUB/asked-agent-n7 ]]; do sleep 0.1; done ;;
esac
on=agent-n1
case $pod in
  agent-n1) ;;
  agent-n2) on=$pod ;;
  *) nothing=(--match "no VM is called so") ;;
esac
case $how in
  status) [[ $* != *--vm* ]] || nothing=(); set -- "$@" ${nothing[@]+"${nothing[@]}"} --socket "$STUB/$on.sock" ;;
  top) set -- "$@" ${nothing[@]+"${nothing[@]}"} --socket "$STUB/$on.sock" ;;
  prove | capacity) set -- "$@" --socket "$STUB/$on.sock" ;;
  explain) set -- "$@" --state-dir "$STUB/$pod.state" ;;
esac
answer() {
  local code=0
  "$AGENT" "$@" || code=$?
  # As kubectl exec does.
  ((code == 0)) || echo "command terminated with exit code $code" >&2
  return "$code"
}
case $pod in
  # What an agent tells of a VM that waited; nobody does here.
  agent-n2) if [[ -e $STUB/slow && $how == status ]]; then answer "$@" | sed "/\"name\": \"plugin-pinned\"/r $STUB/slow"; else answer "$@"; fi ;;
  agent-n1) answer "$@" ;;
  *)
    # The nodes without a VM are alike, so that one of them is asked for all.
    kept=$STUB/kept/$(sed "s/$pod/any/g" <<<"$*" | cksum | tr ' ' -)
    if [[ ! -f $kept.code ]]; then
      code=0
      answer "$@" >"$kept.out.$$" 2>"$kept.err.$$" || code=$?
      echo "$code" >"$kept.code.$$"
      for part in out err code; do mv "$kept.$part.$$" "$kept.$part"; done
    fi
    cat "$kept.out"
    cat "$kept.err" >&2
    exit "$(<"$kept.code")"
    ;;
esac
END
chmod +x "$STUB/bin/kubectl"

# With a folder for each that it hasn't been asked.
mkdir "$STUB/agent-n4.state" "$STUB/agent-n5.state" "$STUB/agent-n7.state"
mkfifo "$STUB/input"
for name in "${odd#host/}" "${audited#host/}" "${pinned#host/}"; do
  "$dummy" -name "guest=$name" -smp 1 --threads 'CPU 0/KVM' <"$STUB/input" >/dev/null &
done
exec 9>"$STUB/input"

# start NODE OPTIONS...: an agent of its own, which is done with its first pass when this returns.
start() {
  local node=$1 deadline=$((SECONDS + 60))
  shift
  "$AGENT" run --standalone --tcp off --socket "$STUB/agent-$node.sock" --state-dir "$STUB/agent-$node.state" "$@" \
    >/dev/null 2>"$STUB/$node.log" 9>&- &
  agents+=($!)
  until "$AGENT" status --probe ready --socket "$STUB/agent-$node.sock" 2>/dev/null; do
    ((SECONDS < deadline)) || { cat "$STUB/$node.log" >&2 && fail "$node's agent isn't ready after 60 s"; }
    sleep 0.1
  done
}

cpu=$(taskset -pc $$ | sed 's/.*: //; s/[-,].*//')
start n1 --mode audit --vm "${audited#host/}=$cpu"
start n2 --mode enforce --vm "${pinned#host/}=$cpu"

# until_line NODE PATTERN: until its agent's own table has such a line.
until_line() {
  local deadline=$((SECONDS + 60))
  until "$AGENT" status --socket "$STUB/agent-$1.sock" 2>/dev/null | grep -qE "$2"; do
    ((SECONDS < deadline)) || fail "$1: no line like $2 after 60 s"
    sleep 0.1
  done
}
until_line n1 "^$audited +[0-9]+ +Waiting +AuditMode "
until_line n1 "^$odd +[0-9]+ +NotDedicated "
until_line n2 "^$pinned +[0-9]+ +Pinned "

touch "$STUB/hang"
expect 1 status
[[ $(head -n 1 "$STUB/log") =~ ^NODE\ +VM\ +STATE\ +REASON\ +CPUS$ ]] || fail "expected the heading first"
line "^n1 +$odd +NotDedicated +NotNamed +[0-9,-]+\$"
line "^n1 +$audited +Waiting +AuditMode +$cpu\$"
line "^n2 +$pinned +Pinned +- +$cpu\$"
line '^n3 +no answer: error: unable to upgrade connection: container "pinagent" not \\ found$'
line '^n4 +- +- +- +-$'
line '^n5 +no answer: given up after 10 s$'
line '^n6 +no answer: its pod agent-n6 is Pending$'
line '^n7 +- '
line '^4 of 7 nodes answer: [0-9]+ VMs, 1 of 2 dedicated ones pinned, [0-9]+ violations$'
[[ $(sed '/^$/q' "$STUB/log" | cut -d ' ' -f 1 | uniq | tr '\n' ' ') == "NODE n1 n2 n3 n4 n5 n6 n7  " ]] || fail "expected the nodes in order"
nothing_hangs status
no_folder status
rm "$STUB/hang" "$STUB/hanging"

# Every sentence of the agent's own table about a violation is there, and no other. It counts processes, so the two may differ
# when they are asked a moment apart: then once more.
deadline=$((SECONDS + 60))
while
  "$AGENT" status --wide --socket "$STUB/agent-n1.sock" | sed -n 's/^violation: /violation on n1: /p' >"$STUB/violations"
  expect 0 status --node n1
  ! grep '^violation on ' "$STUB/log" | diff "$STUB/violations" - >"$STUB/differences"
do
  ((SECONDS < deadline)) || { cat "$STUB/differences" >&2 && fail "expected the violations that the agent tells"; }
done

no_line ' slow '
slow() {
  printf '"slow": {\n  "from": "2026-03-14T09:11:53.5+00:00",\n  "until": %s,\n  "what": "vCPU 0 waited; there ran backup (pid 7)"\n},\n' "$1" >"$STUB/slow"
}
slow null
expect 0 status --node n2
line "^$pinned on n2 is slow since 2026-03-14 09:11:53 UTC: vCPU 0 waited; there ran backup \(pid 7\)\$"
expect 0 status --node n2 -n nowhere
no_line ' slow '
slow "\"$(date -u +%Y-%m-%dT%H:%M:%S)+01:00\""
expect 0 status --node n2
line "^$pinned on n2 was slow until [0-9-]+ [0-9:]+ UTC[+]01:00: vCPU 0 waited; "
# Not for ever.
slow '"2026-03-14T09:12:00+00:00"'
expect 0 status --node n2
no_line ' slow '
rm "$STUB/slow"

expect 1 status --unpinned
line "^n1 +$audited +Waiting "
no_line "^n[0-9] +$odd "
no_line "^n[0-9] +$pinned .*Pinned"
line '^n3 +no answer: '

expect 1 status -n nowhere
no_line '^n[1247] '
expect 1 status -n host
line "^n2 +$pinned +Pinned "

# json FILTER: what is told is JSON, and this Python expression of it, d, holds.
json() {
  python3 -c "
import json, sys
d = json.load(open('$STUB/log'))
assert $1, json.dumps(d)[:3000]" || fail "expected of the JSON: $1"
}
expect 1 status -o json
tr -d '\n ' <"$STUB/log" | grep -qF '"error":"error:unabletoupgradeconnection:container\"pinagent\"not\\found"}' || fail "expected n3's error in JSON"
if command -v python3 >/dev/null; then
  json "len(d) == 7 and [x['node'] for x in d if 'error' in x] == ['n3', 'n6']"
  "$AGENT" status -o json --socket "$STUB/agent-n2.sock" >"$STUB/own"
  # Other guests may come and go on this machine meanwhile.
  json "len({str([(v['pid'], v['state'], v['cpuset']) for v in x['vms'] if 'plugin' in v['name']]) for x in (d[1], json.load(open('$STUB/own')))}) == 1"
  expect 0 status -o json --unpinned --node n1
  json "[v['name'] for v in d[0]['vms']] == ['plugin-audited']"
  expect 0 status -o json -n nowhere --node n1
  json "d[0]['vms'] == [] and 'topology' in d[0]"
  expect 0 top -o json -n host --node n2
  json "[v['vm'] for v in d[0]['vcpus']] == ['$pinned'] and d[0]['seconds'] > 1"
  expect 0 top -o json -n nowhere --node n2
  json "d[0]['vcpus'] == []"
  expect 1 capacity --vcpus 1 -o json
  json "[x['capacity']['fits'] >= 0 for x in d if 'error' not in x] == [True] * 5"
  expect 0 explain "$pinned" -o json --node n2
  json "d[0]['node'] == 'n2' and d[0]['changes'][-1]['name'] == 'plugin-pinned'"
  expect 1 explain host/nobody -o json --node n2
  json "d == []"
  code=0
  "$plugin" --context stub prove "$pinned" --for 1s -o json --node n2 >"$STUB/log" 2>&1 || code=$?
  json "d[0]['proof']['name'] == 'plugin-pinned' and d[0]['proof']['holds'] == ($code == 0)"
fi

expect 0 status --node n1
line "^n1 +$odd "
no_line '^n2'

expect 1 top
[[ $(head -n 1 "$STUB/log") =~ ^NODE\ +VM\ +VCPU\ +CPU\ +WAIT\ %\ +STEAL\ %\ +MOVED\ +WHO\ DISTURBS$ ]] || fail "expected the heading first"
line "^n2 +$pinned +0 +$cpu +[0-9.]+ +"
line '^n3 +no answer: '
line '^2 vCPUs of dedicated VMs on 2 nodes: worst wait [0-9.]+ %, [0-9]+ waited more than 5 %$'
expect 1 top --lines 1 --agents-namespace pinagent
line '; 1 more lines with --lines$'

expect 1 capacity --vcpus 1
[[ $(head -n 1 "$STUB/log") =~ ^NODE\ +FITS\ +RUNS\ OUT\ FIRST\ +FREE\ CPUS$ ]] || fail "expected the heading first"
line '^n1 +[0-9]+ +[a-zA-Z]+ +[0-9]+$'
line '^n3 +no answer: '
line '^note \(n1, n2, n4, n5, n7\): '
line '^[0-9]+ more such VMs fit, on [0-9]+ of 7 nodes; 5 of them answer$'
# More than any machine has.
expect 1 capacity --vcpus 500 --node n1
line '^n1 +0 '
expect 1 capacity --vcpus many --node n1
line '^n1 +no answer: pinagent: --vcpus: '

expect 0 why "$pinned"
line '^== node n1$'
line '^== node n2$'
line "^$pinned \(pid [0-9]+\): Pinned"
expect 0 why "$odd"
line "^$odd \(pid [0-9]+\): NotDedicated, "
line '^  what to do '
no_line '^== node n3'

expect 1 why default/vm1
line '^node n3: no answer: '
line 'no VM default/vm1 '

# n3 didn't answer; n4, n5 and n7 have no record of it, which is no fault.
expect 1 explain "$pinned"
line '^== node n2$'
line 'plugin-pinned'
line '^== node n3$'
line '^error: unable to upgrade connection: '
no_line '^== node n4$'
expect 0 explain "$pinned" --node n2 --since 1h
expect 1 explain host/nobody
line '^node n3: no answer: '
line 'nothing is on record of a VM host/nobody '

code=0
"$plugin" --context stub prove "$pinned" --for 1s >"$STUB/log" 2>&1 || code=$?
((code < 2)) || fail "prove: expected exit 0 or 1, found $code"
line '^== node n2$'
line "^$pinned \(pid [0-9]+\), measured for 1"

# A limit is the agent's: what it says of a wrong one, and of one that it can't measure.
expect 1 prove "$pinned" --for 1s --limit much --node n2
line '^pinagent: .*--limit'
code=0
"$plugin" --context stub prove "$pinned" --for 1s --limit 3600s --node n2 >"$STUB/log" 2>&1 || code=$?
((code < 2)) || fail "prove --limit: expected exit 0 or 1, found $code"
line "^$pinned \(pid [0-9]+\), measured for 1|eBPF|BPF"

expect 1 doctor
line '^== node n1$'
line '^error: unable to upgrade connection: '

expect 3 status --agents-namespace elsewhere
line 'no pod in namespace elsewhere'
expect 2 why vm1
expect 2 status -o yaml
expect 2 stats
expect 2 top --unpinned
expect 2 capacity
expect 2 prove host/x --for 1.5s
expect 2 status --limit 1ms
expect 2 prove host/x --limit
expect 0 --help
line '^  kubectl pinagent why default/vm1$'
[[ -z $(awk 'length > 80' "$STUB/log") ]] || fail "--help: expected no line of more than 80 columns"

touch "$STUB/hang"
"$plugin" --context stub status >"$STUB/log" 2>&1 &
plugin_pid=$!
until_there "$STUB/hanging"
kill "$plugin_pid"
code=0
wait "$plugin_pid" || code=$?
((code == 143)) || fail "SIGTERM: expected exit 143, found $code"
nothing_hangs SIGTERM
no_folder SIGTERM
