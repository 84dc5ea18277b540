#!/bin/bash
#
# Makes what a release consists of, from this commit. CONTRIBUTING.md says how to tag, sign and publish it.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: release.sh [--output DIR] [--part all|machine|common] [--image NAME@DIGEST]
#
#   --output DIR          where the files go (default: artifacts/release); what is in it is removed
#   --part PART           machine: what is for this machine's architecture; common: the rest; all: both (default)
#   --image NAME@DIGEST   what manifests and chart call the image: one in a registry, perhaps for several architectures. With
#                         --part all the default is localhost/pinagent with the digest of the image made here
#
# VERSION is that of Directory.Build.props, ARCH this machine's. Of the machine:
#
#   pinagent-VERSION-image-ARCH.tar             the image, an OCI archive
#   pinagent-VERSION-linux-ARCH.tar.gz          the same program, with the unit for systemd and completions for shells
#   pinagent_VERSION-1_ARCH.deb                 the same for Debian's family, with settings and the manual too
#   pinagent-VERSION-1.MACHINE.rpm              and for Red Hat's
#
# Common:
#
#   pinagent-VERSION-deploy.tar.gz              manifests, with the image's digest, policies, alerts, documents, kubectl-pinagent
#   pinagent-VERSION.tgz                        the Helm chart, with the image's digest
#   pinagent-VERSION-kubectl-plugin.tar.gz      kubectl-pinagent for krew, and if PINAGENT_SOURCE_URL, the repository's address,
#   pinagent-VERSION-krew.yaml                  is set, the manifest that names its address and checksum
#   pinagent-VERSION.cdx.json                   the program's NuGet packages, as CycloneDX; Debian's are listed in the image's
#                                               /var/lib/dpkg/status.d
#
# And SHA256SUMS of all that was made.
#
# Example: deploy/release.sh --output /tmp/pinagent-release
#
# Needs what deploy/image/build.sh and deploy/package/build.sh need. Says so if this commit isn't the one tagged vVERSION, and
# goes on. Exits with 0; 2 if the call is wrong; 3 if something couldn't be made.
#--help-end

set -euo pipefail

readonly CYCLONEDX=6.3.1
# Formats the code, and is in no program.
readonly NOT_SHIPPED=CSharpier.MsBuild

repository=$(cd "$(dirname "$0")/.." && pwd)
readonly repository
output=$repository/artifacts/release
part=all
name=localhost/pinagent
digest=
work=

say() { echo "release: $*" >&2; }

fail() {
  say "$*"
  exit 3
}

cleanup() {
  trap - EXIT INT TERM
  [[ -z $work ]] || rm -rf "$work"
}

# pack FILE FOLDER: FOLDER of $work, the same bytes for the same content.
pack() {
  tar --create --directory "$work" --format=gnu --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner \
    --mode=u+rwX,go+rX,go-w "$2" | gzip -9 --no-name >"$output/$1"
}

# The program as it is in the image, so that it's compiled once and the two are the same.
unpack_program() {
  local blob
  mkdir "$work/layout"
  tar --extract --file "$1" --directory "$work/layout"
  for blob in "$work"/layout/blobs/sha256/*; do
    if tar --extract --gzip --to-stdout --file "$blob" ./usr/bin/pinagent >"$2" 2>/dev/null; then
      chmod 0755 "$2"
      return
    fi
  done
  fail "$1: no layer has usr/bin/pinagent"
}

list_packages() {
  dotnet tool install --tool-path "$work/tools" CycloneDX --version "$CYCLONEDX" &&
    "$work/tools/dotnet-CycloneDX" "$repository/agent/PinAgent.csproj" --recursive --exclude-filter "$NOT_SHIPPED" \
      --set-name pinagent --set-version "$version" --output-format Json --output "$output" \
      --filename "pinagent-$version.cdx.json"
}

make_machine() {
  local image=$output/pinagent-$version-image-$architecture.tar program=pinagent-$version-linux-$architecture shell made
  made=$("$repository/deploy/image/build.sh" --output "$image" --tag "localhost/pinagent:$version") || fail "no image, as said above"
  digest=${digest:-$made}
  say "image: $made"
  mkdir "$work/$program"
  unpack_program "$image" "$work/$program/pinagent"
  cp "$repository/LICENSE" "$repository/CHANGELOG.md" "$repository/deploy/systemd/pinagent.service" \
    "$repository/deploy/docs/plain-host.md" "$work/$program/"
  mkdir "$work/$program/completion"
  for shell in bash zsh fish; do
    "$work/$program/pinagent" completion "$shell" >"$work/$program/completion/pinagent.$shell" || fail "no completion for $shell"
  done
  pack "$program.tar.gz" "$program"
  SOURCE_DATE_EPOCH=$epoch "$repository/deploy/package/build.sh" --program "$work/$program/pinagent" --output "$output" ||
    fail "no packages, as said above"
}

# put FILE PATTERN TEXT: a line of FILE becomes another, or there's no release.
put() {
  grep -qx "$2" "$1" || fail "${1#"$work"/}: expected a line \"$2\", to put the image in"
  sed -i "s|^$2\$|$3|" "$1"
}

make_common() {
  local tree=$work/pinagent-$version plugin=pinagent-$version-kubectl-plugin chart
  mkdir "$tree"
  git -C "$repository" archive HEAD deploy LICENSE README.md CHANGELOG.md | tar --extract --directory "$tree"
  # The manifests of a release name its image and no other.
  put "$tree/deploy/base/kustomization.yaml" '  newName: localhost/pinagent' "  newName: $name"
  put "$tree/deploy/base/kustomization.yaml" '  newTag: dev' "  digest: $digest"
  chart=$tree/deploy/helm/pinagent
  put "$chart/values.yaml" '  repository: localhost/pinagent' "  repository: $name"
  put "$chart/values.yaml" '  digest: ""' "  digest: $digest"
  pack "pinagent-$version-deploy.tar.gz" "pinagent-$version"
  # In the archive of the chart its link is the file.
  cp --recursive --dereference "$chart" "$work/pinagent"
  pack "pinagent-$version.tgz" pinagent

  mkdir "$work/$plugin"
  cp "$repository/deploy/kubectl-pinagent" "$repository/LICENSE" "$work/$plugin/"
  pack "$plugin.tar.gz" "$plugin"
  if [[ -n ${PINAGENT_SOURCE_URL:-} ]]; then
    sed -e '/^#/d' -e "s|VERSION|$version|g; s|SOURCE_URL|${PINAGENT_SOURCE_URL%/}|g" \
      -e "s|SHA256|$(sha256sum "$output/$plugin.tar.gz" | cut -c 1-64)|" "$repository/deploy/krew/pinagent.yaml" \
      >"$output/pinagent-$version-krew.yaml"
  else
    say "no manifest for krew: PINAGENT_SOURCE_URL isn't set"
  fi

  list_packages >"$work/log" 2>&1 || fail "no list of packages: $(tail -n 3 "$work/log")"
}

wrong_call() {
  echo "release.sh: $*; see --help" >&2
  exit 2
}

while (($# > 0)); do
  case $1 in
    --output | --part | --image)
      [[ -n ${2:-} ]] || wrong_call "$1: expected a value"
      case $1 in
        --output) output=$2 ;;
        --part) part=$2 ;;
        --image)
          [[ $2 =~ ^([a-z0-9./:_-]+)@(sha256:[0-9a-f]{64})$ ]] || wrong_call "--image: expected NAME@sha256:…, found \"$2\""
          name=${BASH_REMATCH[1]} digest=${BASH_REMATCH[2]}
          ;;
      esac
      shift 2
      ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    *) wrong_call "expected --output, --part or --image, found \"$1\"" ;;
  esac
done
[[ $part =~ ^(all|machine|common)$ ]] || wrong_call "--part: expected all, machine or common, found \"$part\""
[[ $part != common || -n $digest ]] || wrong_call "--part common: expected --image, for the manifests to name"
[[ $part != machine || -z $digest ]] || wrong_call "--part machine: nothing of it names an image"

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
work=$(mktemp -d -t pinagent-release.XXXXXX)

version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$repository/Directory.Build.props")
epoch=$(git -C "$repository" log -1 --format=%ct) || fail "$repository: not a git clone"
[[ -z $(git -C "$repository" status --porcelain) ]] || say "this clone has changes that aren't committed"
[[ $(git -C "$repository" tag --points-at HEAD) == *"v$version"* ]] || say "this commit isn't tagged v$version"
grep -q "^## $version" "$repository/CHANGELOG.md" || say "CHANGELOG.md has no section $version"
architecture=$(dpkg --print-architecture)
output=$(mkdir -p "$output" && cd "$output" && pwd)
rm -f "$output"/pinagent[-_]* "$output/SHA256SUMS"

[[ $part == common ]] || make_machine
[[ $part == machine ]] || make_common

(cd "$output" && sha256sum pinagent[-_]* >SHA256SUMS)
say "$output:"
cat "$output/SHA256SUMS"
