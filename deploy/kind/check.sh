#!/bin/bash
#
# Checks PinAgent end to end on the cluster that kubectl talks to: a VirtualMachineInstance and its Guaranteed pod, with a
# real, paused QEMU, as KubeVirt makes them. The kubelet has to give it CPUs, the agent has to pin each vCPU to one of
# them, as the kernel says, and to label the node.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: check.sh [--vcpus N] [--image IMAGE]
#
#   --vcpus N        how many vCPUs, and CPUs of its own, the VM has (default: 2)
#   --image IMAGE    with qemu-system-x86_64 and sh, on the node already (default: localhost/vm:1)
#
# Example: deploy/kind/check.sh --vcpus 2
#
# Needs kubectl, the kinds of KubeVirt, its feature gate CPUManager, the agent's DaemonSet, and a kubelet with the static
# CPU manager policy. Leaves nothing behind.
# Exits with 0; 1 if something isn't as it should be; 2 if the call is wrong.
#--help-end

set -euo pipefail

readonly SECONDS_EACH=180
readonly vm=pinagent-check-$$
readonly pod=virt-launcher-$vm

vcpus=2
image=localhost/vm:1

say() { echo "check: $*"; }

cleanup() {
  trap - EXIT INT TERM
  kubectl -n default delete pod "$pod" --ignore-not-found --grace-period=1 >/dev/null || true
  kubectl -n default delete virtualmachineinstance "$vm" --ignore-not-found >/dev/null || true
}

fail() {
  echo "check: $*" >&2
  kubectl -n default describe pod "$pod" >&2 || true
  kubectl -n pinagent logs -l app.kubernetes.io/name=pinagent --tail=20 >&2 || true
  exit 1
}

# holds WHAT COMMAND...: waits until the command succeeds.
holds() {
  local what=$1 deadline=$((SECONDS + SECONDS_EACH))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || fail "not so after $SECONDS_EACH s: $what"
    sleep 0.5
  done
  say "$what"
}

create() {
  local uid
  uid=$(
    kubectl create -o 'jsonpath={.metadata.uid}' -f - <<END
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata: {name: $vm, namespace: default}
spec:
  domain:
    cpu: {dedicatedCpuPlacement: true, sockets: $vcpus}
    memory: {guest: 32Mi}
END
  )
  kubectl create -f - >/dev/null <<END
apiVersion: v1
kind: Pod
metadata:
  name: $pod
  namespace: default
  labels: {kubevirt.io: virt-launcher, kubevirt.io/created-by: "$uid"}
  ownerReferences:
  - {apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, name: $vm, uid: "$uid", controller: true}
spec:
  # QEMU has no network card here, and needs no network of the pod's.
  hostNetwork: true
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers:
  - name: compute
    image: $image
    imagePullPolicy: Never
    command: [qemu-system-x86_64, -accel, "tcg,thread=multi", -S, -smp, "$vcpus,sockets=$vcpus", -m, "32",
      -name, "guest=default_$vm,debug-threads=on", -nodefaults, -display, none]
    resources: {limits: {cpu: "$vcpus", memory: 256Mi}}
END
}

is_pinned() {
  kubectl -n pinagent exec "$agent" -- pinagent status --vm "default/$vm" | grep -qE '^default/[^ ]+ \(pid [0-9]+\): Pinned$'
}

is_unknown() { ! kubectl -n pinagent exec "$agent" -- pinagent status | grep -q "^default/$vm "; }

is_labelled() {
  [[ $(kubectl get node "$node" -o 'jsonpath={.metadata.labels.cpumanager} {.metadata.labels.kubevirt\.io/cpumanager}') == "true true" ]]
}

# The kernel's word: each vCPU is alone on one CPU of the container's.
check_masks() {
  local name mask taken=" " count=0
  # shellcheck disable=SC2016 # the pod's shell expands it
  while IFS='|' read -r name mask; do
    [[ $name =~ ^CPU\ [0-9]+/ ]] || continue
    [[ $mask =~ ^[0-9]+$ ]] || fail "$name may run on CPUs $mask: expected one CPU"
    [[ $taken != *" $mask "* ]] || fail "two vCPUs are on CPU $mask"
    taken+="$mask "
    count=$((count + 1))
  done < <(kubectl -n default exec "$pod" -- sh -c \
    'cd /proc/1/task && for t in *; do echo "$(cat $t/comm)|$(grep ^Cpus_allowed_list $t/status | tr -d "[:blank:]" | cut -d : -f 2)"; done')
  ((count == vcpus)) || fail "expected $vcpus vCPU threads, found $count"
  say "the kernel has each vCPU alone on one of CPUs$taken"
}

while (($# > 0)); do
  case $1 in
    --vcpus | --image)
      [[ -n ${2:-} ]] || {
        echo "check.sh: $1: expected a value; see --help" >&2
        exit 2
      }
      if [[ $1 == --vcpus ]]; then vcpus=$2; else image=$2; fi
      shift 2
      ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    *)
      echo "check.sh: expected --vcpus, --image or --help, found \"$1\"" >&2
      exit 2
      ;;
  esac
done

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
create
holds "the VM's pod runs" kubectl -n default wait --for=condition=Ready "pod/$pod" --timeout=5s
node=$(kubectl -n default get pod "$pod" -o 'jsonpath={.spec.nodeName}')
agent=$(kubectl -n pinagent get pods -l app.kubernetes.io/name=pinagent --field-selector "spec.nodeName=$node" -o 'jsonpath={.items[0].metadata.name}')
holds "the agent on $node calls it Pinned" is_pinned
check_masks
holds "$node is labelled" is_labelled
cleanup
holds "the agent knows that it's gone" is_unknown
