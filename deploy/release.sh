#!/bin/bash
#
# Makes what a release consists of, from this commit. CONTRIBUTING.md says how to tag, sign and publish it.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: release.sh [--output DIR]
#
#   --output DIR    where the files go (default: artifacts/release); what is in it is removed
#
# VERSION is that of Directory.Build.props, ARCH this machine's:
#
#   pinagent-VERSION-image-ARCH.tar       the image, an OCI archive
#   pinagent-VERSION-linux-ARCH.tar.gz    the same program, with the unit for systemd and completions for shells
#   pinagent_VERSION-1_ARCH.deb           the same for Debian's family, and pinagent-VERSION-1.MACHINE.rpm for Red Hat's: with
#                                         settings and the manual too
#   pinagent-VERSION-deploy.tar.gz        manifests, with the image's digest, policies, alerts, documents, kubectl-pinagent
#   pinagent-VERSION.cdx.json             its NuGet packages, as CycloneDX; Debian's are listed in the image's
#                                         /var/lib/dpkg/status.d
#   SHA256SUMS                            of all of them
#
# Example: deploy/release.sh --output /tmp/pinagent-release
#
# Needs what deploy/image/build.sh and deploy/package/build.sh need. Says so if this commit isn't the one tagged vVERSION, and goes on.
# Exits with 0; 2 if the call is wrong; 3 if something couldn't be made.
#--help-end

set -euo pipefail

readonly CYCLONEDX=6.3.1
# Formats the code, and is in no program.
readonly NOT_SHIPPED=CSharpier.MsBuild

repository=$(cd "$(dirname "$0")/.." && pwd)
readonly repository
output=$repository/artifacts/release
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

while (($# > 0)); do
  case $1 in
    --output)
      [[ -n ${2:-} ]] || {
        echo "release.sh: --output: expected a folder; see --help" >&2
        exit 2
      }
      output=$2
      shift 2
      ;;
    -h | --help)
      sed -n '/^#--help-begin$/,/^#--help-end$/p' "$0" | sed -e '1d' -e '$d' -e 's/^# \{0,1\}//'
      exit 0
      ;;
    *)
      echo "release.sh: expected --output or --help, found \"$1\"" >&2
      exit 2
      ;;
  esac
done

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

image=$output/pinagent-$version-image-$architecture.tar
digest=$("$repository/deploy/image/build.sh" --output "$image" --tag "localhost/pinagent:$version") || fail "no image, as said above"

program=pinagent-$version-linux-$architecture
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

mkdir "$work/pinagent-$version"
git -C "$repository" archive HEAD deploy LICENSE README.md CHANGELOG.md | tar --extract --directory "$work/pinagent-$version"
# The manifests of a release name its image and no other.
base=$work/pinagent-$version/deploy/base/kustomization.yaml
sed -i "s|^  newTag: dev\$|  digest: $digest|" "$base"
grep -q "digest: $digest" "$base" || fail "deploy/base/kustomization.yaml: expected a line \"newTag: dev\" to put the digest in"
pack "pinagent-$version-deploy.tar.gz" "pinagent-$version"

list_packages >"$work/log" 2>&1 || fail "no list of packages: $(tail -n 3 "$work/log")"

(cd "$output" && sha256sum pinagent[-_]* >SHA256SUMS)
say "$output, image $digest:"
cat "$output/SHA256SUMS"
