#!/bin/bash
#
# Makes the machine it runs on a node of a cluster: containerd and a kubelet with the static CPU manager, for tests.
# The cluster is one of control-plane.sh with --controllers.
#
# Whatever containerd, kubelet or pods the machine has aren't touched: /run, /var/lib and /var/log of this node are
# folders of its own, in a mount namespace, and its cgroups, pods included, are below one of its own.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: kubelet-node.sh run [--] COMMAND [ARGS...]
#        kubelet-node.sh restart-kubelet POLICY [--fresh]
#        kubelet-node.sh pack FOLDER
#        kubelet-node.sh --help
#
#   run              starts the node, runs the command with the variables below once the kubelet is
#                    healthy, and removes it all
#   restart-kubelet  stops the kubelet and starts it with this CPU manager policy (static or none)
#     --fresh        without the checkpoint of the one before
#   pack             gets what a node needs, and puts it into FOLDER
#
#   PINAGENT_TEST_NODE         the node's name, node1
#   PINAGENT_TEST_NODE_DIR     DIR: run/, lib/ and log/ are the node's /run, /var/lib and /var/log
#   PINAGENT_TEST_KUBELET_NODE this script, to restart the kubelet in a test
#
# There is one image, localhost/vm:1, with QEMU and busybox; pods must have hostNetwork, as there are no networks for
# pods, and imagePullPolicy Never. PINAGENT_TEST_IMAGES (archives, separated by spaces) are imported as well.
# The first core is reserved (of two CPUs, the first): the kubelet gives out the others.
#
# Exit status: of run, the command's; otherwise 0, 2 when called wrongly, 125 when there is no node (from run, too). Why
# is said on standard error.
#
# Environment:
#   PINAGENT_TEST_CONTROL_PLANE_DIR  the cluster; of its files bin/kubelet, pki/ca.crt, port and
#                                    kubelet.kubeconfig
#   PINAGENT_TEST_KUBELET_CERT_DIR   folder below DIR for the kubelet's keys, which then has no folder pki in its own
#   PINAGENT_TEST_NODE_PACK          folder that `pack` has filled (default: what it would put there)
#   XDG_CACHE_HOME                   the cache is $XDG_CACHE_HOME/pinagent/kubelet-node (default ~/.cache/...)
#--help-end

set -euo pipefail

readonly EXIT_WRONG_CALL=2
readonly EXIT_NO_NODE=125

# Downloaded and unpacked, not installed: containerd's package would start one.
readonly PACKAGES="containerd runc busybox-static"
readonly RUNTIME="usr/bin/containerd usr/bin/containerd-shim-runc-v2 usr/bin/ctr usr/sbin/runc"
readonly IMAGE=localhost/vm:1
# A pack that wasn't used for so long is removed when another is made.
readonly UNUSED_DAYS=30
# What a kubelet changes of the machine's.
readonly SYSCTLS="vm/overcommit_memory kernel/panic kernel/panic_on_oops"

readonly READY_SECONDS=180
readonly STOP_SECONDS=20

script=$(readlink -f "$0")
readonly script
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/pinagent/kubelet-node"

say() { echo "kubelet-node: $*" >&2; }

fail() {
  say "$*"
  exit "$EXIT_NO_NODE"
}

wrong_call() {
  say "$*; see --help"
  exit "$EXIT_WRONG_CALL"
}

usage() { sed -n '/^#--help-begin$/,/^#--help-end$/{/^#--help/d;s/^# \{0,1\}//;p}' "$0"; }

# wait_until SECONDS COMMAND...: false when the time is over.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# ---------------------------------------------------------------------------------------------------------------------
# What a node needs: the runtime's programs, and the image

# Sets pack to a folder with the runtime's programs and vm.tar, made from Debian's packages once.
find_pack() {
  local versions
  pack=${PINAGENT_TEST_NODE_PACK:-}
  [ -z "$pack" ] || return 0
  command -v qemu-system-x86_64 >/dev/null || fail "qemu-system-x86_64 is missing: install qemu-system-x86"
  # shellcheck disable=SC2086
  versions=$(apt-cache show --no-all-versions $PACKAGES 2>/dev/null | grep -E '^(Package|Version):') ||
    fail "apt doesn't know all of $PACKAGES (has apt-get update been run?)"
  versions+=$(sha256sum "$(command -v qemu-system-x86_64)")$(declare -f make_pack make_image copy_with_libraries)
  pack=$CACHE/$(sha256sum <<<"$versions" | cut -c 1-16)
  if [ -d "$pack" ]; then
    touch "$pack"
    return
  fi

  mkdir -p "$CACHE"
  find "$CACHE" -mindepth 1 -maxdepth 1 -type d -mtime "+$UNUSED_DAYS" -exec rm -rf {} +
  building=$(mktemp -d "$CACHE/build.XXXXXX")
  say "making the node's image, once"
  make_pack >"$building/log" 2>&1 || {
    tail -n 10 "$building/log" >&2
    fail "could not make what a node needs"
  }
  mv -T "$building/pack" "$pack" || [ -d "$pack" ] || fail "could not make $pack" # two may have made it
  rm -rf "$building"
  building=
}

# Fills $building/pack.
make_pack() {
  local deb
  mkdir -p "$building"/{debs,root,pack} || return
  # shellcheck disable=SC2086
  (cd "$building/debs" && apt-get -qq -o APT::Sandbox::User=root download $PACKAGES) || return
  for deb in "$building"/debs/*.deb; do dpkg-deb -x "$deb" "$building/root" || return; done
  # shellcheck disable=SC2086
  (cd "$building/root" && cp $RUNTIME "$building/pack/") || return
  make_image
}

# Writes $building/pack/vm.tar in the format of `docker save`: one layer.
make_image() {
  local root=$building/image archive=$building/archive layer name
  mkdir -p "$root"/{bin,dev,proc,sys,tmp,usr/share} "$archive" || return
  cp "$building/root/bin/busybox" "$root/bin/" || return
  for name in sh sleep; do ln -s busybox "$root/bin/$name"; done
  copy_with_libraries "$(command -v qemu-system-x86_64)" /usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so || return
  cp -rL /usr/share/seabios "$root/usr/share/" || return

  tar -C "$root" --numeric-owner --owner=0 --group=0 --mtime=@0 --sort=name -cf "$archive/layer.tar" . || return
  layer=$(sha256sum "$archive/layer.tar" | cut -d ' ' -f 1)
  cat >"$archive/config.json" <<END || return
{"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/bin/sleep", "inf"]},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$layer"]}}
END
  echo "[{\"Config\": \"config.json\", \"RepoTags\": [\"$IMAGE\"], \"Layers\": [\"layer.tar\"]}]" >"$archive/manifest.json"
  tar -C "$archive" -cf "$building/pack/vm.tar" manifest.json config.json layer.tar
}

# copy_with_libraries PROGRAM...: into $root.
copy_with_libraries() {
  local file
  for file in "$@" $(ldd "$@" | grep -oE '/[^ :]+( |$)' | sort -u); do
    mkdir -p "$root$(dirname "$file")" || return
    cp -L "$file" "$root$file" || return
  done
}

# ---------------------------------------------------------------------------------------------------------------------
# The node's cgroups. Its own one is called like its folder.

# Prints the hierarchies' folders.
hierarchies() {
  local folder
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    echo /sys/fs/cgroup
    return
  fi
  for folder in /sys/fs/cgroup/*; do
    [ -L "$folder" ] || [ ! -e "$folder/cgroup.procs" ] || echo "$folder"
  done
}

# Makes the node's cgroup, and in it `system` for its own processes, in every hierarchy.
make_cgroups() {
  local hierarchy controller folder file
  for hierarchy in $(hierarchies); do
    for folder in "" "/$cgroup"; do
      mkdir -p "$hierarchy$folder"
      # A kubelet asks for these where there are cgroups of version 2.
      for controller in cpu cpuset memory pids hugetlb; do
        grep -qw "$controller" "$hierarchy$folder/cgroup.controllers" 2>/dev/null || continue
        echo "+$controller" >"$hierarchy$folder/cgroup.subtree_control"
      done
    done
    mkdir -p "$hierarchy/$cgroup/system"
    [ "$hierarchy" = /sys/fs/cgroup/cpuset ] || continue
    for folder in "$hierarchy/$cgroup" "$hierarchy/$cgroup/system"; do
      for file in cpuset.cpus cpuset.mems; do cat "$hierarchy/$file" >"$folder/$file"; done
    done
  done
}

enter_cgroups() {
  local hierarchy
  for hierarchy in $(hierarchies); do echo "$BASHPID" >"$hierarchy/$cgroup/system/cgroup.procs"; done
}

# Prints the processes of the node, pods included.
processes() {
  local hierarchy
  for hierarchy in $(hierarchies); do
    [ ! -d "$hierarchy/$cgroup" ] || find "$hierarchy/$cgroup" -name cgroup.procs -exec cat {} + 2>/dev/null
  done | sort -u
}

# Ends what the processes have become meanwhile, too.
all_have_ended() {
  local pids
  pids=$(processes)
  [ -n "$pids" ] || return 0
  # shellcheck disable=SC2086
  kill -KILL $pids 2>/dev/null
  return 1
}

remove_cgroups() {
  local hierarchy
  for hierarchy in $(hierarchies); do
    [ ! -d "$hierarchy/$cgroup" ] || find "$hierarchy/$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
}

# ---------------------------------------------------------------------------------------------------------------------
# The node

dir=      # its folder
cgroup=   # the name of its cgroup, too
building= # folder of a pack that is being made
lifeline= # file descriptor
keeper=   # process that removes the node should this one be killed
command_id=

# find_node DIR
find_node() {
  dir=${1:-}
  [ -d "$dir/lib" ] || fail "expected a node's folder in PINAGENT_TEST_NODE_DIR, found \"$dir\""
  cgroup=$(basename "$dir")
}

# start_server NAME ARGS...: in the node's cgroup.
start_server() {
  local name=$1
  shift
  (
    [ -z "$lifeline" ] || exec {lifeline}>&-
    enter_cgroups
    exec setsid "$@"
  ) >>"$dir/$name.log" 2>&1 </dev/null &
  echo "$!" >"$dir/$name.pid"
  disown
}

has_ended() { ! kill -0 "$(<"$dir/$1.pid")" 2>/dev/null; }

# The mounts go with the last process of the namespace. Volumes that the kubelet mounts are to be seen by pods: shared.
# With the mask that services have: what containerd unpacks is to be read by containers' users, too, and the cluster's
# files, below which this may be called, are nobody else's.
start_containerd() {
  umask 022
  mkdir -p "$dir"/{cni,run,log/pods,log/containers,lib/kubelet}
  # Never called, as there are only pods with the machine's network; but without it a node isn't Ready.
  echo '{"cniVersion": "0.4.0", "name": "none", "plugins": [{"type": "none"}]}' >"$dir/cni/none.conflist"
  cat >"$dir/containerd.toml" <<END
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "$dir/run/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$IMAGE"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    conf_dir = "$dir/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = "$pack/runc"
END
  PATH=$pack:$PATH start_server containerd unshare --mount --propagation private \
    "$script" in-own-folders "$dir" containerd --config "$dir/containerd.toml"
  wait_until "$READY_SECONDS" containerd_answers_or_ended
  ! has_ended containerd || node_failed "containerd has ended"
}

ctr() { "$pack/ctr" --address "$dir/run/containerd.sock" --namespace k8s.io "$@"; }

containerd_answers_or_ended() { ctr version >/dev/null 2>&1 || has_ended containerd; }

import_images() {
  local image
  for image in "$pack/vm.tar" ${PINAGENT_TEST_IMAGES:-}; do
    ctr images import "$image" >/dev/null || node_failed "could not import $image"
  done
}

# start_kubelet POLICY
start_kubelet() {
  local reserved=0 numa=none
  [ "$(nproc --all)" -lt 4 ] || reserved=$(cat /sys/devices/system/cpu/cpu0/topology/thread_siblings_list)
  [ ! -d /sys/devices/system/node/node1 ] || numa=single-numa-node
  cat >"$dir/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
port: $(($(<"$cluster/port") + 5))
readOnlyPort: 0
healthzPort: $(health_port)
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $cluster/pki/ca.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup
cpuManagerPolicy: $1
cpuManagerReconcilePeriod: 2s
reservedSystemCPUs: "$reserved"
topologyManagerPolicy: $numa
failSwapOn: false
makeIPTablesUtilChains: false
evictionHard: {memory.available: 1Mi, nodefs.available: "1%", nodefs.inodesFree: "1%", imagefs.available: "1%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
featureGates: {LocalStorageCapacityIsolation: false}
END
  local keys=()
  [ -z "${PINAGENT_TEST_KUBELET_CERT_DIR:-}" ] || keys=(--cert-dir "$dir/$PINAGENT_TEST_KUBELET_CERT_DIR")
  start_server kubelet nsenter --mount --target "$(<"$dir/containerd.pid")" \
    "$cluster/bin/kubelet" --config "$dir/kubelet.yaml" --kubeconfig "$cluster/kubelet.kubeconfig" \
    --hostname-override node1 --container-runtime remote \
    --container-runtime-endpoint "unix://$dir/run/containerd.sock" "${keys[@]}"
}

restart_kubelet() {
  kill -TERM "$(<"$dir/kubelet.pid")" 2>/dev/null || true
  wait_until "$STOP_SECONDS" has_ended kubelet || fail "the kubelet, process $(<"$dir/kubelet.pid"), doesn't end"
  [ "${2:-}" != --fresh ] || rm -f "$dir/lib/kubelet/cpu_manager_state"
  start_kubelet "$1"
}

health_port() { echo $(($(<"$cluster/port") + 6)); }

# Not asked of the API server: kubectl takes half a minute on an emulated CPU.
kubelet_is_healthy() {
  local answer
  exec {answer}<>"/dev/tcp/127.0.0.1/$(health_port)" || return
  printf 'GET /healthz HTTP/1.0\r\n\r\n' >&"$answer"
  grep -q '^ok' <&"$answer"
}

kubelet_is_healthy_or_ended() { (kubelet_is_healthy) 2>/dev/null || has_ended kubelet || has_ended containerd; }

node_failed() {
  tail -n 15 "$dir"/{containerd,kubelet}.log >&2 2>/dev/null
  fail "$*"
}

start_node() {
  start_containerd
  import_images
  start_kubelet static
  wait_until "$READY_SECONDS" kubelet_is_healthy_or_ended || true
  (kubelet_is_healthy) 2>/dev/null || node_failed "the kubelet isn't healthy"
  say "the kubelet runs after $SECONDS s"
}

# What is killed saves nothing, so nothing is asked to end; nor is there anything worth saving.
remove_node() {
  local name
  wait_until "$STOP_SECONDS" all_have_ended || say "could not end the processes $(processes | tr '\n' ' ')"
  remove_cgroups
  for name in $SYSCTLS; do
    [ ! -s "$dir/sysctls/${name##*/}" ] || cat "$dir/sysctls/${name##*/}" >"/proc/sys/$name"
  done
  rm -rf "$dir"
}

run() {
  local status=0 name
  [ "$(id -u)" = 0 ] || fail "needs root"
  cluster=${PINAGENT_TEST_CONTROL_PLANE_DIR:-}
  [ -x "$cluster/bin/kubelet" ] || fail "expected a cluster with a kubelet in PINAGENT_TEST_CONTROL_PLANE_DIR, \"$cluster\""
  find_pack
  dir=$(mktemp -d -t pinagent-node.XXXXXX)
  cgroup=$(basename "$dir")
  mkdir "$dir"/{lib,sysctls}
  for name in $SYSCTLS; do cat "/proc/sys/$name" >"$dir/sysctls/${name##*/}"; done
  # This script may be killed. Then the pipe's other end closes.
  exec {lifeline}> >(exec setsid "$script" remove-at-end-of-input "$dir")
  keeper=$!
  make_cgroups
  start_node

  # In the background, for a trap waits for what is in the foreground.
  PINAGENT_TEST_NODE=node1 PINAGENT_TEST_NODE_DIR=$dir PINAGENT_TEST_KUBELET_NODE=$script PINAGENT_TEST_NODE_PACK=$pack \
    "$@" <&0 {lifeline}>&- &
  command_id=$!
  wait "$command_id" || status=$?
  command_id=
  exit "$status"
}

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
  trap '' INT TERM HUP
  set +e
  [ -z "$building" ] || rm -rf "$building"
  [ -z "$command_id" ] || kill -TERM "$command_id" 2>/dev/null
  [ -n "$keeper" ] || return
  # The one that removes the node.
  exec {lifeline}>&-
  wait_until $((2 * STOP_SECONDS)) keeper_has_ended
}

keeper_has_ended() { ! kill -0 "$keeper" 2>/dev/null; }

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

main() {
  local command=${1:-} pack cluster
  [ $# -eq 0 ] || shift
  case $command in
  --help | -h) usage ;;
  run)
    [ "${1:-}" != -- ] || shift
    [ $# -gt 0 ] || wrong_call "run: expected a command"
    run "$@"
    ;;
  restart-kubelet)
    case $#:${1:-}:${2:-} in 1:static: | 1:none: | 2:static:--fresh | 2:none:--fresh) ;; *)
      wrong_call "restart-kubelet: expected static or none, and perhaps --fresh, found \"$*\""
      ;;
    esac
    find_node "${PINAGENT_TEST_NODE_DIR:-}"
    cluster=$PINAGENT_TEST_CONTROL_PLANE_DIR
    restart_kubelet "$@"
    ;;
  pack)
    [ $# -eq 1 ] || wrong_call "pack: expected a folder"
    find_pack
    mkdir -p "$1"
    cp "$pack"/* "$1/"
    ;;
  in-own-folders)
    mount --make-rshared /
    mount --bind "$1/run" /run
    mount --bind "$1/lib" /var/lib
    mount --bind "$1/log" /var/log
    shift
    exec "$@"
    ;;
  remove-at-end-of-input)
    cat >/dev/null
    find_node "${1:-}"
    remove_node
    ;;
  *) wrong_call "expected a command, found \"$command\"" ;;
  esac
}

main "$@"
