#!/bin/bash
#
# Makes the manual's pages out of what the program says of itself: pinagent.1, and pinagent-COMMAND.1 for each command.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: man.sh PROGRAM FOLDER
#
#   PROGRAM    the program, or a link to it, called "pinagent": it's asked for --help
#   FOLDER     where the pages go; it has to be there
#
# The pages' date is SOURCE_DATE_EPOCH, or today.
# Exits with 0; 2 if the call is wrong; 3 if a page couldn't be made.
#--help-end

set -euo pipefail

case ${1:-} in
  -h | --help)
    sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
    exit 0
    ;;
esac
[[ $# -eq 2 && ${1##*/} == pinagent && -d $2 ]] || {
  echo "man.sh: expected a program called pinagent and a folder; see --help" >&2
  exit 2
}
readonly program=$1 folder=$2

# What this machine's environment says is no default, and neither is its name.
ask() { env -i "NODE_NAME=the host's name" "$program" "$@" --help; }

date=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%Y-%m-%d)
version=$(env -i "$program" --version)
commands=$(ask | sed -n '/^Commands:$/,/^$/s/^  \([a-z][a-z]*\).*/\1/p')
[[ -n $commands ]] || {
  echo "man.sh: $program --help lists no commands" >&2
  exit 3
}

# page NAME: makes the page of the help on standard input.
page() {
  awk -v name="$1" -v date="$date" -v version="$version" -v commands="$commands" -f "$(dirname "$0")/man.awk" >"$folder/$1.1"
}

ask | page pinagent
for command in $commands; do
  ask "$command" | page "pinagent-$command"
done
