#!/bin/bash
#
# Makes the BPF objects of their sources, or compares them.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: objects.sh [--check]
#
#   --check   doesn't write the objects, but says whether they're what the sources give: exit 1 if not, 77 without the compiler
#
# Needs clang 14 (Debian 12: clang-14): other versions give other instructions for the same source, which do the same. As
# root the missing compiler is installed. No header and no library is needed.
#--help-end

set -euo pipefail

folder=$(cd "$(dirname "$0")" && pwd)
readonly folder
readonly version=14

check=false
for argument in "$@"; do
  case $argument in
    --check) check=true ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    *)
      echo "objects.sh: expected --check or --help, found \"$argument\"" >&2
      exit 2
      ;;
  esac
done

if ! command -v clang-$version >/dev/null && ((EUID == 0)) && command -v apt-get >/dev/null; then
  { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clang-$version ||
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clang-$version; }; } \
    >/dev/null 2>&1 || true
fi
if ! command -v clang-$version >/dev/null; then
  echo "objects.sh: needs clang-$version, which isn't here and can't be installed" >&2
  exit 77
fi

work=$(mktemp -d -t pinagent-bpf.XXXXXX)
trap 'rm -rf "$work"' EXIT
different=0
for name in watch prove; do
  # Without -g: no line numbers in it, so that a comment changes nothing. In the folder, so that its path isn't in it.
  (cd "$folder" && clang-$version -O2 -target bpfel -mcpu=v2 -Wall -Wextra -Werror -nostdinc -fno-ident -c $name.bpf.c -o "$work/$name.bpf.o")

  if ! $check; then
    cp "$work/$name.bpf.o" "$folder/$name.bpf.o"
  elif ! cmp "$work/$name.bpf.o" "$folder/$name.bpf.o"; then
    echo "objects.sh: $name.bpf.o isn't what $name.bpf.c gives: run native-interop/Bpf/objects.sh and commit it" >&2
    different=1
  fi
done
exit $different
