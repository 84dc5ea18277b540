# shellcheck shell=bash
#
# The checker's program: built with the API server's own libraries out of Debian's packages, which are unpacked and not
# installed, and cached. Read by admission-policy.sh, whose say and cannot it uses; that ends the build's process
# group ($builder) and removes its folder ($build).

sources=$(cd "$(dirname "${BASH_SOURCE[0]}")/checker" && pwd)
readonly sources
# shellcheck source=/dev/null
. "$sources/../../debian.sh"
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/pinagent/admission-policy"
# Debian's newest: older releases have libraries from before there were such policies.
readonly SUITE=sid
readonly PACKAGES=(golang-k8s-apiserver-dev golang-k8s-apiextensions-apiserver-dev)
# The usual one first. The libraries aren't always ready for it, nor built with it.
readonly COMPILERS=(golang-go golang-1.26-go)
# When a build is allowed, one that is older is made anew, to go with the libraries.
readonly FRESH_DAYS=60
# Those of other sources that weren't used for so long are removed when one is built.
readonly UNUSED_DAYS=30

# find_checker BUILD: sets checker to the program. BUILD is true where it may be built, which takes ten minutes.
find_checker() {
  local may_build=$1 lock folder
  folder=$CACHE/$(checker_key)
  checker=$folder/checker
  if ! $may_build; then
    [ -x "$checker" ] || cannot "the checker isn't built yet: run.sh --full does it, once"
  elif ! is_fresh "$checker"; then
    mkdir -p "$CACHE"
    exec {lock}>"$CACHE/lock"
    flock "$lock"
    # Somebody else may have built it meanwhile.
    is_fresh "$checker" || replace_checker "$folder"
    exec {lock}>&-
  fi
  touch "$folder"
}

is_fresh() { [ -x "$1" ] && [ -z "$(find "$1" -mtime "+$FRESH_DAYS")" ]; }

# replace_checker FOLDER: keeps the checker that is there if none can be built.
replace_checker() {
  local folder=$1
  rm -rf "$CACHE"/build.* # of builds that were killed
  find "$CACHE" -mindepth 1 -maxdepth 1 -type d ! -path "$folder" -mtime "+$UNUSED_DAYS" -exec rm -rf {} +
  build=$(mktemp -d "$CACHE/build.XXXXXX")
  say "building the checker, once; this downloads 350 MB, needs 4 GB meanwhile and takes 5 to 20 minutes"
  # In a process group of its own, to end the compilers with it.
  set -m
  (build_checker >"$build/log" 2>&1 </dev/null) &
  builder=$!
  set +m
  if wait "$builder"; then
    builder=
    rm -rf "$folder"
    mv "$build/out" "$folder"
    say "built with $(head -n 1 "$folder/packages")"
  else
    builder=
    tail -n 5 "$build/log"
    [ -x "$folder/checker" ] || cannot "the checker can't be built, as said above"
    say "the checker can't be built anew, as said above: the last one is used, $(head -n 1 "$folder/packages")"
    # Not at every run.
    touch "$folder/checker"
  fi
  rm -rf "$build"
  build=
}

# Changes with the checker's sources, and not with the libraries' versions: to know those needs the network.
checker_key() {
  {
    cat "$sources"/*.go
    echo "$SUITE" "${PACKAGES[@]}" "$(dpkg --print-architecture)"
  } | sha256sum | cut -c 1-16
}

# Fills $build/out.
build_checker() {
  local mirror packages compiler deb
  mirror=$(debian_mirror) || {
    echo "apt knows no Debian mirror"
    return 1
  }
  mkdir -p "$build"/{out,root,lists/partial,cache/archives/partial,path/src} || return
  : >"$build/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $SUITE main" >"$build/sources.list"
  # Lists of its own, and a status as if nothing were installed.
  local apt=(
    -qq -o Dir::Etc::SourceList="$build/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$build/lists" -o Dir::State::status="$build/status" -o Dir::Cache="$build/cache"
    -o APT::Sandbox::User=root -o APT::Install-Recommends=false -o Debug::NoLocking=true
  )
  apt-get "${apt[@]}" update || {
    echo "no lists from $mirror"
    return 1
  }
  for compiler in "${COMPILERS[@]}"; do
    # Nothing is installed: -s only says what would be. What isn't Go isn't needed to compile.
    packages=$(apt-get "${apt[@]}" -s install "${PACKAGES[@]}" "$compiler" |
      sed -nE 's/^Inst (golang-[^ ]+) \(([^ ]+) .*/\1=\2/p') || continue
    [ -n "$packages" ] || continue
    # shellcheck disable=SC2086
    (cd "$build/cache/archives" && apt-get "${apt[@]}" download $packages) || return
    for deb in "$build"/cache/archives/*.deb; do
      dpkg-deb -x "$deb" "$build/root" || return
      rm "$deb"
    done
    if compile_checker; then
      { grep -F "${PACKAGES[0]}=" <<<"$packages" && cat <<<"$packages"; } >"$build/out/packages"
      return
    fi
    rm -rf "$build/root"
  done
  echo "the packages don't go together, or don't compile"
  return 1
}

compile_checker() {
  local goroot
  goroot=$(find "$build/root/usr/lib" -maxdepth 1 -name 'go-1.*' | sort -V | head -n 1)
  cp -r "$sources" "$build/path/src/pinagent-policy-checker" || return
  GOROOT=$goroot GOPATH=$build/path:$build/root/usr/share/gocode GOCACHE=$build/go-cache HOME=$build TMPDIR=$build \
    GO111MODULE=off GOFLAGS='' CGO_ENABLED=0 \
    nice "$goroot/bin/go" build -trimpath -ldflags '-s -w' -o "$build/out/checker" pinagent-policy-checker
}
