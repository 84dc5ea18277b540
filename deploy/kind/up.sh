#!/bin/bash
#
# Makes a kind cluster whose kubelet gives out CPUs, installs PinAgent there, and checks it end to end (check.sh).
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: up.sh [--config FILE] [--image ARCHIVE] [--name NAME] [--delete]
#
#   --config FILE      of the cluster (default: cluster.yaml beside this script; full-pcpus.yaml gives out whole cores)
#   --image ARCHIVE    the agent's, of deploy/image/build.sh (default: built from deploy/image/Dockerfile)
#   --name NAME        the cluster's (default: pinagent)
#   --delete           delete the cluster at the end, and if something fails; otherwise it stays
#
# Example: deploy/kind/up.sh --image artifacts/image/pinagent.tar --delete
#
# Needs kind, kubectl, and Docker or, with KIND_EXPERIMENTAL_PROVIDER=podman, Podman; and at least 4 CPUs.
# Exits with 0; 1 if the check fails; 2 if the call is wrong; 3 if the cluster can't be made.
#--help-end

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
readonly here
readonly repository=$here/../..
readonly engine=${KIND_EXPERIMENTAL_PROVIDER:-docker}
readonly agent_image=localhost/pinagent:dev
readonly vm_image=localhost/vm:1

config=$here/cluster.yaml
archive=
name=pinagent
delete=false
created=false
work=

say() { echo "kind: $*"; }

fail() {
  echo "kind: $*" >&2
  exit 3
}

wrong_call() {
  echo "up.sh: $*; see --help" >&2
  exit 2
}

cleanup() {
  trap - EXIT INT TERM
  [[ -z $work ]] || rm -rf "$work"
  ! $created || ! $delete || kind delete cluster --name "$name" || true
}

# load IMAGE: from the engine into the cluster's nodes. As an archive, since kind asks only Docker for images by name.
load() {
  "$engine" save -o "$work/image.tar" "$1"
  kind load image-archive "$work/image.tar" --name "$name"
  rm "$work/image.tar"
}

while (($# > 0)); do
  case $1 in
    --config | --image | --name)
      [[ -n ${2:-} ]] || wrong_call "$1: expected a value"
      case $1 in
        --config) config=$2 ;;
        --image) archive=$2 ;;
        --name) name=$2 ;;
      esac
      shift 2
      ;;
    --delete)
      delete=true
      shift
      ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    *) wrong_call "expected an option, found \"$1\"" ;;
  esac
done

for program in kind kubectl "$engine"; do
  command -v "$program" >/dev/null || fail "needs $program on the PATH"
done
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
work=$(mktemp -d -t pinagent-kind.XXXXXX)
# kind would make it the user's current cluster.
export KUBECONFIG=$work/kubeconfig

say "building the images"
"$engine" build -t "$vm_image" "$here" || fail "no image for the VM, as said above"
[[ -n $archive ]] || "$engine" build -t "$agent_image" -f "$repository/deploy/image/Dockerfile" "$repository" ||
  fail "no image of the agent, as said above"

created=true
kind create cluster --name "$name" --config "$config" --wait 180s || fail "no cluster, as said above"
load "$vm_image"
if [[ -n $archive ]]; then kind load image-archive "$archive" --name "$name"; else load "$agent_image"; fi

say "what KubeVirt's installation would have made"
kubectl apply -f "$repository/tests/lanes/control-plane/kubevirt-crds.yaml"
kubectl create namespace kubevirt
kubectl -n kubevirt create configmap kubevirt-config --from-literal=feature-gates=CPUManager

say "the agent"
kubectl apply -k "$repository/deploy/overlays/kind"
kubectl -n pinagent rollout status daemonset/pinagent --timeout=180s || fail "the agent doesn't start, see above"
"$here/check.sh" --image "$vm_image"
$delete || say "it stays: kind export kubeconfig --name $name; to delete it: kind delete cluster --name $name"
