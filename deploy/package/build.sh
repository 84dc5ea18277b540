#!/bin/bash
#
# Makes the packages for Debian's and Red Hat's families from one folder: program, unit, settings, completions, manual.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: build.sh --program FILE [--output DIR]
#
#   --program FILE  the native program, as deploy/image/build.sh --program makes it
#   --output DIR    where the packages go (default: artifacts/package)
#
# Makes pinagent_VERSION-1_ARCH.deb and pinagent-VERSION-1.ARCH.rpm, VERSION that of the program, a pre-release's with ~ for -.
# The same commit and program give the same bytes, with the same dpkg, rpm and .NET SDK: times are the commit's, or
# SOURCE_DATE_EPOCH.
#
# Example: deploy/image/build.sh --program /tmp/pinagent && deploy/package/build.sh --program /tmp/pinagent
#
# Needs Debian and the .NET SDK 10 (for its list of licences). Installs what is missing of: binutils, rpm.
# Exits with 0; 2 if the call is wrong; 3 if something couldn't be made.
#--help-end

set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly here=$repository/deploy/package

program=
output=$repository/artifacts/package
work=

say() { echo "package: $*" >&2; }

fail() {
  say "$*"
  exit 3
}

wrong_call() {
  echo "build.sh: $*; see --help" >&2
  exit 2
}

cleanup() {
  trap - EXIT INT TERM
  [[ -z $work ]] || rm -rf "$work"
}

install_missing() {
  local missing=() pair
  for pair in objdump:binutils rpmbuild:rpm; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  ((${#missing[@]} > 0)) || return 0
  ((EUID == 0)) || fail "needs ${missing[*]}: apt-get install ${missing[*]}"
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# packed FILE...: each becomes FILE.gz.
packed() { gzip -9 --no-name "$@"; }

# fill TREE: what both kinds of packages have.
fill() {
  local tree=$1 shell dotnet
  local doc=$tree/usr/share/doc/pinagent man=$tree/usr/share/man/man1
  mkdir -p "$doc" "$man" "$tree"/usr/share/{bash-completion/completions,zsh/site-functions,fish/vendor_completions.d}
  install -D -m 0755 "$program" "$tree/usr/bin/pinagent"
  install -D -m 0644 "$here/config.yaml" "$tree/etc/pinagent/config.yaml"
  mkdir -p "$tree/usr/lib/systemd/system"
  sed 's|^ExecStart=/usr/local/bin/|ExecStart=/usr/bin/|' "$repository/deploy/systemd/pinagent.service" \
    >"$tree/usr/lib/systemd/system/pinagent.service"
  grep -q '^ExecStart=/usr/bin/pinagent ' "$tree/usr/lib/systemd/system/pinagent.service" ||
    fail "deploy/systemd/pinagent.service: expected ExecStart=/usr/local/bin/pinagent"
  for shell in bash zsh fish; do
    "$tree/usr/bin/pinagent" completion "$shell" >"$work/completion.$shell" || fail "no completion for $shell"
  done
  cp "$work/completion.bash" "$tree/usr/share/bash-completion/completions/pinagent"
  cp "$work/completion.zsh" "$tree/usr/share/zsh/site-functions/_pinagent"
  cp "$work/completion.fish" "$tree/usr/share/fish/vendor_completions.d/pinagent.fish"
  "$here/man.sh" "$tree/usr/bin/pinagent" "$man" || fail "no manual, as said above"
  packed "$man"/*.1
  cp "$here/copyright" "$repository/LICENSE" "$repository/deploy/docs/plain-host.md" "$doc/"
  dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
  cp "$dotnet/ThirdPartyNotices.txt" "$doc/dotnet-third-party-notices" || fail "$dotnet: expected the SDK with its licences"
  cp "$repository/CHANGELOG.md" "$doc/changelog"
  packed "$doc/dotnet-third-party-notices" "$doc/changelog"
}

# settle TREE: rights and times that don't depend on this machine.
settle() {
  chmod -R u=rwX,go=rX "$1"
  find "$1" -exec touch --no-dereference --date="@$epoch" {} +
}

make_deb() {
  local tree=$work/deb glibc
  cp -a "$work/tree" "$tree"
  # Where Debian's zsh looks for what packages bring.
  mv "$tree/usr/share/zsh/site-functions" "$tree/usr/share/zsh/vendor-completions"
  {
    echo "pinagent ($version-1) unstable; urgency=medium"
    printf '\n  * Version %s; changelog.gz has what changed.\n\n' "$version"
    echo " -- $maintainer  $(LC_ALL=C date -u -d "@$epoch" '+%a, %d %b %Y %H:%M:%S +0000')"
  } >"$tree/usr/share/doc/pinagent/changelog.Debian"
  packed "$tree/usr/share/doc/pinagent/changelog.Debian"
  glibc=$(objdump -T "$program" | grep -oE 'GLIBC_[0-9.]+' | sort -Vu | tail -n 1)
  mkdir "$tree/DEBIAN"
  cp "$here"/debian/{postinst,prerm,postrm} "$tree/DEBIAN/"
  echo /etc/pinagent/config.yaml >"$tree/DEBIAN/conffiles"
  (cd "$tree" && find etc usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
  cat >"$tree/DEBIAN/control" <<CONTROL
Package: pinagent
Version: $version-1
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(find "$work/tree" -type f -printf '%s\n' | awk '{ kib += int(($1 + 1023) / 1024) } END { print kib }')
Depends: libc6 (>= ${glibc#GLIBC_}), libssl3t64 | libssl3
Section: admin
Priority: optional
Description: Pins the vCPUs of dedicated virtual machines, each to its own CPU
 PinAgent pins each vCPU thread of a dedicated QEMU guest to one CPU, QEMU's own
 threads to another, and keeps them there, whatever started the guest: libvirt,
 Proxmox, Incus or a script.
 .
 After installing, the service is off, and its settings let it only report:
 /usr/share/doc/pinagent/plain-host.md.
CONTROL
  settle "$tree"
  # One thread: how xz cuts the data would depend on their number.
  dpkg-deb --root-owner-group --threads-max=1 -Zxz --build "$tree" "$output/pinagent_$version-1_$architecture.deb" >/dev/null
}

make_rpm() {
  local machine
  case $architecture in
    amd64) machine=x86_64 ;;
    arm64) machine=aarch64 ;;
    *) machine=$architecture ;;
  esac
  rpmbuild -bb --quiet --target "$machine" --define "_topdir $work/rpm" --define "_rpmdir $output" --define "_tmppath $work" \
    --define "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" --define "_buildhost localhost" \
    --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" \
    --define "_binary_payload w6.xzdio" --define "pinagent_version $version" --define "pinagent_tree $work/tree" \
    "$here/pinagent.spec"
}

while (($# > 0)); do
  case $1 in
    --program | --output)
      [[ -n ${2:-} ]] || wrong_call "$1: expected a value"
      case $1 in
        --program) program=$2 ;;
        --output) output=$2 ;;
      esac
      shift 2
      ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    *) wrong_call "expected --program or --output, found \"$1\"" ;;
  esac
done
[[ -n $program ]] || wrong_call "expected --program FILE"
[[ -x $program ]] || fail "$program: no program"

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
install_missing
work=$(mktemp -d -t pinagent-package.XXXXXX)
output=$(mkdir -p "$output" && cd "$output" && pwd)
architecture=$(dpkg --print-architecture)
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$repository" log -1 --format=%ct)} || fail "$repository: not a git clone, and no SOURCE_DATE_EPOCH"
export SOURCE_DATE_EPOCH=$epoch
readonly maintainer="The PinAgent authors <noreply@pinagent.dev>"
version=$("$program" --version) || fail "$program: it doesn't start here"
# Before the version that it leads to, in the order of both kinds of packages.
version=${version//-/\~}

umask 022
fill "$work/tree"
settle "$work/tree"
make_deb || fail "no .deb, as said above"
make_rpm || fail "no .rpm, as said above"
