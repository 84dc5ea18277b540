#!/bin/bash
#
# Installs the agent into the cluster of control-plane.sh run, as deploy/base has it, and then runs a command.
#
# Usage: control-plane.sh run --controllers -- kubelet-agent.sh HOST COMMAND [ARGS...]
#
#   HOST  the API server's address, seen from the node

set -euo pipefail

lanes=$(dirname "$(readlink -f "$0")")
readonly lanes
readonly cluster=$PINAGENT_TEST_CONTROL_PLANE_DIR
host=$1
shift

work=$(mktemp -d -t pinagent-agent.XXXXXX)
trap 'rm -rf "$work"' EXIT
cp -r "$lanes/kubelet-agent/." "$work/"
cp -r "$lanes/../../deploy/base" "$work/base"
sed -i "s/@HOST@/$host/; s/@PORT@/$(<"$cluster/port")/" "$work/patch.yaml"
"$cluster/bin/kubectl" --kubeconfig "$PINAGENT_TEST_ADMIN_KUBECONFIG" --cache-dir "$cluster/kubectl-cache" \
  apply -k "$work" >&2
rm -rf "$work"
exec "$@"
