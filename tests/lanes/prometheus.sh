#!/bin/bash
#
# Every query of the dashboard and of the alert rules, asked of a real Prometheus that scrapes two real agents with guests:
# one that pins, and has a VM that can't be pinned and one whose CPUs are another's too; and one that only audits. Of an
# alert's expression every selector is asked, since the whole of it has data only while it fires.
#
# Needs Prometheus with its promtool (PROMTOOL; tests/run.sh downloads them) and python3; says with 77 that they are missing.
# The guests are real QEMUs where there is one, else programs that pose as them. Loopback only, on ports that are free.

set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly bin=$repository/artifacts/bin
readonly agent=${PINAGENT:-$bin/PinAgent/release/pinagent}
readonly dummy=${PINAGENT_DUMMY:-$bin/PinAgent.DummyVm/release/PinAgent.DummyVm}
promtool=${PROMTOOL:-$(command -v promtool || true)}
started=()
work=$(mktemp -d -t pinagent-prometheus.XXXXXX)

cleanup() {
  trap - EXIT
  local one
  for one in ${started[@]+"${started[@]}"}; do kill "$one" 2>/dev/null || true; done
  # The programs that pose as QEMUs end with their input.
  exec 9>&- || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT

fail() {
  echo "prometheus lane: $*" >&2
  tail -n 5 "$work"/*.log >&2 || true
  exit 1
}

# wait_for WHAT SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local what=$1 deadline=$((SECONDS + $2))
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || fail "$what: not so in time"
    sleep 0.2
  done
}

[[ -n $promtool && -x ${promtool%/*}/prometheus ]] || { echo "needs Prometheus, and its promtool in PROMTOOL" && exit 77; }
command -v python3 >/dev/null || { echo "needs python3" && exit 77; }

# guest NAME VCPUS
mkfifo "$work/input"
guest() {
  if command -v qemu-system-x86_64 >/dev/null; then
    # Nothing to boot: the firmware looks around and halts.
    qemu-system-x86_64 -name "guest=$1,debug-threads=on" -machine pc -accel tcg,thread=multi -smp "$2" -m 32 -nodefaults \
      -display none >"$work/$1.log" 2>&1 9>&- &
    started+=($!)
  else
    local threads="CPU 0/KVM"
    (($2 == 1)) || threads+=",CPU 1/KVM"
    "$dummy" -name "guest=$1" -smp "$2" --threads "$threads" <"$work/input" >/dev/null 9>&- &
  fi
}
exec 9<>"$work/input"
guest prom-fits 1
guest prom-too-many 2
guest prom-other 1

# The kubelet that isn't here says whose the CPUs of a node are: none of those that the VMs have.
mkdir -p "$work/kubelet"
printf '{"policyName":"static","defaultCpuSet":"%s","entries":{},"checksum":0}' "$(</sys/devices/system/cpu/online)" \
  >"$work/kubelet/cpu_manager_state"

# start NAME OPTIONS...
start() {
  local name=$1
  shift
  "$agent" run --standalone --tcp 127.0.0.1:0 --socket "$work/$name.sock" --state-dir "$work/$name" "$@" \
    >/dev/null 2>"$work/$name.log" 9>&- &
  started+=($!)
}
first=$(taskset -pc $$ | sed 's/.*: //; s/[-,].*//')
start pins --mode enforce --vm-metrics --vm "prom-fits=$first" --vm "prom-too-many=$first" --vm "prom-other=$first" \
  --kubelet-root "$work/kubelet"
start audits --mode audit --vm-metrics --vm "prom-fits=$first"

# Whether an agent listens and sees its guests.
sees() {
  "$agent" status --socket "$work/$1.sock" -o json >"$work/status" 2>/dev/null &&
    grep -q '"name": "prom-fits"' "$work/status" && grep -q '"role": "vcpu"' "$work/status"
}
port_of() { sed -n 's|.*http://127\.0\.0\.1:\([0-9]*\).*|\1|p' "$work/$1.log" | head -n 1; }
for name in pins audits; do wait_for "$name sees its guest" 60 sees "$name"; done

cat >"$work/prometheus.yml" <<END
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [$repository/deploy/monitoring/rules.yaml]
scrape_configs:
  - job_name: pinagent
    static_configs:
      - {targets: ["127.0.0.1:$(port_of pins)"], labels: {node: pins}}
      - {targets: ["127.0.0.1:$(port_of audits)"], labels: {node: audits}}
END
"${promtool%/*}/prometheus" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
  --web.listen-address=127.0.0.1:0 >/dev/null 2>"$work/prometheus.log" 9>&- &
started+=($!)
address() { sed -n 's|.*msg="Listening on".* address=\(127\.0\.0\.1:[0-9]*\).*|\1|p' "$work/prometheus.log" | head -n 1; }
listens() { [[ -n $(address) ]]; }
wait_for "Prometheus listens" 60 listens

python3 - "http://$(address)" "$repository/deploy/monitoring" <<'END' || fail "not every query has data, as said above"
import json, re, sys, time, urllib.parse, urllib.request

address, folder = sys.argv[1:]

# What no agent outside a cluster tells, and what isn't the agent's.
CLUSTER = {'pinagent_node_label_wrong', 'pinagent_api_sync', 'kube_node_labels'}
# Only where the kernel tells who sets masks (--events), and somebody did.
UNTOLD = {'pinagent_foreign_masks_by_writer_total'}


def ask(path, **parameters):
    question = f'{address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}'
    with urllib.request.urlopen(question, timeout=30) as answer:
        return json.load(answer)['data']


def has_data(query):
    # NaN is a quantile of nothing.
    return any(one['value'][1] != 'NaN' for one in ask('query', query=query)['result'])


dashboard = json.load(open(f'{folder}/dashboard.json'))
queries = {}
for panel in dashboard['panels']:
    for target in panel['targets']:
        queries[target['expr'].replace('$node', '.*')] = f"panel \"{panel['title']}\""
rules = [rule for group in ask('rules')['groups'] for rule in group['rules']]
assert len(rules) > 15, f'{len(rules)} rules'
for rule in rules:
    # The metrics' names, each with its labels and range: what the rule is made of.
    for selector in re.findall(r'\b(?:pinagent_\w+|up|kube_node_labels)(?:\{[^}]*\})?', rule['query']):
        queries.setdefault(selector, f"alert {rule['name']}")

left_out = {query for query in queries if any(name in query for name in CLUSTER | UNTOLD)}
missing = set(queries) - left_out
deadline = time.monotonic() + 180
while missing and time.monotonic() < deadline:
    missing = {query for query in missing if not has_data(query)}
    time.sleep(0.5)
for query in sorted(missing):
    print(f'no data for {queries[query]}: {query}')
for query in sorted(left_out):
    # Each parses and is evaluated all the same.
    ask('query', query=query)
unhealthy = []
while time.monotonic() < deadline:
    rules = [rule for group in ask('rules')['groups'] for rule in group['rules']]
    unhealthy = [rule for rule in rules if rule['health'] != 'ok']
    if not unhealthy:
        break
    time.sleep(0.5)
for rule in unhealthy:
    print(f"alert {rule['name']}: {rule['health']} {rule.get('lastError', '')}")
names = sorted({name for query in left_out for name in CLUSTER | UNTOLD if name in query})
print(f'{len(queries) - len(left_out)} queries have data; {len(left_out)} not asked for data: {", ".join(names)}')
sys.exit(1 if missing or unhealthy else 0)
END
