#!/bin/bash
#
# Renders deploy/base and every overlay, and checks each object, and those of deploy/admission, against the API's schemas;
# and that the Prometheus Operator gets the alerts of deploy/monitoring.
# Needs a kubectl of 1.21 or later, node and npm. Exits with 77, and says why, if it can't run here.

set -euo pipefail

readonly CANNOT_RUN=77

deploy=$(cd "$(dirname "$0")/../../deploy" && pwd)
readonly deploy

work=$(mktemp -d -t pinagent-manifests.XXXXXX)
trap 'rm -rf "$work"' EXIT

cannot() {
  echo "manifests.sh: $*"
  exit "$CANNOT_RUN"
}

command -v kubectl >/dev/null || cannot "needs a kubectl, to render with"
command -v npm >/dev/null || cannot "needs node and npm"
! kubectl version --client 2>/dev/null | grep -qE 'v1\.(1?[0-9]|20)\.' || cannot "needs a kubectl of 1.21 or later"

cp "$(dirname "$0")/manifests/validate.mjs" "$work/"
(cd "$work" && npm install --silent --no-audit --no-fund --no-save --no-package-lock --ignore-scripts \
  kubernetes-models@5.1.0 @kubernetes-models/prometheus-operator@6.0.0 yaml@2.9.1) || cannot "npm can't install the schemas"

mkdir "$work/rendered"
kubectl kustomize "$deploy/base" >"$work/rendered/base.yaml"
for overlay in "$deploy"/overlays/*/; do
  kubectl kustomize "$overlay" >"$work/rendered/$(basename "$overlay").yaml"
done
node "$work/validate.mjs" "$work"/rendered/*.yaml "$deploy"/admission/*.yaml "$deploy"/annotate-pods/*.yaml
diff <(sed -n '/^groups:/,$p' "$deploy/monitoring/rules.yaml" | sed 's/^\(.\)/  \1/') \
  <(sed '1,/^spec:/d' "$deploy/overlays/prometheus/rules.yaml") ||
  { echo "deploy/overlays/prometheus/rules.yaml: expected the rules of deploy/monitoring/rules.yaml, as in the difference above" && exit 1; }
