#!/bin/bash
#
# What people do without an agent: every 100 ms, look for QEMUs and put their vCPUs on their CPUs with taskset.

shopt -s nullglob
while :; do
  for process in /proc/[0-9]*; do
    read -r name 2>/dev/null <"$process/comm" || continue
    [[ $name == qemu-system-* ]] || continue
    for thread in "$process"/task/*; do
      read -r name 2>/dev/null <"$thread/comm" || continue
      [[ $name =~ ^CPU\ ([0-9]+)/ ]] || continue
      taskset -cp "${BASH_REMATCH[1]}" "${thread##*/}" >/dev/null 2>&1
    done
  done
  sleep 0.1
done
