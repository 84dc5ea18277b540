#!/bin/bash
#
# Evaluates the expressions of deploy/admission/policy.yaml on the objects of tests/fixtures/validate, and those of
# agent-policy.yaml on changes of a node.
# Needs node and npm: there is no evaluator of CEL for .NET. Exits with 77 if npm can't install the one for node.

set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository

command -v npm >/dev/null || {
  echo "admission-policy.sh: needs node and npm"
  exit 77
}
work=$(mktemp -d -t pinagent-policy.XXXXXX)
trap 'rm -rf "$work"' EXIT

cp "$repository"/tests/lanes/admission-policy/*.mjs "$work/"
(cd "$work" && npm install --silent --no-audit --no-fund --no-save --no-package-lock @bufbuild/cel@0.6.1 yaml@2.9.1) || exit 77
node "$work/evaluate.mjs" "$repository/deploy/admission/policy.yaml" "$repository/tests/fixtures/validate"
node "$work/agent.mjs" "$repository/deploy/admission/agent-policy.yaml"
