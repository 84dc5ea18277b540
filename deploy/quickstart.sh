#!/bin/bash
#
# Shows PinAgent at work on this machine: starts a real QEMU guest in a cpuset of its own, pins it, and shows which
# thread runs where. Leaves nothing behind but installed packages and the build.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: quickstart.sh [--once]
#
#   --once    pin, check the result, and exit: 0 if every thread is where it belongs
#
# Without --once the agent stays and keeps the guest pinned until Ctrl-C.
#
# Needs Debian or Ubuntu, the .NET SDK and root. Installs what is missing of: qemu-system-x86.
# The guest is paused and has neither disk nor kernel; its threads are those of any other guest.
#--help-end

set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
readonly repository
readonly agent=$repository/artifacts/bin/PinAgent/release/pinagent
readonly guest=quickstart-$$

once=false
qemu_pid=
agent_pid=
cgroup=
controller_added_in=
work=

say() { echo "quickstart: $*"; }

fail() {
  echo "quickstart: $*" >&2
  exit 3
}

cleanup() {
  trap - EXIT INT TERM
  if [[ -n $agent_pid ]]; then
    kill "$agent_pid" 2>/dev/null || true
    wait "$agent_pid" 2>/dev/null || true
  fi
  if [[ -n $qemu_pid ]]; then
    kill -KILL "$qemu_pid" 2>/dev/null || true
    wait "$qemu_pid" 2>/dev/null || true
  fi
  rm -rf "$work"
  [[ -z $cgroup || ! -d $cgroup ]] || rmdir "$cgroup"
  [[ -z $controller_added_in ]] || echo -cpuset >"$controller_added_in/cgroup.subtree_control" || true
}

install_missing() {
  command -v dotnet >/dev/null ||
    fail "needs the .NET SDK 10 on the path: see https://learn.microsoft.com/dotnet/core/install/linux-debian"
  if ! command -v qemu-system-x86_64 >/dev/null; then
    say "installing qemu-system-x86"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-system-x86 >/dev/null
  fi
}

build() {
  say "building the agent"
  local log
  log=$(dotnet build "$repository/agent/PinAgent.csproj" -c Release -v quiet -nologo 2>&1) ||
    fail "the build failed:"$'\n'"$log"
}

# The online CPUs, one per line.
online_cpus() {
  local range
  for range in $(tr ',' ' ' </sys/devices/system/cpu/online); do
    seq "${range%-*}" "${range#*-}"
  done
}

# Makes a cgroup with the given CPUs, in cgroup v1's cpuset hierarchy or in v2's only one.
make_cpuset() {
  local cpus=$1 mount
  mount=$(awk '$3 == "cgroup" && $4 ~ /(^|,)cpuset(,|$)/ { print $2; exit }' /proc/mounts)
  if [[ -n $mount ]]; then
    cgroup=$mount/$guest
    mkdir "$cgroup"
    cat "$mount/cpuset.mems" >"$cgroup/cpuset.mems"
  else
    mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    [[ -n $mount ]] || fail "no cgroup hierarchy with cpusets is mounted"
    if ! grep -qw cpuset "$mount/cgroup.subtree_control"; then
      echo +cpuset >"$mount/cgroup.subtree_control" ||
        fail "$mount/cgroup.subtree_control: can't enable cpuset (in a container? run it on the host)"
      controller_added_in=$mount
    fi
    cgroup=$mount/$guest
    mkdir "$cgroup"
  fi
  echo "$cpus" >"$cgroup/cpuset.cpus"
}

start_guest() {
  local vcpus=$1 accelerator=tcg,thread=multi
  [[ -w /dev/kvm ]] && accelerator=kvm
  say "starting a guest of $vcpus vCPU(s) with an I/O thread in cpuset $(cat "$cgroup/cpuset.cpus")"
  # The shell puts itself into the cgroup before it becomes QEMU, so that no thread is ever outside.
  bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroup" \
    qemu-system-x86_64 -accel "$accelerator" -S -smp "$vcpus" -m 64 -name "guest=$guest,debug-threads=on" \
    -nodefaults -display none -object iothread,id=iothread1 </dev/null &
  qemu_pid=$!

  # QEMU names its threads as it makes them.
  local deadline=$((SECONDS + 30))
  until [[ $(grep -lE '^CPU [0-9]+/' /proc/$qemu_pid/task/*/comm 2>/dev/null | wc -l) -eq $vcpus ]]; do
    kill -0 "$qemu_pid" 2>/dev/null || fail "QEMU ended at its start"
    ((SECONDS < deadline)) || fail "QEMU has no $vcpus vCPU threads after 30 s"
    sleep 0.1
  done
}

# Looks at the kernel's masks, not at what the agent says: every vCPU alone on one CPU, the others on none of them.
check() {
  local folder name mask taken=" " others=" "
  for folder in /proc/"$qemu_pid"/task/*; do
    name=$(<"$folder/comm")
    mask=$(awk '/^Cpus_allowed_list:/ { print $2 }' "$folder/status")
    if [[ $name =~ ^CPU\ [0-9]+/ ]]; then
      [[ $mask =~ ^[0-9]+$ ]] || fail "$name may run on CPUs $mask: expected one CPU"
      [[ $taken != *" $mask "* ]] || fail "two vCPUs are on CPU $mask"
      taken+="$mask "
    else
      others+="$mask "
    fi
  done
  if $isolated; then
    for mask in $others; do
      [[ $taken != *" $mask "* ]] || fail "one of QEMU's own threads is on a vCPU's CPU, $mask"
    done
  fi
}

for argument in "$@"; do
  case $argument in
    --once) once=true ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    *)
      echo "quickstart: expected --once or --help, found \"$argument\"" >&2
      exit 2
      ;;
  esac
done

((EUID == 0)) || fail "needs root, to make a cpuset and to pin another user's threads"
work=$(mktemp -d -t pinagent-quickstart.XXXXXX)
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
install_missing
build

# Up to three CPUs, the highest: two vCPUs and one for the emulator; one vCPU on a machine of two CPUs.
mapfile -t cpus < <(online_cpus | tail -n 3)
vcpus=$((${#cpus[@]} > 1 ? ${#cpus[@]} - 1 : 1))
isolated=$([[ ${#cpus[@]} -gt 1 ]] && echo true || echo false)
make_cpuset "$(IFS=,; echo "${cpus[*]}")"
start_guest "$vcpus"

say "pinning it: pinagent run --standalone --vm $guest --once"
echo
"$agent" run --standalone --vm "$guest" --once
echo
check
say "checked with the kernel: each vCPU has a CPU that no other has"
$once && exit 0

say "keeping it pinned until Ctrl-C; try, in another terminal:"
say "  taskset -pc ${cpus[0]} \$(pgrep -f guest=$guest | head -n 1)"
"$agent" run --standalone --vm "$guest" --tcp 127.0.0.1:0 --socket "$work/pinagent.sock" &
agent_pid=$!
until "$agent" status --probe ready --socket "$work/pinagent.sock" 2>/dev/null; do
  kill -0 "$agent_pid" 2>/dev/null || fail "the agent ended at its start"
  sleep 0.1
done
say "the page is at the address that the agent said; asking it: pinagent status --vm $guest --socket $work/pinagent.sock"
echo
"$agent" status --vm "$guest" --socket "$work/pinagent.sock"
echo
wait "$agent_pid"
