#!/bin/bash
# Runs in a virtual node: makes it a node of the cluster in /test/cluster, and runs the tests that need a kubelet.
set -euo pipefail

modprobe virtio_net
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2 # a kubelet takes the address of this route's interface
: >/etc/resolv.conf
hostname node1

export PINAGENT_TEST_CONTROL_PLANE_DIR=/test/cluster PINAGENT_TEST_ADMIN_KUBECONFIG=/test/cluster/admin.kubeconfig
export PINAGENT_TEST_NODE_PACK=/test/pack PINAGENT_TEST_IMAGES=/test/pinagent.tar
export DOTNET_ROOT=/test/dotnet PINAGENT_BIN=/test/agent/pinagent
exec /test/kubelet-node.sh run -- /test/tests/PinAgent.HostTests -noColor -trait lane=kubelet
