#!/bin/bash
#
# Builds PinAgent and runs every test that this machine can run.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: run.sh [--full]
#
#   --full    also the slow lanes: the container image under runc, a real API server and a real kubelet (built once from
#             Debian's source), the checker of the admission policies where it isn't built yet, a real Prometheus that asks
#             every query of dashboard and alerts, the packages in a small Debian, tenants that attack the agent, system calls
#             that fail, a minute of fuzzing, two hundred thousand placements that are answered twice, the benchmarks (only
#             whether they run: benchmarks.sh is for figures), and virtual nodes of 16 CPUs, booted under QEMU's software
#             emulation
#
# Installs what is missing of: qemu-system-x86, chromium, shellcheck, squashfs-tools, util-linux, libvirt-daemon,
# libvirt-clients, zsh, fish, clang-14, debootstrap, rpm, binutils, man-db, golang-go
# with three of its libraries. Prometheus' promtool is only downloaded, as its package would start a server.
# What is downloaded or built once is kept below ${XDG_CACHE_HOME:-~/.cache}/pinagent.
# Ends with what failed, told once more, and one line, "N passed, N failed, N skipped", counted over all lanes; exits with 1
# if anything failed.
# PINAGENT_BLESS=1 rewrites the golden files below tests/fixtures instead of comparing with them.
#--help-end

set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
readonly repository
readonly lanes=$repository/tests/lanes
readonly bin=$repository/artifacts/bin
readonly host_tests=$bin/PinAgent.HostTests/release/PinAgent.HostTests

full=false
passed=0
failed=0
skipped=0
work=
# What is told once more at the end: a log of half an hour may be kept by its end only.
failures=()

say() { echo "== $*"; }

cleanup() {
  trap - EXIT INT TERM
  [[ -z $work ]] || rm -rf "$work"
}

install_missing() {
  local missing=() pair
  for pair in qemu-system-x86_64:qemu-system-x86 chromium:chromium shellcheck:shellcheck mksquashfs:squashfs-tools unshare:util-linux \
    libvirtd:libvirt-daemon virsh:libvirt-clients zsh:zsh fish:fish; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  ((${#missing[@]} > 0)) || return 0
  if ((EUID != 0)); then
    say "not root, so not installed: ${missing[*]}"
    return 0
  fi
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Counts a failure, and keeps its words.
fail() {
  failed=$((failed + 1))
  failures+=("$1")
}

# Runs a lane and counts what it says of itself: the last line like
# "PinAgent.Tests  Total: 21, Errors: 0, Failed: 2, Skipped: 0, Not Run: 0, Time: 1.5s".
xunit_lane() {
  local name=$1 log=$work/lane.log status=0 line
  shift
  say "$name"
  "$@" 2>&1 | tee "$log" || status=$?
  line=$(grep -E 'Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+' "$log" | tail -n 1)
  if [[ ! $line =~ Total:\ ([0-9]+),\ Errors:\ ([0-9]+),\ Failed:\ ([0-9]+),\ Skipped:\ ([0-9]+) ]]; then
    say "$name: no summary, exit $status: counted as a failure"
    fail "$name: no summary, exit $status"$'\n'"$(tail -n 20 "$log")"
    return
  fi
  local total=${BASH_REMATCH[1]} bad=$((BASH_REMATCH[2] + BASH_REMATCH[3])) left_out=${BASH_REMATCH[4]}
  passed=$((passed + total - BASH_REMATCH[3] - left_out))
  failed=$((failed + bad))
  skipped=$((skipped + left_out))
  ((bad == 0)) || failures+=("$name:"$'\n'"$(grep -A 12 -F '[FAIL]' "$log" || true)")
  if ((total - left_out == 0 && bad == 0)) || { ((status != 0)) && ((bad == 0)); }; then
    say "$name: exit $status with $total tests: counted as a failure"
    fail "$name: exit $status with $total tests"
  fi
}

# Runs a lane that is one check.
check_lane() {
  local name=$1 log=$work/lane.log
  shift
  say "$name"
  if "$@" 2>&1 | tee "$log"; then
    passed=$((passed + 1))
  else
    fail "$name"$'\n'"$(tail -n 20 "$log")"
    say "$name: FAILED"
  fi
}

# Runs a lane that is one check, and says with 77 that it can't run here.
optional_lane() {
  local name=$1 status=0 log=$work/lane.log
  shift
  say "$name"
  "$@" 2>&1 | tee "$log" || status=$?
  case $status in
    0) passed=$((passed + 1)) ;;
    77) skip_lane "$name" "it can't run here, as said above" ;;
    *)
      fail "$name"$'\n'"$(tail -n 20 "$log")"
      say "$name: FAILED"
      ;;
  esac
}

# Leaves the path in PROMTOOL, where the fast tests look for it too.
get_promtool() {
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/pinagent/prometheus
  PROMTOOL=$(command -v promtool || echo "$cache/usr/bin/promtool")
  export PROMTOOL
  [[ ! -x $PROMTOOL ]] || return 0
  say "downloading Debian's prometheus, for promtool"
  mkdir -p "$work/prometheus" "$cache"
  (
    cd "$work/prometheus"
    apt-get download -q prometheus || { ((EUID == 0)) && apt-get update -qq && apt-get download -q prometheus; }
    dpkg-deb -x prometheus_*.deb "$cache"
  ) >/dev/null 2>&1
}

check_rules() {
  "$PROMTOOL" check rules "$repository/deploy/monitoring/rules.yaml" &&
    "$PROMTOOL" test rules "$repository/deploy/monitoring/rules-test.yaml"
}

skip_lane() {
  say "$1: SKIPPED: $2"
  skipped=$((skipped + 1))
}

check_scripts() {
  local scripts
  mapfile -t scripts < <(cd "$repository" && grep -rlE '^#!/bin/(ba)?sh' .ci deploy native-interop tests --include='*' --exclude-dir=fixtures)
  scripts+=(tests/lanes/control-plane/binaries.sh tests/lanes/admission-policy/build.sh tests/lanes/debian.sh tests/fixtures/machines/capture.sh tests/fixtures/machines/synthesize.sh
    agent/Cli/Completion/pinagent.bash)
  (cd "$repository" && shellcheck "${scripts[@]}")
}

# What runs in a virtual node: the image's program, which starts fast there, or else the agent as it was built; the tests
# and the .NET runtime of this machine.
pack_node() {
  local sdk
  sdk=$(dirname "$(readlink -f "$(command -v dotnet)")")
  mkdir -p "$1/dotnet/shared"
  cp -r "$sdk/host" "$sdk/dotnet" "$1/dotnet/"
  cp -r "$sdk/shared/Microsoft."{NETCore,AspNetCore}.App "$1/dotnet/shared/"
  cp -r "$bin/PinAgent/release" "$1/agent"
  if "$repository/deploy/image/build.sh" --program "$work/pinagent"; then
    cp "$work/pinagent" "$1/agent/"
  fi
  cp -r "$bin/PinAgent.HostTests/release" "$1/tests"
  cp "$lanes/in-node.sh" "$1/"
}

# node_lane NAME KERNEL CGROUP SECONDS COMMAND...: a lane whose command boots a virtual node.
node_lane() {
  local name="virtual node: $1Linux ${2##*-}, cgroup $3" kernel=$2-cloud-amd64 cgroup=$3 seconds=$4
  shift 4
  # Debian 12 calls its own kernel by no version; newer Debians have no 6.1.
  [[ $kernel != linux-image-6.1-* ]] || ! grep -q '^VERSION_ID="12"' /etc/os-release || kernel=linux-image-cloud-amd64
  if ! apt-cache show "$kernel" >/dev/null 2>&1; then
    skip_lane "$name" "this machine's Debian has no package $kernel"
    return
  fi
  PINAGENT_VNODE_KERNEL=$kernel PINAGENT_VNODE_CGROUP=$cgroup PINAGENT_VNODE_TIMEOUT=$seconds xunit_lane "$name" "$@"
}

for argument in "$@"; do
  case $argument in
    --full) full=true ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    *)
      echo "run.sh: expected --full or --help, found \"$argument\"" >&2
      exit 2
      ;;
  esac
done

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
work=$(mktemp -d -t pinagent-tests.XXXXXX)
command -v dotnet >/dev/null || {
  echo "run.sh: needs the .NET SDK 10 on the path" >&2
  exit 3
}
install_missing

say "build (warnings and formatting are errors)"
dotnet build "$repository/PinAgent.sln" -c Release -nologo -v quiet

if command -v shellcheck >/dev/null; then
  check_lane "scripts: shellcheck" check_scripts
else
  skip_lane "scripts: shellcheck" "no shellcheck here"
fi
if get_promtool; then
  check_lane "alerts: each fires when it should" check_rules
else
  skip_lane "alerts: each fires when it should" "Debian's prometheus can't be downloaded here"
fi
optional_lane "BPF object: what its source gives" "$repository/native-interop/Bpf/objects.sh" --check
xunit_lane "fast tests" "$bin/PinAgent.Tests/release/PinAgent.Tests" -noColor
xunit_lane "real QEMU on this machine" "$host_tests" -noColor -trait- lane=node -trait- lane=cluster -trait- lane=image -trait- lane=kubelet -trait- lane=hostile -trait- lane=faults
if ((EUID == 0)); then
  check_lane "quickstart, to its end and interrupted" "$lanes/quickstart.sh"
else
  skip_lane "quickstart" "needs root"
fi

if $full; then
  xunit_lane "fuzzing: a minute of inputs that are nearly right" "$lanes/fuzz.sh"
else
  skip_lane "fuzzing" "a minute of it only with --full; the fast tests have some of it"
fi

if $full; then
  xunit_lane "placement: two hundred thousand requests, answered twice" "$lanes/placement.sh"
else
  skip_lane "placement at scale" "only with --full; the fast tests have some of it"
fi

check_lane "kubectl plugin: several nodes, a stub for kubectl" "$lanes/kubectl-plugin.sh"
optional_lane "systemd unit: systemd-analyze" "$lanes/systemd-unit.sh"
# Building the checker is slow; with one in the cache the lane takes seconds.
cached=(--no-build)
! $full || cached=()
optional_lane "admission policies: the API server's own library" "$lanes/admission-policy.sh" "${cached[@]}"
optional_lane "manifests: the schemas of the API" "$lanes/manifests.sh"
optional_lane "workflows: actionlint" "$lanes/workflows.sh"
optional_lane "Helm chart: the same objects as the manifests" "$lanes/helm-chart.sh"

if ! $full; then
  skip_lane "image under runc" "only with --full"
else
  status=0
  "$lanes/image.sh" true || status=$?
  case $status in
    0) xunit_lane "image under runc" "$lanes/image.sh" "$host_tests" -noColor -trait lane=image ;;
    77) skip_lane "image under runc" "it can't run here, as said above" ;;
    *)
      fail "image under runc"
      say "image under runc: FAILED"
      ;;
  esac
fi

if ! $full; then
  skip_lane "real API server" "only with --full"
elif ((EUID != 0)); then
  skip_lane "real API server" "needs root"
elif ! "$lanes/control-plane.sh" build; then
  skip_lane "real API server" "neither had nor built here, as said above"
else
  xunit_lane "real API server" "$lanes/control-plane.sh" run -- "$host_tests" -noColor -trait lane=cluster
fi

if ! $full; then
  skip_lane "real kubelet" "only with --full"
elif ((EUID != 0)); then
  skip_lane "real kubelet" "needs root"
elif ! command -v qemu-system-x86_64 >/dev/null; then
  skip_lane "real kubelet" "needs qemu-system-x86"
elif ! "$lanes/control-plane.sh" build --controllers; then
  skip_lane "real kubelet" "neither had nor built here, as said above"
elif ! "$repository/deploy/image/build.sh" --output "$work/pinagent.tar"; then
  skip_lane "real kubelet" "the agent's image can't be built here, as said above"
else
  PINAGENT_TEST_IMAGES=$work/pinagent.tar xunit_lane "real kubelet" \
    "$lanes/control-plane.sh" run --controllers -- "$lanes/kubelet-agent.sh" 127.0.0.1 \
    "$lanes/kubelet-node.sh" run -- "$host_tests" -noColor -trait lane=kubelet
  PINAGENT_TEST_IMAGES=$work/pinagent.tar PINAGENT_TEST_KUBELET_CERT_DIR=keys xunit_lane "real kubelet, its keys elsewhere" \
    "$lanes/control-plane.sh" run --controllers -- "$lanes/kubelet-agent.sh" 127.0.0.1 \
    "$lanes/kubelet-node.sh" run -- "$host_tests" -noColor -trait lane=kubelet -method '*gives_them_back'
fi

if ! $full; then
  skip_lane "hostile tenants" "only with --full"
elif ((EUID != 0)); then
  skip_lane "hostile tenants" "needs root"
elif [[ ! -d /sys/fs/cgroup/cpuset ]]; then
  skip_lane "hostile tenants" "needs cgroup v1"
else
  xunit_lane "hostile tenants, within the manifest's limits" "$lanes/hostile-tenants.sh"
fi

if ! $full; then
  skip_lane "packages: installed, upgraded, purged" "only with --full"
else
  optional_lane "packages: installed, upgraded, purged" "$lanes/packages.sh"
fi

if ! $full; then
  skip_lane "faults: system calls that fail" "only with --full"
elif ((EUID != 0)); then
  skip_lane "faults: system calls that fail" "needs root"
else
  # The same faults each time: what fails here is the change's. By hand they are others.
  xunit_lane "faults: system calls that fail" "$lanes/faults.sh" --seed 41102128
fi

if ! $full; then
  skip_lane "Prometheus: every query has data" "only with --full"
else
  # Its quantiles need two passes over the whole node, of which one that rests makes one a minute.
  optional_lane "Prometheus: every query has data" "$lanes/prometheus.sh"
fi

if $full; then
  optional_lane "benchmarks: each yields a figure" "$repository/tests/benchmarks.sh" --quick
else
  skip_lane "benchmarks: each yields a figure" "only with --full"
fi

if ! $full; then
  skip_lane "virtual nodes" "only with --full"
elif ! command -v qemu-system-x86_64 >/dev/null || ! command -v mksquashfs >/dev/null; then
  skip_lane "virtual nodes" "needs qemu-system-x86 and squashfs-tools"
else
  pack_node "$work/node"
  apt-cache show linux-image-cloud-amd64 >/dev/null 2>&1 || apt-get update -qq
  # Linux before 6.2 resets a thread's mask when its cpuset is written, later ones keep it; from 6.12 there's no v1 cpuset.
  for node in "linux-image-6.1 v2" "linux-image-6.1 v1" "linux-image-6.12 v2"; do
    # shellcheck disable=SC2086
    node_lane "" $node 900 "$lanes/virtual-node.sh" "$work/node" in-node.sh
  done
  if [[ ! -f $work/pinagent.tar ]]; then
    skip_lane "virtual node: real kubelet" "needs what the lane of the real kubelet needs"
  else
    node_lane "real kubelet, " linux-image-6.1 v2 1800 \
      "$lanes/control-plane.sh" run --controllers -- "$lanes/kubelet-agent.sh" 10.0.2.2 \
      "$lanes/kubelet-virtual-node.sh" "$work/node" "$work/pinagent.tar"
  fi
fi

for failure in "${failures[@]}"; do
  say "FAILED: $failure"
done
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
