#!/bin/bash
#
# Gives every parser of bytes that others write (processes' files, command lines, checkpoints, the API server's messages, settings,
# state, what the kernel sends) inputs that are nearly right. Prints how many each has read, and what the worst has cost.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: fuzz.sh [--seconds N] [--seed N] [FILTER...]
#
#   --seconds N   how long altogether (60)
#   --seed N      what the inputs are drawn from (another each time)
#   FILTER        passed on to the tests' runner
#
#   tests/lanes/fuzz.sh --seconds 3600
#
# Exits with 1 if one threw what it doesn't promise, took more of a CPU or of memory than its input is worth, or read back another
# thing than it had written; the seed, the number and the bytes of the input are told. With 77 where the tests aren't built.
#--help-end

set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly tests=$repository/artifacts/bin/PinAgent.Tests/release/PinAgent.Tests

export PINAGENT_FUZZ_SECONDS=60
while (($# > 0)); do
  case $1 in
    --seconds | --seed)
      [[ ${2:-} =~ ^[0-9]+$ ]] || {
        echo "fuzz.sh: $1: expected a number, found \"${2:-}\"; see --help" >&2
        exit 2
      }
      name=${1#--}
      export "PINAGENT_FUZZ_${name^^}=$2"
      shift 2
      ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    *) break ;;
  esac
done
[[ -x $tests ]] || {
  echo "fuzz.sh: needs the tests: dotnet build tests/PinAgent.Tests -c Release"
  exit 77
}
exec "$tests" -noColor -class '*.FuzzTests' "$@"
