#!/bin/bash
#
# Makes the packages of this tree, twice, and installs them in a small Debian of their own: what is where, what the maintainer
# scripts ask of systemd, with it and without, and what is left after an upgrade, a removal and a purge. The .rpm goes into the
# same Debian, by rpm itself; no Fedora is had here. Then what a release has beside them: the chart's archive, and the plugin, as
# krew unpacks it.
# Needs root and Debian. Installs what is missing of: debootstrap, rpm, binutils, man-db. The Debian is made once, for half a minute, and kept
# in ${XDG_CACHE_HOME:-~/.cache}/pinagent/debian. Exits with 77, and says why, if it can't run here.

set -euo pipefail

readonly CANNOT_RUN=77

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/pinagent/debian
# What every program here needs; systemd isn't there, as in a container.
readonly WITH=openssl

work=
root=

cannot() {
  echo "packages.sh: $*"
  exit "$CANNOT_RUN"
}

fail() {
  echo "packages.sh: $*" >&2
  exit 1
}

cleanup() {
  trap - EXIT INT TERM
  [[ -z $work ]] || rm -rf "$work"
}

# shellcheck source=/dev/null
. "$(dirname "$0")/debian.sh"

install_missing() {
  local missing=() pair
  for pair in debootstrap:debootstrap rpm:rpm objdump:binutils man:man-db; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  ((${#missing[@]} > 0)) || return 0
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; } ||
    cannot "can't install ${missing[*]}"
}

# Leaves a fresh Debian of this machine's release in $root.
fresh_root() {
  local suite archive lock
  # shellcheck source=/dev/null
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  archive=$cache/$suite-$(dpkg --print-architecture).tar.gz
  mkdir -p "$cache"
  exec {lock}>"$cache/lock"
  flock "$lock"
  if [[ ! -f $archive ]]; then
    echo "packages.sh: making a small Debian ($suite), once"
    debootstrap --variant=minbase --include="$WITH" "$suite" "$work/new" "$(debian_mirror)" >"$work/log" 2>&1 ||
      { tail -n 5 "$work/log" && cannot "debootstrap can't make a Debian here"; }
    tar --create --directory "$work/new" . | gzip -1 >"$archive.new"
    mv "$archive.new" "$archive"
    rm -rf "$work/new"
  fi
  exec {lock}>&-
  root=$work/root
  rm -rf "$root"
  mkdir "$root"
  tar --extract --gzip --directory "$root" --file "$archive"
}

# Runs a command there, with this machine's CPUs and without its processes; nothing stays mounted.
there() {
  # shellcheck disable=SC2016 # the inner shell's
  unshare --mount --pid --fork sh -c 'mount -t proc proc "$0/proc" && mount --rbind /sys "$0/sys" && exec chroot "$0" "$@"' "$root" env -i \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}

# apt, with the packages of /packages, and what it says only if it fails.
apt_there() { there apt-get -y -qq -o Dpkg::Options::=--force-confold "$@" >"$work/log" 2>&1 || { cat "$work/log" && fail "apt-get $*"; }; }

# expect WHAT EXPECTED FOUND
expect() { [[ $3 == "$2" ]] || fail "$1: expected \"$2\", found \"$3\""; }

# has FILE...: these are there.
has() {
  local file
  for file in "$@"; do [[ -s $root$file ]] || fail "$file: not there"; done
}

# A systemctl that only writes down what it's asked for, on a machine that systemd has booted.
add_systemd() {
  mkdir -p "$root/run/systemd/system"
  printf '#!/bin/sh\necho "$*" >>/asked\n' >"$root/usr/bin/systemctl"
  chmod 0755 "$root/usr/bin/systemctl"
  : >"$root/asked"
}

# What it was asked since the last time, in a line.
asked() { paste -sd, "$root/asked" && : >"$root/asked"; }

# The same package of a lower version, with other settings.
make_older() {
  dpkg-deb --raw-extract "$deb" "$work/older"
  sed -i 's/^Version: .*/Version: 0.0.1-1/' "$work/older/DEBIAN/control"
  echo '# of an older version' >>"$work/older/etc/pinagent/config.yaml"
  dpkg-deb -Znone --root-owner-group --build "$work/older" "$work/older.deb" >/dev/null
}

check_manual() {
  local page
  for page in "$root"/usr/share/man/man1/pinagent*.1.gz; do
    MANWIDTH=80 man --warnings=w --local-file "$page" >/dev/null 2>"$work/log" || fail "$page: man can't show it"
    [[ ! -s $work/log ]] || { cat "$work/log" && fail "$page: man has something to say"; }
  done
  man --local-file "$root/usr/share/man/man1/pinagent-run.1.gz" | grep -q -e '--state-dir' || fail "pinagent-run(1): no --state-dir"
}

# Those that the program lists have a page each, and no others have.
check_pages() {
  local commands
  commands=$(there pinagent --help | sed -n '/^Commands:$/,/^$/s/^  \([a-z][a-z]*\).*/pinagent-\1.1.gz/p')
  expect "pages of the manual" "$(printf 'pinagent.1.gz\n%s\n' "$commands" | LC_ALL=C sort)" \
    "$(cd "$root/usr/share/man/man1" && find . -name 'pinagent*' -printf '%f\n' | LC_ALL=C sort)"
}

check_deb() {
  local before=$work/before
  fresh_root
  mkdir "$root/packages"
  cp "$deb" "$root/packages/new.deb"
  cp "$work/older.deb" "$root/packages/older.deb"
  find "$root" -path "$root/packages" -prune -o -path '*/var/*' -prune -o -print | LC_ALL=C sort >"$before"

  # Without systemd, from nothing to nothing.
  apt_there install /packages/new.deb
  expect "pinagent --version" "$version" "$(there pinagent --version)"
  there pinagent topology >/dev/null || fail "pinagent topology: it doesn't run there"
  has /usr/lib/systemd/system/pinagent.service /usr/share/doc/pinagent/{copyright,changelog.Debian.gz,changelog.gz,plain-host.md} \
    /usr/share/bash-completion/completions/pinagent /usr/share/zsh/vendor-completions/_pinagent \
    /usr/share/fish/vendor_completions.d/pinagent.fish
  grep -q '^ExecStart=/usr/bin/pinagent run --standalone$' "$root/usr/lib/systemd/system/pinagent.service" || fail "the unit: no ExecStart"
  there bash -c '. /usr/share/bash-completion/completions/pinagent && complete -p pinagent' >/dev/null || fail "bash doesn't complete it"
  there pinagent run --standalone --once -o json >"$work/status" || fail "the settings that come with it aren't taken"
  grep -q '"mode": *"audit"' "$work/status" || fail "the settings that come with it: expected mode audit"
  check_pages
  check_manual
  (cd "$root" && md5sum --quiet --check var/lib/dpkg/info/pinagent.md5sums) || fail "other files than the package's"
  apt_there purge pinagent
  find "$root" -path "$root/packages" -prune -o -path '*/var/*' -prune -o -print | LC_ALL=C sort | diff "$before" - ||
    fail "the purge left what is shown above"
  [[ -z $(find "$root"/var/lib/dpkg/info -name 'pinagent*') ]] || fail "the purge left something in dpkg's folder"

  # With systemd: upgraded while it runs, removed, purged.
  add_systemd
  apt_there install /packages/older.deb
  expect "a first install asks systemd" "daemon-reload" "$(asked)"
  apt_there install /packages/new.deb
  ! grep -q "of an older version" "$root/etc/pinagent/config.yaml" || fail "an upgrade: expected settings that nobody edited to become the new ones"
  expect "an upgrade asks systemd" "daemon-reload,try-restart pinagent.service" "$(asked)"
  apt_there install --allow-downgrades /packages/older.deb
  echo 'mode: enforce' >"$root/etc/pinagent/config.yaml"
  apt_there install /packages/new.deb
  expect "the edited settings after an upgrade" "mode: enforce" "$(cat "$root/etc/pinagent/config.yaml")"
  has /etc/pinagent/config.yaml.dpkg-dist
  : >"$root/asked"
  # What a running service leaves.
  mkdir -p "$root/run/pinagent"
  apt_there remove pinagent
  expect "a removal asks systemd" "disable --now pinagent.service,daemon-reload" "$(asked)"
  expect "the edited settings after a removal" "mode: enforce" "$(cat "$root/etc/pinagent/config.yaml")"
  [[ -d $root/run/pinagent && ! -e $root/usr/bin/pinagent ]] || fail "a removal: expected the program to go, its state to stay"
  apt_there purge pinagent
  [[ ! -e $root/etc/pinagent && ! -e $root/run/pinagent ]] || fail "a purge: expected neither settings nor state"
}

# rpm on this machine, with the Debian as its root: scripts run there, and nothing of rpm is in it.
rpm_there() { rpm --root "$root" "$@" </dev/null >"$work/log" 2>&1 || { cat "$work/log" && fail "rpm $*"; }; }

check_rpm() {
  local names
  names=$(rpm -qp --requires "$rpm")
  grep -qE '^libc\.so\.6\(GLIBC_' <<<"$names" || fail ".rpm: expected it to require a glibc, found: $names"
  grep -qF 'libssl.so.3()(64bit)' <<<"$names" || fail ".rpm: expected it to require OpenSSL, found: $names"
  expect ".rpm: settings" /etc/pinagent/config.yaml "$(rpm -qp --configfiles "$rpm")"
  # The same files as in the .deb, but for zsh's folder and what is Debian's own.
  diff <(dpkg-deb --fsys-tarfile "$deb" | tar --list | grep -v -e '/$' -e changelog.Debian | sed -e 's|^\.||' -e 's|/vendor-completions/|/site-functions/|' | LC_ALL=C sort) \
    <(rpm -qp --queryformat '[%{FILEMODES:perms} %{FILENAMES}\n]' "$rpm" | sed -n 's/^-[^ ]* //p' | LC_ALL=C sort) ||
    fail ".rpm: expected the .deb's files, as in the difference above"
  add_systemd
  rpm_there --initdb
  rpm_there --install --nodeps "$rpm"
  expect ".rpm: a first install asks systemd" daemon-reload "$(asked)"
  expect "pinagent --version, of the .rpm" "$version" "$(there pinagent --version)"
  has /usr/share/zsh/site-functions/_pinagent /usr/share/man/man1/pinagent-run.1.gz /usr/lib/systemd/system/pinagent.service
  echo 'mode: enforce' >"$root/etc/pinagent/config.yaml"
  rpm_there --upgrade --nodeps --replacepkgs "$rpm"
  expect ".rpm: the edited settings after an upgrade" "mode: enforce" "$(cat "$root/etc/pinagent/config.yaml")"
  : >"$root/asked"
  rpm_there --erase --nodeps pinagent
  expect ".rpm: a removal asks systemd" "disable --now pinagent.service,daemon-reload" "$(asked)"
  [[ ! -e $root/usr/bin/pinagent && -e $root/etc/pinagent/config.yaml.rpmsave ]] ||
    fail ".rpm: expected a removal to take the program and to keep the edited settings aside"
}

# What a release has for all architectures.
check_common() {
  local digest made=$work/common manifest
  digest=sha256:$(printf '%064d' 5)
  PINAGENT_SOURCE_URL=https://example.org/pinagent "$repository/deploy/release.sh" --part common --output "$made" \
    --image "example.org/pinagent@$digest" >"$work/log" 2>&1 || { cat "$work/log" && fail "deploy/release.sh --part common"; }
  (cd "$made" && sha256sum --quiet --check SHA256SUMS) || fail "SHA256SUMS"
  mkdir "$work/unpacked"
  tar --extract --gzip --directory "$work/unpacked" --file "$made/pinagent-$version.tgz"
  [[ -z $(find "$work/unpacked/pinagent" -type l) ]] || fail "the chart's archive: expected files, found a link"
  grep -qx "  digest: $digest" "$work/unpacked/pinagent/values.yaml" || fail "the chart's archive: expected the image's digest"
  tar --extract --gzip --to-stdout --file "$made/pinagent-$version-deploy.tar.gz" "pinagent-$version/deploy/base/kustomization.yaml" |
    grep -qx "  digest: $digest" || fail "the manifests' archive: expected the image's digest"
  # As krew does: the archive's checksum, the file that "from" means, and where "to" and "bin" say that it goes.
  manifest=$made/pinagent-$version-krew.yaml
  ! grep -nE 'VERSION|SHA256|SOURCE_URL' "$manifest" || fail "krew's manifest: not filled in, as shown above"
  sed -n 's/^    sha256: //p' "$manifest" | sed "s|\$|  $made/pinagent-$version-kubectl-plugin.tar.gz|" | sha256sum --quiet --check ||
    fail "krew's manifest: another checksum than the archive's"
  grep -qx "    uri: https://example.org/pinagent/releases/download/v$version/pinagent-$version-kubectl-plugin.tar.gz" "$manifest" ||
    fail "krew's manifest: another address than the release's"
  tar --extract --gzip --directory "$work/unpacked" --file "$made/pinagent-$version-kubectl-plugin.tar.gz"
  mkdir "$work/krew"
  cp "$work/unpacked"/*/kubectl-pinagent "$work/unpacked"/*-kubectl-plugin/LICENSE "$work/krew/"
  PATH=$work/krew:$PATH kubectl-pinagent --help | grep -q '^Usage: kubectl pinagent' ||
    fail "the plugin, as krew installs it, doesn't start"
}

((EUID == 0)) || cannot "needs root"
command -v apt-get >/dev/null || cannot "needs Debian"
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
work=$(mktemp -d -t pinagent-packages.XXXXXX)
install_missing

"$repository/deploy/image/build.sh" --program "$work/pinagent" || cannot "the native program can't be built here, as said above"
version=$("$work/pinagent" --version)
# Two at a time, since packing takes most of it.
"$repository/deploy/package/build.sh" --program "$work/pinagent" --output "$work/once" >/dev/null 2>"$work/once.log" &
once=$!
# On another machine, at another time.
(umask 077 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 NODE_NAME=other "$repository/deploy/package/build.sh" --program "$work/pinagent" --output "$work/again") >/dev/null
wait "$once" || { cat "$work/once.log" && fail "no packages"; }
diff <(cd "$work/once" && sha256sum ./*) <(cd "$work/again" && sha256sum ./*) || fail "made twice, the packages differ, as shown above"
deb=$(echo "$work"/once/pinagent_*.deb)
rpm=$(echo "$work"/once/pinagent-*.rpm)
make_older
check_deb
check_rpm
check_common
echo "packages.sh: ${deb##*/} and ${rpm##*/}: installed, upgraded, removed, purged"
