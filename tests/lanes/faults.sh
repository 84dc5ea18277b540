#!/bin/bash
#
# Makes the system calls of a running agent fail, one in a few, and kills it at any of them, while real guests come and go.
# The agent is the native program, as it ships. Prints the seed and how many calls have failed.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: faults.sh [--rounds N] [--seed N] [FILTER...]
#
#   --rounds N   how often each test goes through what it does (3: some hundreds of faults)
#   --seed N     what the calls are drawn from (another each time)
#   FILTER       passed on to the tests' runner: -method '*killed*'
#
# PINAGENT_BIN   another program than the one that deploy/image/build.sh makes, or has made before
#
#   tests/lanes/faults.sh --rounds 100
#
# Exits with 1 if a pin was lost, a stranger's thread touched or the agent ended; with 77 if this machine can't run the lane,
# and says why.
#
# Needs root, QEMU, and the tests as tests/run.sh builds them. Installs strace if it's missing.
#--help-end

set -euo pipefail

readonly CANNOT_RUN=77

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly tests=$repository/artifacts/bin/PinAgent.HostTests/release/PinAgent.HostTests

work=

cannot() {
  echo "faults.sh: $*"
  exit "$CANNOT_RUN"
}

while (($# > 0)); do
  case $1 in
    --rounds | --seed)
      [[ ${2:-} =~ ^[0-9]+$ ]] || {
        echo "faults.sh: $1: expected a number, found \"${2:-}\"; see --help" >&2
        exit 2
      }
      name=${1#--}
      export "PINAGENT_FAULTS_${name^^}=$2"
      shift 2
      ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    *) break ;;
  esac
done
((EUID == 0)) || cannot "needs root"
[[ -x $tests ]] || cannot "needs the tests: dotnet build tests/PinAgent.HostTests -c Release"

trap '[[ -z $work ]] || rm -rf "$work"' EXIT
work=$(mktemp -d -t pinagent-faults.XXXXXX)
if ! command -v strace >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends strace >/dev/null || cannot "can't install strace"
fi
if [[ -z ${PINAGENT_BIN:-} ]]; then
  "$repository/deploy/image/build.sh" --program "$work/pinagent"
  export PINAGENT_BIN=$work/pinagent
fi
TMPDIR=$work "$tests" -noColor -trait lane=faults "$@"
