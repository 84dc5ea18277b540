#!/bin/bash
#
# Shows PinAgent at work on this machine: starts a real QEMU guest in a cpuset of its own with a busy neighbour beside it, proves
# that its vCPUs wait, pins it, proves that they don't, undoes a taskset, and gives the page's address. Leaves nothing behind but
# installed packages and the build.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: quickstart.sh [--once]
#
#   --once    show it, check the result, and exit: 0 if every thread is where it belongs
#
# Without --once the agent stays and keeps the guest pinned until Ctrl-C.
#
# Needs Debian or Ubuntu, the .NET SDK and root. Installs what is missing of: qemu-system-x86.
# The guest has no kernel: it says on its console that it's up, and then computes on all its vCPUs. It runs under KVM if it
# says so within ten seconds, else by QEMU's software emulation (TCG).
#--help-end

set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
readonly repository
readonly agent=$repository/artifacts/bin/PinAgent/release/pinagent
readonly guest=quickstart-$$

once=false
qemu_pid=
agent_pid=
neighbour_pid=
commander_pid=
cgroup=
controller_added_in=
work=

say() { echo "quickstart: $*"; }

fail() {
  echo "quickstart: $*" >&2
  exit 3
}

# Ends a process of ours, and waits until it's gone.
stop() {
  local signal=$1 pid=$2
  [[ -n $pid ]] || return 0
  kill -"$signal" "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

cleanup() {
  trap - EXIT
  # A second Ctrl-C shall not leave half of it behind.
  trap '' INT TERM
  stop TERM "$agent_pid"
  stop KILL "$neighbour_pid"
  stop KILL "$qemu_pid"
  stop KILL "$commander_pid"
  [[ -z $work ]] || rm -rf "$work"
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
  log=$(dotnet build "$repository/agent/PinAgent.csproj" -c Release -v quiet -nologo \
    -p:RunAnalyzers=false -p:CSharpier_Bypass=true 2>&1) ||
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

# A boot sector: writes "up" to the serial console, and computes on every vCPU. It reaches the other vCPUs by their APICs, for
# which DS keeps a limit of 4 GiB (offsets are of 0x7c00, where the BIOS puts it).
make_boot_sector() {
  local bytes="" i
  local code="fa31c08ed88ec0" # 00: cli; ds = es = 0
  code+="c7060080ebfe"        # 07: at 0x8000: jmp 0x8000
  code+="660f0116707c"        # 0d: lgdt [0x7c70]
  code+="0f20c00c010f22c0"    # 13: protected mode,
  code+="bb08008edb"          # 1b: ds = 8,
  code+="24fe0f22c0"          # 20: and back
  code+="66bb0003e0fe"        # 25: ebx = 0xfee00300, the APIC's command
  code+="6766c70300450c00"    # 2b: INIT to all others
  code+="66b900000001"        # 33: ecx = 0x1000000
  code+="664975fc"            # 39: until --ecx == 0
  code+="6766c70308460c00"    # 3d: all others start at 0x8000
  code+="31c08ed8be597cbaf803" # 45: ds = 0; si = 0x7c59; dx = COM1
  code+="ac84c07403eeebf8"    # 4f: write until a zero
  code+="ebfe"                # 57: jmp 57
  code+="75700d0a00"          # 59: "up\r\n"
  code+="0000"                # 5e
  code+="0000000000000000"    # 60: the descriptors: none, and data of 4 GiB
  code+="ffff00000092cf00"    # 68
  code+="0f00607c0000"        # 70: their table: 16 bytes at 0x7c60
  for ((i = 0; i < ${#code}; i += 2)); do
    bytes+=\\x${code:i:2}
  done
  printf %b "$bytes" >"$work/boot"
  truncate -s 510 "$work/boot"
  printf '\x55\xaa' >>"$work/boot"
  truncate -s 1M "$work/boot"
}

# Starts the guest, and waits for what it says on its console; false if it hasn't by then.
start_guest() {
  local accelerator=$1 vcpus=$2 seconds=$3 deadline
  rm -f "$work/console" "$work/commands"
  mkfifo "$work/commands"
  # As with a guest's disks and network, QEMU's own thread has something to do: it answers its monitor.
  yes 'info version' >"$work/commands" 2>/dev/null &
  commander_pid=$!
  # The shell puts itself into the cgroup before it becomes QEMU, so that no thread is ever outside.
  bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroup" \
    qemu-system-x86_64 -accel "$accelerator" -smp "$vcpus" -m 64 -name "guest=$guest,debug-threads=on" \
    -nodefaults -display none -object iothread,id=iothread1 -drive "file=$work/boot,format=raw,if=ide" \
    -serial "file:$work/console" -monitor stdio <"$work/commands" >/dev/null 2>"$work/qemu.log" &
  qemu_pid=$!

  deadline=$((SECONDS + seconds))
  until grep -q '^up' "$work/console" 2>/dev/null; do
    if ((SECONDS >= deadline)) || ! kill -0 "$qemu_pid" 2>/dev/null; then
      stop KILL "$qemu_pid"
      stop KILL "$commander_pid"
      qemu_pid=
      commander_pid=
      return 1
    fi
    sleep 0.1
  done
}

# A process outside the VM that is always busy, on a CPU of the VM's.
start_neighbour() {
  ln -s "$BASH" "$work/neighbour"
  taskset -c "$1" "$work/neighbour" -c 'while :; do :; done' &
  neighbour_pid=$!
}

# Looks at the kernel's masks, not at what the agent says: every vCPU alone on one CPU, the others on none of them. Prints what
# is otherwise.
misplaced() {
  local folder name mask taken=" " others=" "
  for folder in /proc/"$qemu_pid"/task/*; do
    name=$(cat "$folder/comm" 2>/dev/null) || continue
    mask=$(awk '/^Cpus_allowed_list:/ { print $2 }' "$folder/status" 2>/dev/null) || continue
    if [[ $name =~ ^CPU\ [0-9]+/ ]]; then
      [[ $mask =~ ^[0-9]+$ ]] || echo "$name may run on CPUs $mask: expected one CPU"
      [[ $taken != *" $mask "* ]] || echo "two vCPUs are on CPU $mask"
      taken+="$mask "
    else
      others+="$mask "
    fi
  done
  if $isolated; then
    for mask in $others; do
      [[ $taken != *" $mask "* ]] || echo "one of QEMU's own threads is on a vCPU's CPU, $mask"
    done
  fi
}

# Waits until every thread is where it belongs.
await_placement() {
  local deadline=$((SECONDS + 30)) wrong
  until wrong=$(misplaced) && [[ -z $wrong ]]; do
    kill -0 "$agent_pid" 2>/dev/null || fail "the agent ended"
    ((SECONDS < deadline)) || fail "after 30 s: $wrong"
    sleep 0.1
  done
}

# Prints what the agent's log says of something that has happened.
said() {
  local deadline=$((SECONDS + 30))
  until grep "$1" "$work/log"; do
    ((SECONDS < deadline)) || fail "the agent's log doesn't say: $1"
    sleep 0.1
  done
}

# What the kernel counts of the vCPUs' waits; whether that is good shows in what it prints.
prove() {
  say "pinagent prove --vm $guest --for 5s"
  echo
  "$agent" prove --vm "$guest" --for 5s --socket "$work/pinagent.sock" || (($? == 1)) ||
    fail "pinagent prove couldn't be done"
  echo
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
work=$(mktemp -d -t "pinagent-quickstart-$$.XXXXXX")
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
make_boot_sector
say "1. a guest of $vcpus vCPU(s) in cpuset $(cat "$cgroup/cpuset.cpus"), as a kubelet gives it to a VM"
if [[ -w /dev/kvm ]] && start_guest kvm "$vcpus" 10; then
  say "it's up, with KVM"
else
  [[ ! -w /dev/kvm ]] || say "with KVM it doesn't answer on its console within ten seconds"
  start_guest tcg,thread=multi "$vcpus" 60 || fail "the guest doesn't come up: $(cat "$work/qemu.log")"
  say "it's up, with QEMU's software emulation (TCG)"
fi

# Who moves a thread is told by the kernel: where it has no probes, by tracepoints at which each system call takes some 30 ns longer.
events=auto
[[ -e /sys/bus/event_source/devices/kprobe ]] || events=syscalls
echo 'mode: audit' >"$work/config.yaml"
# tracefs for the agent alone, where the machine hasn't mounted it.
# shellcheck disable=SC2016
unshare --mount sh -c '[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing; exec "$@"' sh \
  "$agent" run --events "$events" --config "$work/config.yaml" --standalone --vm "$guest=$(<"$cgroup/cpuset.cpus")" --tcp 127.0.0.1:0 --socket "$work/pinagent.sock" \
  --state-dir "$work/state" >"$work/log" 2>&1 &
agent_pid=$!
until "$agent" status --probe ready --socket "$work/pinagent.sock" 2>/dev/null; do
  kill -0 "$agent_pid" 2>/dev/null || fail "the agent ended at its start"
  sleep 0.1
done

# Where QEMU's own threads would be.
deadline=$((SECONDS + 30))
until emulator=$("$agent" status --vm "$guest" -o json --socket "$work/pinagent.sock" |
  awk -F'"' '/"role": "emulator"/ { found = 1 } found && /"wanted"/ { print $4; exit }') && [[ $emulator =~ ^[0-9] ]]; do
  ((SECONDS < deadline)) || fail "the agent has no placement for the guest: $(tail -n 3 "$work/log")"
  sleep 0.1
done
start_neighbour "$emulator"
say "a neighbour that is always busy is on CPU $emulator, where QEMU's own thread and the vCPUs may run, too"

say "2. before: the agent only looks (--mode audit). Do the vCPUs have their CPUs to themselves?"
prove

say "3. the agent may pin (mode: enforce)"
echo 'mode: enforce' >"$work/config.yaml"
await_placement
say "checked with the kernel: each vCPU has a CPU that no other has"
said 'pinned within CPUs'
prove
say "whoever still held a vCPU up is named: pinning keeps the VM's own threads apart, others are the node's to keep off"

vcpu=$(grep -lE '^CPU 0/' /proc/"$qemu_pid"/task/*/comm | cut -d/ -f5)
say "4. somebody moves vCPU 0: taskset -pc $emulator $vcpu"
moved=$SECONDS
taskset -pc "$emulator" "$vcpu"
await_placement
said 'repaired vcpu 0'
! grep -q "by whom isn't known" "$work/log" || say "who it was this kernel doesn't tell"
say "it's back, and this is what happened: pinagent explain --vm $guest"
"$agent" explain --vm "$guest" --state-dir "$work/state" --since $((SECONDS - moved + 2))s

page=$(grep -oE 'http://127\.0\.0\.1:[0-9]+/' "$work/log" | head -n 1)
say "5. the page of this node: $page"
$once && exit 0
say "the guest stays pinned until Ctrl-C. In another terminal:"
say "  $agent top --socket $work/pinagent.sock"
wait "$agent_pid"
