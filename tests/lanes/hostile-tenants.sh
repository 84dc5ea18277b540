#!/bin/bash
#
# Attacks the agent with real programs of a user without rights, beside a real guest whose threads are moved by hand, and
# prints a table of what was measured. The agent is the native program, as it ships, in cgroups with the limits of
# deploy/base/daemonset.yaml; the attackers have a fifth of a CPU.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: hostile-tenants.sh [FILTER...]
#
#   FILTER   passed on to the tests' runner: -method '*4_MB*'
#
# PINAGENT_BIN           another program than the one that deploy/image/build.sh makes, or has made before
# PINAGENT_TEST_TENANT   the attackers' user (65534)
#
# Exits with 1 if a bound was missed, with 77 if this machine can't run the lane, and says why.
#
# Needs root, cgroup v1, QEMU, and the tests as tests/run.sh builds them. Installs gcc if it's missing. Takes five minutes.
#--help-end

set -euo pipefail

readonly CANNOT_RUN=77

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly tests=$repository/artifacts/bin/PinAgent.HostTests/release/PinAgent.HostTests
readonly hierarchies=(cpu cpuacct memory cpuset)

work=
runner=

cannot() {
  echo "hostile-tenants.sh: $*"
  exit "$CANNOT_RUN"
}

pids_in() { find "$1" -name cgroup.procs -exec cat {} +; }

# What the tests couldn't end themselves, as they were killed: whoever is in their cgroups, and these.
cleanup() {
  trap - EXIT INT TERM
  local hierarchy folder
  [[ -n $work ]] || return 0
  # First of all: they would go on and start others.
  [[ -z $runner ]] || kill -KILL "$runner" 2>/dev/null || true
  for hierarchy in "${hierarchies[@]}"; do
    folder=/sys/fs/cgroup/$hierarchy/$PINAGENT_TEST_GROUP
    [[ -d $folder ]] || continue
    # Who is short of CPU time takes long to die.
    find "$folder" -name cpu.cfs_quota_us -exec sh -c 'echo -1 >"$1"' sh {} \;
    while [[ -n $(pids_in "$folder") ]]; do
      pids_in "$folder" | xargs -r kill -KILL 2>/dev/null || true
    done
    find "$folder" -depth -type d -exec rmdir {} +
  done
  rm -rf "$work"
}

case ${1:-} in
  -h | --help)
    sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
    exit 0
    ;;
esac
((EUID == 0)) || cannot "needs root"
[[ -d /sys/fs/cgroup/cpuset ]] || cannot "needs cgroup v1"
[[ -x $tests ]] || cannot "needs the tests: dotnet build tests/PinAgent.HostTests -c Release"

export PINAGENT_TEST_GROUP=pinagent-hostile-$$
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
work=$(mktemp -d -t pinagent-hostile.XXXXXX)
# The attackers' programs are in there, too.
chmod 0755 "$work"
if ! command -v gcc >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null || cannot "can't install gcc"
fi
if [[ -z ${PINAGENT_BIN:-} ]]; then
  "$repository/deploy/image/build.sh" --program "$work/pinagent"
  export PINAGENT_BIN=$work/pinagent
fi
# In the background, so that a signal to this script isn't held up.
TMPDIR=$work "$tests" -noColor -trait lane=hostile "$@" &
runner=$!
wait "$runner"
