#!/bin/bash
#
# Runs the tests that need a kubelet in a virtual node of 16 CPUs, which joins the cluster of control-plane.sh run.
#
# Usage: control-plane.sh run --controllers -- kubelet-agent.sh 10.0.2.2 kubelet-virtual-node.sh FOLDER IMAGE
#
#   FOLDER  what run.sh packs for virtual nodes: dotnet/, agent/, tests/
#   IMAGE   the agent's, as deploy/image/build.sh makes it

set -euo pipefail

lanes=$(dirname "$(readlink -f "$0")")
readonly lanes
readonly cluster=$PINAGENT_TEST_CONTROL_PLANE_DIR

folder=$(mktemp -d -t pinagent-kubelet.XXXXXX)
trap 'rm -rf "$folder"' EXIT

# Links are enough: the node gets a copy, and nothing is written.
cp -al "$1/." "$folder/"
cp "$lanes"/kubelet-{node,in-node}.sh "$folder/"
cp "$2" "$folder/pinagent.tar"
"$lanes/kubelet-node.sh" pack "$folder/pack"
mkdir -p "$folder"/cluster/{bin,pki}
cp -L "$cluster/bin/kubelet" "$folder/cluster/bin/"
cp "$cluster/pki/ca.crt" "$folder/cluster/pki/"
cp "$cluster/port" "$folder/cluster/"
for user in admin kubelet; do
  sed 's#https://127.0.0.1:#https://10.0.2.2:#' "$cluster/$user.kubeconfig" >"$folder/cluster/$user.kubeconfig"
done

# In the background, for a trap waits for what is in the foreground.
PINAGENT_VNODE_NETWORK=1 "$lanes/virtual-node.sh" "$folder" kubelet-in-node.sh &
node=$!
trap 'kill "$node"; wait "$node"; exit 143' INT TERM
wait "$node"
