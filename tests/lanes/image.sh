#!/bin/bash
#
# Builds the container image, and runs a command with what the tests of the image need: the archive, the unpacked image,
# and the profile of system calls that is a runtime's default.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: image.sh COMMAND...
#
# Sets for the command: PINAGENT_TEST_IMAGE_ARCHIVE, PINAGENT_TEST_IMAGE_ROOT, PINAGENT_TEST_IMAGE_SECCOMP.
# Exits with the command's status; with 77 if the tests can't run here, and says why.
#
# Needs root and Debian, and a kubectl of 1.21 or later, for its kustomize. Installs runc if it's missing. Debian's
# golang-github-containers-common, for the profile, is only downloaded and kept in ${XDG_CACHE_HOME:-~/.cache}/pinagent.
#--help-end

set -euo pipefail

readonly CANNOT_RUN=77

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/pinagent/seccomp
readonly profile=$cache/usr/share/containers/seccomp.json

work=

cannot() {
  echo "image.sh: $*"
  exit "$CANNOT_RUN"
}

cleanup() {
  trap - EXIT INT TERM
  [[ -z $work ]] || rm -rf "$work"
}

fetch_profile() {
  [[ ! -f $profile ]] || return 0
  mkdir -p "$work/debs" "$cache"
  (
    cd "$work/debs"
    apt-get download -q golang-github-containers-common ||
      { apt-get update -qq && apt-get download -q golang-github-containers-common; }
    dpkg-deb -x ./*.deb "$cache"
  ) >/dev/null 2>&1
}

# unpack ARCHIVE DIR: the only layer.
unpack() {
  local layer
  mkdir "$work/layout" "$2"
  tar -xf "$1" -C "$work/layout"
  layer=$(cd "$work/layout/blobs/sha256" && find . -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
  tar -xzf "$work/layout/blobs/sha256/$layer" -C "$2"
}

case ${1:-} in
  '' | -h | --help)
    sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
    [[ -n ${1:-} ]] || exit 2
    exit 0
    ;;
esac
((EUID == 0)) || cannot "needs root"
kubectl kustomize "$repository/deploy/base" >/dev/null 2>&1 ||
  cannot "needs a kubectl that renders deploy/base: 1.21 or later"

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
work=$(mktemp -d -t pinagent-image-lane.XXXXXX)
if ! command -v runc >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends runc >/dev/null || cannot "can't install runc"
fi
fetch_profile || cannot "Debian's golang-github-containers-common can't be downloaded"
"$repository/deploy/image/build.sh" --output "$work/image.tar"
unpack "$work/image.tar" "$work/root"
PINAGENT_TEST_IMAGE_ARCHIVE=$work/image.tar PINAGENT_TEST_IMAGE_ROOT=$work/root PINAGENT_TEST_IMAGE_SECCOMP=$profile "$@"
