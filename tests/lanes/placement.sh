#!/bin/bash
#
# Places random VMs on random machines (anew, with threads that are anywhere, and after their cpuset has changed) and compares
# each answer with a second implementation, which is written from the specification. Prints what the requests came to.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: placement.sh [--cases N] [--seed N] [--case N]
#
#   --cases N   how many requests (200000); a million takes minutes
#   --seed N    what they're drawn from (another each time)
#   --case N    only the request with this number, of the seed that is given
#
#   tests/lanes/placement.sh --cases 1000000
#
# Exits with 1 if an answer differs; the first request that does is told with its seed and its number. With 77 where the tests
# aren't built.
#--help-end

set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly tests=$repository/artifacts/bin/PinAgent.Tests/release/PinAgent.Tests

export PINAGENT_PLACEMENT_CASES=200000
while (($# > 0)); do
  case $1 in
    --cases | --seed | --case)
      [[ ${2:-} =~ ^[0-9]{1,9}$ ]] || {
        echo "placement.sh: $1: expected a number below a thousand million, found \"${2:-}\"; see --help" >&2
        exit 2
      }
      name=${1#--}
      export "PINAGENT_PLACEMENT_${name^^}=$((10#$2))"
      shift 2
      ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    *)
      echo "placement.sh: unknown \"$1\"; see --help" >&2
      exit 2
      ;;
  esac
done
[[ -z ${PINAGENT_PLACEMENT_CASE:-} || -n ${PINAGENT_PLACEMENT_SEED:-} ]] || {
  echo "placement.sh: --case needs the --seed that it's of" >&2
  exit 2
}
[[ -x $tests ]] || {
  echo "placement.sh: needs the tests: dotnet build tests/PinAgent.Tests -c Release"
  exit 77
}
exec "$tests" -noColor -class '*.Placement.Reference.ScaleTests'
