#!/bin/bash
#
# Builds PinAgent's container image on a Debian machine, without a registry and without a container engine: the agent as
# one native program, and of Debian only the libraries it loads, in an OCI archive.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: build.sh [--output FILE] [--tag NAME:TAG]
#        build.sh --program FILE
#
#   --output FILE     the archive (default: artifacts/image/pinagent.tar)
#   --tag NAME:TAG    what the image is called (default: localhost/pinagent:dev)
#   --program FILE    only the native program, without an image
#
# Then one of:  ctr -n k8s.io images import FILE    podman load -i FILE    kind load image-archive FILE
#
# Prints the image's digest. The same commit gives the same digest on machines with the same .NET SDK, compiler and
# libraries: times are the commit's. The image is for this machine's own architecture, amd64 or arm64.
#
# Needs Debian, the .NET SDK 10 and NuGet. Installs what is missing of: gcc, libssl3, zlib1g-dev.
# The native program is kept in ${XDG_CACHE_HOME:-~/.cache}/pinagent/native, by the content it was compiled from: two to
# five minutes are saved.
#
# PINAGENT_SOURCE_URL, if set, is the repository's address, for the label org.opencontainers.image.source.
#
# Elsewhere: docker build -f deploy/image/Dockerfile .
#--help-end

set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/pinagent/native
readonly sources=(agent native-interop Directory.Build.props Directory.Packages.props global.json)
readonly MOUNT_POINTS=(dev proc run/pinagent sys tmp var/lib/kubelet)
# A program that wasn't used for so long is removed when another is compiled.
readonly KEEP_DAYS=30

output=$repository/artifacts/image/pinagent.tar
tag=localhost/pinagent:dev
program_output=
work=

say() { echo "image: $*" >&2; }

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
  local missing=() package
  command -v dotnet >/dev/null || fail "needs the .NET SDK 10 on the path"
  command -v dpkg-query >/dev/null || fail "needs Debian; elsewhere: docker build -f deploy/image/Dockerfile ."
  for package in gcc libssl3 zlib1g-dev; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
  done
  ((${#missing[@]} > 0)) || return 0
  ((EUID == 0)) || fail "needs ${missing[*]}: apt-get install ${missing[*]}"
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Changes with anything that goes into the native program, the way it's compiled included.
native_key() {
  {
    (cd "$repository" && find "${sources[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
    dotnet --version
    gcc --version
    declare -f compile
  } | sha256sum | cut -c 1-32
}

# compile FOLDER: leaves FOLDER/out/pinagent. Without debug information, which differs from build to build and goes into the
# module's id, and with the folder's name mapped: the same source, the same bytes.
compile() {
  mkdir "$1" || return
  (cd "$repository" && cp -r "${sources[@]}" .editorconfig "$1/") || return
  dotnet publish "$1/agent" -c Release -r "$rid" -o "$1/out" -nologo -v quiet \
    -p:PublishAot=true -p:CppCompilerAndLinker=gcc -p:DebugType=none -p:PathMap="$1=/src" >&2
}

# Leaves the native program's path in $program.
find_program() {
  local key lock
  key=$(native_key)
  program=$cache/$key
  mkdir -p "$cache"
  exec {lock}>"$cache/lock"
  flock "$lock"
  if [[ -f $program ]]; then
    touch "$program"
  else
    say "compiling the agent for $rid: two to five minutes"
    # The compiler's servers stay for a while, without the lock.
    (exec {lock}>&- && compile "$work/native") || fail "the agent doesn't compile, as said above"
    find "$cache" -maxdepth 1 -type f -mtime "+$KEEP_DAYS" -delete
    mv "$work/native/out/pinagent" "$program.new" && mv "$program.new" "$program"
  fi
  exec {lock}>&-
}

# The loader and the libraries: those that the linker names, and OpenSSL's, which .NET looks for at the first HTTPS call.
libraries() {
  readelf -l "$1" | sed -n 's/.*program interpreter: \(.*\)]/\1/p'
  ldd "$1" | awk '$2 == "=>" { print $3 }'
  ldconfig -p | awk -v machine="$machine" '$1 ~ /^lib(ssl|crypto)\.so\.3$/ && index($0, machine) { print $NF }'
}

# fill_root DIR PROGRAM
fill_root() {
  local root=$1 library package
  for library in "${MOUNT_POINTS[@]}"; do mkdir -p "$root/$library"; done
  install -D -m 0755 "$2" "$root/usr/bin/pinagent"
  install -D -m 0644 "$repository/LICENSE" "$root/usr/share/doc/pinagent/copyright"
  while read -r library; do
    install -D -m 0755 "$library" "$root$library"
    # Where scanners look for packages in an image that has no dpkg.
    package=$({ dpkg-query -S "$(readlink -f "$library")" "$library" 2>/dev/null || true; } | head -n 1 | cut -d : -f 1)
    [[ -n $package ]] || fail "$library: no Debian package has it"
    install -D -m 0644 "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
    mkdir -p "$root/var/lib/dpkg/status.d"
    dpkg-query -s "$package" >"$root/var/lib/dpkg/status.d/$package"
  done < <(libraries "$2" | sort -u)
}

# Packs the folder $1: the same content, the same bytes.
pack() {
  tar --create --directory "$1" --format=gnu --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner \
    --mode=u+rwX,go+rX,go-w .
}

digest() { sha256sum "$1" | cut -c 1-64; }

# blob MEDIA_TYPE: stores the standard input in the layout, and prints its descriptor.
blob() {
  local file=$work/blob hash
  cat >"$file"
  hash=$(digest "$file")
  printf '{"mediaType":"%s","digest":"sha256:%s","size":%s}' "$1" "$hash" "$(stat -c %s "$file")"
  mv "$file" "$work/layout/blobs/sha256/$hash"
}

# What is known of the image, in the form of a JSON object: the annotations of opencontainers/image-spec.
labels() {
  local prefix=org.opencontainers.image
  printf '{"%s":"%s"' "$prefix.title" PinAgent
  printf ',"%s":"%s"' \
    "$prefix.description" "Pins the vCPUs of dedicated virtual machines, each to its own CPU" \
    "$prefix.version" "$version" "$prefix.revision" "$revision" "$prefix.created" "$created" \
    "$prefix.licenses" Apache-2.0 ${PINAGENT_SOURCE_URL:+"$prefix.source" "$PINAGENT_SOURCE_URL"}
  printf '}'
}

# Fills $work/layout from the folder $1, and prints the image's digest.
make_layout() {
  local type=application/vnd.oci.image layer config manifest
  mkdir -p "$work/layout/blobs/sha256"
  pack "$1" >"$work/layer.tar"
  layer=$(gzip -9 --no-name <"$work/layer.tar" | blob "$type.layer.v1.tar+gzip")
  config=$(
    blob "$type.config.v1+json" <<<"{\"created\":\"$created\",\"architecture\":\"$architecture\",\"os\":\"linux\",\
\"config\":{\"Env\":[\"PATH=/usr/bin\"],\"Entrypoint\":[\"/usr/bin/pinagent\"],\"Cmd\":[\"run\"],\"Labels\":$(labels)},\
\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:$(digest "$work/layer.tar")\"]},\
\"history\":[{\"created\":\"$created\",\"created_by\":\"deploy/image/build.sh\"}]}"
  )
  manifest=$(
    blob "$type.manifest.v1+json" <<<"{\"schemaVersion\":2,\"mediaType\":\"$type.manifest.v1+json\",\
\"config\":$config,\"layers\":[$layer],\"annotations\":$(labels)}"
  )
  # containerd goes by the first name, Podman by the second.
  echo "{\"schemaVersion\":2,\"mediaType\":\"$type.index.v1+json\",\"manifests\":[${manifest%\}},\
\"platform\":{\"architecture\":\"$architecture\",\"os\":\"linux\"},\
\"annotations\":{\"io.containerd.image.name\":\"$tag\",\"org.opencontainers.image.ref.name\":\"$tag\"}}]}" \
    >"$work/layout/index.json"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$work/layout/oci-layout"
  manifest=${manifest#*'"digest":"'}
  echo "${manifest%%\"*}"
}

while (($# > 0)); do
  case $1 in
    --output | --tag | --program)
      [[ -n ${2:-} ]] || wrong_call "$1: expected a value"
      case $1 in
        --output) output=$2 ;;
        --tag) tag=$2 ;;
        --program) program_output=$2 ;;
      esac
      shift 2
      ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    *) wrong_call "expected --output, --tag or --program, found \"$1\"" ;;
  esac
done
[[ $tag =~ ^[a-z0-9./:_-]+:[A-Za-z0-9._-]+$ ]] || wrong_call "--tag: expected NAME:TAG, found \"$tag\""

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
install_missing
architecture=$(dpkg --print-architecture)
case $architecture in
  amd64) rid=linux-x64 machine=x86-64 ;;
  arm64) rid=linux-arm64 machine=AArch64 ;;
  *) fail "expected a machine of architecture amd64 or arm64, found $architecture" ;;
esac
work=$(mktemp -d -t pinagent-image.XXXXXX)

git() { command git -C "$repository" "$@" 2>/dev/null; }
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$repository/Directory.Build.props")
revision=$(git rev-parse HEAD || echo unknown)
[[ -z $(git status --porcelain -- "${sources[@]}" deploy/image) ]] || revision+=-modified
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct || echo 0)}
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)

find_program
if [[ -n $program_output ]]; then
  cp "$program" "$program_output"
  exit 0
fi
fill_root "$work/root" "$program"
digest=$(make_layout "$work/root")
mkdir -p "$(dirname "$output")"
pack "$work/layout" >"$output"
say "$output: $tag, $architecture, $(($(stat -c %s "$work/layer.tar") / 1000000)) MB unpacked, $(($(stat -c %s "$output") / 1000000)) MB packed"
echo "$digest"
