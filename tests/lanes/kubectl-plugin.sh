#!/bin/bash
#
# Tests deploy/kubectl-pinagent. kubectl is a stub here, and so are the nodes, but for one: there a real agent answers,
# about a program that poses as a QEMU. Others have no VM, answer late, are dead, hang, or have no running pod.
#
#   n1 the real agent   n2 no VM   n3 dead   n4 answers only after n7 was asked   n5 hangs if told to   n6 Pending   n7 no VM

set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly plugin=$repository/deploy/kubectl-pinagent
readonly bin=$repository/artifacts/bin
AGENT=${PINAGENT:-$bin/PinAgent/release/pinagent}
readonly dummy=${PINAGENT_DUMMY:-$bin/PinAgent.DummyVm/release/PinAgent.DummyVm}
readonly vm="host/odd  name - NotDedicated"
agent_pid=
STUB=$(mktemp -d -t pinagent-plugin.XXXXXX)
export AGENT STUB

cleanup() {
  trap - EXIT
  [[ -z $agent_pid ]] || kill "$agent_pid" 2>/dev/null || true
  # The program that poses as a QEMU ends with its input.
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

mkdir "$STUB/bin" "$STUB/tmp"
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
case $pod in
  agent-n1)
    case $1 in
      status) exec "$AGENT" "$@" --socket "$STUB/agent.sock" ;;
      *) exec "$AGENT" "$@" ;;
    esac
    ;;
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
if [[ $* == *json* ]]; then echo '{"node":"stub","vms":[]}'; else printf 'node stub, mode enforce\n\nNo QEMU process found.\n'; fi
END
chmod +x "$STUB/bin/kubectl"

mkfifo "$STUB/input"
"$dummy" -name "guest=${vm#host/}" -smp 1 --threads 'CPU 0/KVM' <"$STUB/input" >/dev/null &
exec 9>"$STUB/input"
"$AGENT" run --standalone --mode audit --tcp off --socket "$STUB/agent.sock" --state-dir "$STUB/state" >/dev/null 2>&1 9>&- &
agent_pid=$!
until_there "$STUB/agent.sock"
deadline=$((SECONDS + 30))
until "$AGENT" status --socket "$STUB/agent.sock" 2>/dev/null | grep -q "^$vm "; do
  ((SECONDS < deadline)) || fail "the real agent doesn't see the VM after 30 s"
  sleep 0.1
done

touch "$STUB/hang"
expect 1 status
[[ $(head -n 1 "$STUB/log") =~ ^NODE\ +VM\ +STATE\ +REASON\ +CPUS$ ]] || fail "expected the heading first"
line "^n1 +$vm +NotDedicated +[A-Za-z]+ +[0-9,-]+\$"
line '^n2 +- +- +- +-$'
line '^n3 +no answer: error: unable to upgrade connection: container "pinagent" not \\ found$'
line '^n4 +- +- +- +-$'
line '^n5 +no answer: given up after 10 s$'
line '^n6 +no answer: its pod agent-n6 is Pending$'
line '^n7 +- '
[[ $(cut -d ' ' -f 1 "$STUB/log" | uniq | tr '\n' ' ') == "NODE n1 n2 n3 n4 n5 n6 n7 " ]] || fail "expected the nodes in order"
nothing_hangs status
no_folder status
rm "$STUB/hang" "$STUB/hanging"

expect 1 status -o json
tr -d '\n ' <"$STUB/log" | grep -qF '"error":"error:unabletoupgradeconnection:container\"pinagent\"not\\found"}' || fail "expected n3's error in JSON"

expect 0 status --node n1
line "^n1 +$vm "
no_line '^n2'

expect 0 why "$vm"
line '^== node n1$'
line "^$vm \(pid [0-9]+\): NotDedicated, "
line '^  what to do '
no_line '^== node n2'

expect 1 why default/vm1
line '^node n3: no answer: '
line 'no VM default/vm1 '

expect 1 doctor
line '^== node n1$'
line '^error: unable to upgrade connection: '

expect 3 status -n elsewhere
line 'no pod in namespace elsewhere'
expect 2 why vm1
expect 2 status -o yaml
expect 2 stats
expect 0 --help
line '^  kubectl pinagent why default/vm1$'

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
