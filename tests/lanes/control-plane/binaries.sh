# shellcheck shell=bash
#
# The binaries of a Kubernetes cluster: etcd and kubectl from Debian's packages, unpacked and not installed, the others
# built once from Debian's source package and cached. Read by control-plane.sh, whose say, fail and need it uses; that
# ends the build's process group ($builder) and removes its folder ($build).

readonly CONTROL_PLANE_BINARIES=(etcd kube-apiserver kubectl)
# shellcheck disable=SC2034 # control-plane.sh uses it
readonly CONTROLLER_BINARIES=(kube-controller-manager kube-scheduler kubelet)
# kubectl's package stands for the source package, which has the same version.
readonly PACKAGES="kubernetes-client etcd-server golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev"
# Binaries that weren't used for so long are removed when others are built.
readonly UNUSED_DAYS=30

# has_binaries FOLDER NAME...
has_binaries() {
  local folder=$1 name
  shift
  for name in "$@"; do [ -x "$folder/$name" ] || return; done
}

# find_binaries NAME...: sets binaries to a folder with all of them; builds it if need be. KUBEBUILDER_ASSETS usually
# has no controllers and no kubelet: then all come from the build, in one version.
find_binaries() {
  binaries=${KUBEBUILDER_ASSETS:-/usr/local/kubebuilder/bin}
  ! has_binaries "$binaries" "$@" || return 0
  [ -z "${KUBEBUILDER_ASSETS:-}" ] || has_binaries "$binaries" "${CONTROL_PLANE_BINARIES[@]}" ||
    fail "expected ${CONTROL_PLANE_BINARIES[*]} in KUBEBUILDER_ASSETS, $KUBEBUILDER_ASSETS"

  local packages lock started=$SECONDS
  packages=$(package_versions)
  binaries=$CACHE/$(binaries_key "$packages")
  if [ -d "$binaries" ]; then
    touch "$binaries"
    return
  fi

  need dpkg-source dpkg-dev
  mkdir -p "$CACHE"
  exec {lock}>"$CACHE/lock"
  flock "$lock"
  if [ ! -d "$binaries" ]; then
    rm -rf "$CACHE"/build.* # of builds that were killed
    find "$CACHE" -mindepth 1 -maxdepth 1 -type d -mtime "+$UNUSED_DAYS" -exec rm -rf {} +
    build=$(mktemp -d "$CACHE/build.XXXXXX")
    say "building Kubernetes $(source_version "$packages"), once; this takes 6 to 20 minutes"
    # In a process group of its own, to end the compilers with it.
    set -m
    (TMPDIR=$build build_binaries "$packages" >"$build/log" 2>&1 </dev/null) &
    builder=$!
    set +m
    if ! wait "$builder"; then
      tail -n 20 "$build/log" >&2
      fail "could not build Kubernetes"
    fi
    builder=
    chmod 755 "$build/bin"
    mv "$build/bin" "$binaries"
    rm -rf "$build"
    build=
    say "built after $((SECONDS - started)) s, $(du -sh "$binaries" | cut -f 1)"
  fi
  exec {lock}>&-
}

# Prints "PACKAGE VERSION SOURCE_VERSION" for each of the packages.
package_versions() {
  local about
  # shellcheck disable=SC2086
  about=$(apt-cache show --no-all-versions $PACKAGES 2>/dev/null) ||
    fail "no API server: KUBEBUILDER_ASSETS isn't set, and apt doesn't know all of Debian 12's $PACKAGES" \
      "(has apt-get update been run?)"
  awk '
    /^Package: / { package = $2 }
    /^Source: / { source = $3; gsub(/[()]/, "", source) }
    /^Version: / { version = $2 }
    /^$/ && package { print package, version, source ? source : version; package = source = "" }
    END { if (package) print package, version, source ? source : version }
  ' <<<"$about"
}

source_version() { awk '$1 == "kubernetes-client" { print $3 }' <<<"$1"; }

# Changes with anything that goes into the binaries, the code that makes them included.
binaries_key() {
  {
    echo "$1" "$(dpkg --print-architecture)"
    declare -f build_binaries fetch_packages fetch_source build_kubernetes
  } | sha256sum | cut -c 1-16
}

# build_binaries PACKAGE_VERSIONS: fills $build/bin.
build_binaries() {
  mkdir -p "$build"/{bin,debs,root,source,lists/partial,go/src/k8s.io}
  fetch_packages "$1" || return
  fetch_source "$(source_version "$1")" || return
  build_kubernetes "$(source_version "$1")" || return
  cp "$build/root/usr/bin/"{etcd,kubectl} "$build/bin/"
}

# Unpacks the packages into $build/root.
fetch_packages() {
  local deb wanted
  mapfile -t wanted < <(awk '{ print $1 "=" $2 }' <<<"$1")
  (cd "$build/debs" && apt-get -qq -o APT::Sandbox::User=root download "${wanted[@]}") || return
  for deb in "$build"/debs/*.deb; do dpkg-deb -x "$deb" "$build/root" || return; done
}

# fetch_source VERSION: unpacks the source package into $build/go/src/k8s.io/kubernetes.
fetch_source() {
  # Few machines list source packages: ask the same Debian mirrors for them, with lists of our own.
  local keys=/usr/share/keyrings/debian-archive-keyring.gpg
  apt-get indextargets --format "deb-src [signed-by=$keys] \$(REPO_URI) \$(RELEASE) main" \
    'Created-By: Packages' 'Origin: Debian' 'Component: main' | sort -u >"$build/sources.list" || return
  local apt=(
    apt-get -qq -o Dir::Etc::SourceList="$build/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$build/lists" -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache= -o APT::Sandbox::User=root
  )
  "${apt[@]}" update || return
  (cd "$build/source" && "${apt[@]}" source --download-only "kubernetes=$1") || return
  dpkg-source --no-check -x "$build"/source/*.dsc "$build/go/src/k8s.io/kubernetes"
}

# build_kubernetes VERSION: what Kubernetes' makefiles do, but for these four binaries.
build_kubernetes() {
  local vendor=k8s.io/kubernetes/vendor version=${1#*really} tagged
  version=${version%%[-+]*}
  export GOROOT=$build/root/usr/lib/go-1.19 GOPATH=$build/go GOCACHE=$build/go-cache HOME=$build
  export GO111MODULE=off GOFLAGS='' CGO_ENABLED=0
  local go=$GOROOT/bin/go
  cd "$GOPATH/src/k8s.io/kubernetes" || return

  # The reflect2 that comes with the source crashes at the first server-side apply when built with Go 1.18 or later.
  rm -r vendor/github.com/modern-go/reflect2 || return
  cp -r "$build/root/usr/share/gocode/src/github.com/modern-go/reflect2" vendor/github.com/modern-go/ || return

  # The only generated file that isn't in the source: the schema of the built-in kinds, which server-side apply needs.
  "$go" build -o "$build/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen || return
  tagged=$(grep -Rl --include='*.go' --exclude-dir={code-generator,sample-apiserver} '^// *+k8s:openapi-gen=' \
    vendor/k8s.io pkg cmd plugin |
    sed -E 's#^(.*)/[^/]*$#k8s.io/kubernetes/\1#' | sort -u | paste -sd ,) || return
  "$build/openapi-gen" --logtostderr -i "$tagged" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
    -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$build/openapi-violations" || return

  local flags=() package
  for package in client-go/pkg/version component-base/version; do
    flags+=("-X $vendor/k8s.io/$package.gitVersion=v$version")
    flags+=("-X $vendor/k8s.io/$package.gitMajor=${version%%.*}")
    flags+=("-X $vendor/k8s.io/$package.gitMinor=$(cut -d . -f 2 <<<"$version")")
  done
  # Without the clouds' libraries, which are a good part of it.
  "$go" build -tags providerless -o "$build/bin/" -ldflags "-s -w ${flags[*]}" \
    ./cmd/kube-{apiserver,controller-manager,scheduler} ./cmd/kubelet
}
