#!/bin/bash
#
# Renders deploy/helm/pinagent, with its own values and with each that it has, and compares the objects with those of deploy/base
# and the overlays: helm-chart/cases.yaml. Helm itself isn't run, as Debian hasn't got it: helm-chart/render is a small program
# of what Helm renders with, text/template, sprig and a checker of JSON schemas.
# Needs Debian and a kubectl of 1.21 or later. Installs what is missing of Go and these libraries. Exits with 77, and says why, if
# it can't run here.

set -euo pipefail

readonly CANNOT_RUN=77
readonly PACKAGES=(golang-go golang-github-masterminds-sprig-dev golang-github-xeipuuv-gojsonschema-dev golang-k8s-sigs-yaml-dev)

repository=$(cd "$(dirname "$0")/../.." && pwd)
readonly repository

cannot() {
  echo "helm-chart.sh: $*"
  exit "$CANNOT_RUN"
}

install_missing() {
  local missing=() package
  command -v dpkg-query >/dev/null || cannot "needs Debian, for Go and its libraries"
  for package in "${PACKAGES[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
  done
  ((${#missing[@]} > 0)) || return 0
  ((EUID == 0)) || cannot "not root, so not installed: ${missing[*]}"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; } ||
    cannot "can't install ${missing[*]}"
}

command -v kubectl >/dev/null || cannot "needs a kubectl, to compare with"
! kubectl version --client 2>/dev/null | grep -qE 'v1\.(1?[0-9]|20)\.' || cannot "needs a kubectl of 1.21 or later"
install_missing
work=$(mktemp -d -t pinagent-helm.XXXXXX)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/go/src"
cp -r "$repository/tests/lanes/helm-chart/render" "$work/go/src/"
GOPATH=$work/go:/usr/share/gocode GOCACHE=$work/go-cache GO111MODULE=off GOFLAGS='' CGO_ENABLED=0 \
  go build -o "$work/render" render
cp -r "$repository/deploy" "$work/deploy"
"$work/render" --check "$work/deploy" "$repository/tests/lanes/helm-chart/cases.yaml"
# Without a tag, the chart's own version, which is the program's.
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$repository/Directory.Build.props")
"$work/render" "$work/deploy/helm/pinagent" pinagent | grep -qF "image: \"localhost/pinagent:$version\"" ||
  { echo "helm-chart.sh: expected the image of version $version; see deploy/helm/pinagent/Chart.yaml" >&2 && exit 1; }
