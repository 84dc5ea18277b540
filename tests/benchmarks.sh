#!/bin/bash
#
# Measures what PinAgent promises, on this machine: how fast, how cheap, and what pinning does to a vCPU.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: benchmarks.sh [--quick] [--output FILE] [BENCHMARK...]
#
#   --quick          only that each benchmark yields a figure, in about a minute; the figures are no good
#   --output FILE    where the results go, in Markdown (default: the standard output)
#   BENCHMARK        start, placement, pass, birth, drift, libvirt, wakeup, see, idle (default: all, 20 minutes)
#
# Leave the machine alone meanwhile: the results say how busy it was.
#
#   tests/benchmarks.sh --output tests/PinAgent.Benchmarks/RESULTS.md
#   tests/benchmarks.sh --quick drift
#
# Needs root, a machine with two CPUs or more, and the .NET SDK 10. Installs what is missing of: gcc, qemu-system-x86,
# libvirt-daemon, libvirt-clients, util-linux. Exits with 77 where it can't run.
# Everything it starts runs in a cgroup of its own, and is ended and removed with it, however this ends.
#--help-end

set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
readonly repository
readonly project=$repository/tests/PinAgent.Benchmarks

output=
arguments=()
work=
group=

say() { echo "benchmarks: $*" >&2; }

install_missing() {
  local missing=() pair
  for pair in gcc:gcc qemu-system-x86_64:qemu-system-x86 libvirtd:libvirt-daemon virsh:libvirt-clients setpriv:util-linux; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  ((${#missing[@]} > 0)) || return 0
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Makes the cgroup, and leaves its folder in $group: the benchmarks run in run/, their VMs beside it.
make_group() {
  local root=/sys/fs/cgroup file
  if [[ -f $root/cpuset/cpuset.cpus ]]; then
    root=$root/cpuset
  elif [[ ! -f $root/cgroup.subtree_control ]]; then
    say "no cgroup hierarchy with cpusets here"
    exit 77
  fi
  group=$root/pinagent-bench-$$
  mkdir "$group" "$group/run"
  for file in cpuset.cpus cpuset.mems; do
    [[ $root != */cpuset ]] || tee "$group/$file" "$group/run/$file" <"$root/$file" >/dev/null
  done
}

# Ends what is left in the cgroup, by id, and removes it: what has been ended may still be leaving.
cleanup() {
  trap - EXIT INT TERM
  local folder pid
  while [[ -n $group && -d $group ]]; do
    while read -r folder; do
      while read -r pid; do
        kill -KILL "$pid" 2>/dev/null || true
      done <"$folder/cgroup.procs"
      rmdir "$folder" 2>/dev/null || sleep 0.1
    done < <(find "$group" -depth -type d)
  done
  [[ -n $work ]] || return 0
  # What is deleted next isn't tracefs or a procfs, whoever still has a file of it open.
  while read -r folder; do
    umount --lazy "$folder"
  done < <(awk -v work="$work/" 'index($5, work) == 1 { print $5 }' /proc/self/mountinfo)
  rm -rf --one-file-system "$work"
}

while (($# > 0)); do
  case $1 in
    --output)
      [[ -n ${2:-} ]] || {
        echo "benchmarks.sh: --output: expected a file; see --help" >&2
        exit 2
      }
      output=$2
      shift
      ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    --quick | [!-]*) arguments+=("$1") ;;
    *)
      echo "benchmarks.sh: expected --quick or --output, found \"$1\"; see --help" >&2
      exit 2
      ;;
  esac
  shift
done
if ((EUID != 0)); then
  say "needs root, for cpusets and other users' threads"
  exit 77
elif (($(nproc) < 2)); then
  say "needs two CPUs"
  exit 77
fi

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
work=$(mktemp -d -t pinagent-bench.XXXXXX)
# Libvirt is another user's.
chmod 711 "$work"
install_missing
"$repository/deploy/image/build.sh" --program "$work/pinagent"
dotnet build "$project" -c Release -nologo -v quiet >&2
for program in "$project"/programs/*.c; do
  gcc -O2 -Wall -Wextra -Werror -pthread "$program" -o "$work/$(basename "$program" .c)"
done
# A link that is another name of it: what a process executes goes by the name that it was executed by.
ln "$work/vms" "$work/qemu-system-x86_64"
cp "$project/programs/poll.sh" "$work/"
if [[ ! -d /sys/kernel/tracing/events ]]; then
  mkdir "$work/tracing"
  mount -t tracefs tracefs "$work/tracing"
fi
make_group

# The benchmarks' own temporary files, too, are in a folder that goes.
# shellcheck disable=SC2016
TMPDIR=$work sh -c 'echo $$ >"$0/run/cgroup.procs" && exec "$@"' "$group" \
  "$repository/artifacts/bin/PinAgent.Benchmarks/release/PinAgent.Benchmarks" \
  "$work/pinagent" "$work" "/$(basename "$group")" "${arguments[@]}" >"$work/results.md" &
status=0
wait $! || status=$?
if [[ -n $output ]]; then cp "$work/results.md" "$output"; else cat "$work/results.md"; fi
((status == 0))
