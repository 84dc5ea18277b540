# shellcheck shell=bash
#
# Where this machine gets Debian from. Read by lanes that build with packages which aren't installed.

# Prints the mirror that apt uses.
debian_mirror() {
  local mirror
  # shellcheck disable=SC2016 # the variables are apt's
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' \
    'Component: main' 2>/dev/null | head -n 1)
  # Before the first apt-get update nothing is known but what the files say.
  [ -n "$mirror" ] || mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
    grep -v '^#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1)
  [ -n "$mirror" ] && echo "${mirror% }"
}
