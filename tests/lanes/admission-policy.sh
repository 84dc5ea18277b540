#!/bin/bash
#
# Compiles and evaluates the policies of deploy/admission with the API server's own library: on the objects of
# tests/fixtures/validate, on requests, and on VMIs of which KubeVirt's own verdict is recorded.
# Usage: admission-policy.sh [--no-build]
#
#   --no-build  only with a checker that is in the cache, ${XDG_CACHE_HOME:-~/.cache}/pinagent/admission-policy: the
#               first build takes ten minutes
#
# Exits with 77, and says why, if the checker can't be had. It fails by the policies' verdicts only.

set -euo pipefail

readonly CANNOT_RUN=77

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly here=$repository/tests/lanes/admission-policy

checker= # the program
build=   # folder of a build that is under way
builder= # its process group

say() { echo "admission-policy.sh: $*"; }

cannot() {
  say "$*"
  exit "$CANNOT_RUN"
}

cleanup() {
  trap - EXIT INT TERM
  if [ -n "$builder" ]; then kill -- "-$builder" 2>/dev/null || true; fi
  if [ -n "$build" ]; then rm -rf "$build"; fi
}

# shellcheck source=/dev/null
. "$here/build.sh"

may_build=true
case ${1:-} in
  --no-build) may_build=false ;;
  '') ;;
  *)
    echo "admission-policy.sh: expected --no-build or nothing, found \"$1\"" >&2
    exit 2
    ;;
esac

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for tool in apt-get dpkg-deb; do
  command -v "$tool" >/dev/null || cannot "needs $tool: the checker is built out of Debian's packages"
done
find_checker "$may_build"

status=0
check() { "$checker" "$@" || status=1; }

readonly policy=$repository/deploy/admission/policy.yaml
readonly schemas=$here/kubevirt-schemas.yaml
check "$policy" "$schemas" fixtures "$repository/tests/fixtures/validate"
check "$policy" "$schemas" requests "$here/requests.yaml"
check "$policy" "$schemas" requests "$here/quantities.yaml"
check "$policy" "$schemas" recorded "$repository/tests/fixtures/real/admission.jsonl.gz"
check "$repository/deploy/admission/agent-policy.yaml" "$schemas" requests "$here/agent-requests.yaml"

# The mistake that an imitation of the library once took for right: a function called as a method.
if sed 's/sign(variables.cpuLimit)/variables.cpuLimit.sign()/' "$policy" | "$checker" /dev/stdin >/dev/null; then
  say "expected a policy with variables.cpuLimit.sign() not to compile"
  status=1
fi
[ "$status" = 0 ]
