#!/bin/bash
#
# Boots a virtual node and runs a program in it.
#
# The node is a QEMU guest in software emulation (no KVM needed) with Debian's cloud kernel, a small Debian root file
# system and, by default, 16 CPUs: 2 sockets x 4 cores x 2 threads, one NUMA node per socket, and cgroup v2. The root
# file system is built once from Debian's packages and cached; nothing in the guest survives the run but /results.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: virtual-node.sh [-o RESULTS_DIR] FOLDER PROGRAM [ARGS...]
#        virtual-node.sh --build-only
#        virtual-node.sh --help
#
#   FOLDER       is mounted read-only on /test in the node; the program starts there
#   PROGRAM      the program to run, relative to FOLDER
#   -o DIR       copy what the program leaves in /results to DIR, and the node's console to DIR/console.log
#   --build-only build and cache the image, and stop
#
# The program runs as root. Its standard output and error both come out on standard output; it gets no input. The node
# has bash, coreutils, util-linux, procps, iproute2, socat, busybox, qemu-system-x86_64 and what a self-contained .NET
# program needs. It has no network but the loopback, unless it's asked for.
#
# Exit status: the program's; 124 when it timed out (/results is still copied if the node answers); 125 when the node
# couldn't be built or booted, or died. Both say why on standard error.
#
# Environment:
#   PINAGENT_VNODE_SMP           QEMU's options for CPUs, memory and NUMA: -smp, -m, -object, -numa; -cpu fits as well
#                                (default: -smp 16,sockets=2,cores=4,threads=2, and 1 GB in each of two NUMA nodes)
#   PINAGENT_VNODE_KERNEL        kernel package (default: the one linux-image-cloud-amd64 depends on)
#   PINAGENT_VNODE_PACKAGES      further Debian packages for the root file system
#   PINAGENT_VNODE_TIMEOUT       seconds the program may take once the node is up (default 300)
#   PINAGENT_VNODE_BOOT_TIMEOUT  seconds the boot may take (default 90; 128 CPUs need about 240); there is one retry
#   PINAGENT_VNODE_CGROUP        v2 (default), or v1: cpuset, cpu and memory, each in /sys/fs/cgroup/<controller>; only
#                                kernels before 6.12 have the v1 cpuset
#   PINAGENT_VNODE_THREAD        single (default) or multi: emulate all CPUs in one thread or each in its own; multi
#                                locks up with very many CPUs
#   PINAGENT_VNODE_NETWORK       if set, a virtio network card through which the node reaches this machine's loopback as
#                                10.0.2.2, once the program has configured it as 10.0.2.15/24
#   PINAGENT_VNODE_APPEND        further kernel arguments
#   XDG_CACHE_HOME               the cache is $XDG_CACHE_HOME/pinagent/virtual-node (default ~/.cache/...)
#--help-end

set -euo pipefail

readonly EXIT_TIMED_OUT=124
readonly EXIT_NO_NODE=125

readonly PACKAGES="bash coreutils util-linux procps iproute2 qemu-system-x86 busybox-static socat \
libstdc++6 zlib1g libssl3 ${PINAGENT_VNODE_PACKAGES:-}"
readonly DEFAULT_SMP="-smp 16,sockets=2,cores=4,threads=2 -m 2048 \
-object memory-backend-ram,id=m0,size=1024M -object memory-backend-ram,id=m1,size=1024M \
-numa node,nodeid=0,cpus=0-7,memdev=m0 -numa node,nodeid=1,cpus=8-15,memdev=m1 -numa dist,src=0,dst=1,val=21"
# AVX2 and the like, less what software emulation lacks and would warn about.
readonly DEFAULT_CPU="Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid"
readonly BOOT_MODULES="virtio_pci virtio_blk virtio_console squashfs overlay"
readonly BOOT_ATTEMPTS=2
# The node itself ends a program that takes too long; this is for a node that no longer answers.
readonly UNRESPONSIVE_SECONDS=30

# An image that wasn't used for so long is removed when another is built.
readonly UNUSED_DAYS=30

readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/pinagent/virtual-node"
readonly SMP="${PINAGENT_VNODE_SMP:-$DEFAULT_SMP}"
readonly CGROUP="${PINAGENT_VNODE_CGROUP:-v2}"
readonly THREAD="${PINAGENT_VNODE_THREAD:-single}"
readonly TIMEOUT="${PINAGENT_VNODE_TIMEOUT:-300}"
readonly BOOT_TIMEOUT="${PINAGENT_VNODE_BOOT_TIMEOUT:-90}"

say() { echo "virtual-node: $*" >&2; }

fail() {
    say "$*"
    exit "$EXIT_NO_NODE"
}

usage() { sed -n '/^#--help-begin$/,/^#--help-end$/{/^#--help/d;s/^# \{0,1\}//;p}' "$0"; }

# ---------------------------------------------------------------------------------------------------------------------
# Cleaning up: everything temporary is below $work or $build, everything started is in $qemu or $printer.

work=
build=
qemu=
printer=

stop_node() {
    local pid
    for pid in $qemu $printer; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    qemu=
    printer=
}

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
    stop_node
    rm -rf ${work:+"$work"} ${build:+"$build"}
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# ---------------------------------------------------------------------------------------------------------------------
# What runs in the node

# The first program in the node: finds the disks and makes a writable root of them.
initramfs_init() {
    cat <<'EOF'
#!/bin/busybox sh
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
modprobe -a $(cat /boot-modules)

mkdir -p /image /changes /root
mount -t squashfs -o ro /dev/vda /image
mount -t tmpfs -o size=75% changes /changes
mkdir /changes/upper /changes/work
mount -t overlay -o lowerdir=/image,upperdir=/changes/upper,workdir=/changes/work root /root
mount -t squashfs -o ro /dev/vdb /root/test
cp /run.conf /root/etc/virtual-node.conf
for d in dev proc sys; do mount --move /$d /root/$d; done
exec switch_root /root /sbin/virtual-node-init
EOF
}

# The node's process 1. It talks to the host over three virtio ports: 1 the program's output, 2 an archive of
# /results, 3 lines of status: "up SECONDS", then one of "exit STATUS", "timeout" or "fail REASON".
node_init() {
    cat <<'EOF'
#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_gcServer=0 DOTNET_TieredPGO=0
unset TERM

. /etc/virtual-node.conf # cgroup, timeout and the array command

finish() {
    echo "$*" >/dev/host-status
    sync
    busybox poweroff -f
    sleep 60
}

mount_cgroup_v2() {
    mount -t cgroup2 cgroup2 /sys/fs/cgroup || return
    echo "+cpuset +cpu +memory" >/sys/fs/cgroup/cgroup.subtree_control
}

mount_cgroup_v1() {
    local controller
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
    for controller in cpuset cpu memory; do
        mkdir "/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" "$controller" "/sys/fs/cgroup/$controller" && continue
        rmdir "/sys/fs/cgroup/$controller"
        [ "$controller" != cpuset ] || return
    done
}

mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
for d in /dev/shm /run /tmp; do mount -t tmpfs -o mode=1777 tmpfs "$d"; done
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
ip link set lo up

# The ports appear a moment after their driver; the first number in their name is anyone's guess.
for ((i = 0; i < 100; i++)); do
    compgen -G "/dev/vport*p3" >/dev/null && break
    sleep 0.1
done
for port in 1:output 2:results 3:status; do ln -s /dev/vport*p"${port%:*}" "/dev/host-${port#*:}"; done

"mount_cgroup_$cgroup" || finish "fail this kernel has no cgroup $cgroup cpuset"
read -r uptime _ </proc/uptime
echo "up $uptime" >/dev/host-status

# A pipe, because the port can be opened only once and the program may want to open /dev/stdout.
exec 3> >(exec cat >/dev/host-output)
printer=$!
cd /test
started=$SECONDS
timeout --kill-after=5 "$timeout" "${command[@]}" >&3 2>&1 3>&- </dev/null
status=$?
elapsed=$((SECONDS - started))

# Whatever the program left running may hold the pipe open: don't wait for it for long.
exec 3>&-
for ((i = 0; i < 20; i++)); do
    kill -0 "$printer" 2>/dev/null || break
    sleep 0.1
done
tar -C /results -cf /dev/host-results .

case $status in
124 | 137) [ "$elapsed" -lt "$timeout" ] || finish timeout ;;
esac
finish "exit $status"
EOF
}

# ---------------------------------------------------------------------------------------------------------------------
# Building the image

# need COMMAND PACKAGE: installs the package unless the command is there.
need() {
    command -v "$1" >/dev/null && return
    [ "$(id -u)" = 0 ] || fail "$1 is missing: install $2"
    say "installing $2, for $1"
    apt-get -qq -y --no-install-recommends install "$2" >/dev/null 2>&1 || fail "could not install $2"
}

# Prints the name and version of the kernel package that is wanted; a meta package stands for the one it depends on.
# (One call of apt-cache, for each takes about a second.)
kernel_package() {
    local wanted=${PINAGENT_VNODE_KERNEL:-linux-image-cloud-amd64} about
    about=$(apt-cache show --no-all-versions "$wanted" 2>/dev/null) ||
        fail "no kernel package $wanted: has apt-get update been run?"
    {
        sed -n 's/^Depends:.*\(linux-image-[^ ]*\) (= \([^)]*\)).*/\1 \2/p' <<<"$about"
        echo "$wanted $(sed -n 's/^Version: //p' <<<"$about")"
    } | head -n 1
}

# image_key KERNEL VERSION: changes with anything that goes into the image, the code that makes it included.
image_key() {
    {
        echo "$PACKAGES" "$BOOT_MODULES" "$@"
        declare -f initramfs_init node_init build_image make_root make_initramfs unpack_kernel
    } | sha256sum | cut -c 1-16
}

# Sets image to the folder with vmlinuz, initramfs, root.squashfs and busybox; builds it if need be.
find_image() {
    local kernel version lock
    need dpkg-deb dpkg
    need mksquashfs squashfs-tools
    read -r kernel version <<<"$(kernel_package)"
    [ -n "$version" ] || exit "$EXIT_NO_NODE"
    image=$CACHE/$(image_key "$kernel" "$version")
    if [ -d "$image" ]; then
        touch "$image"
        return
    fi

    mkdir -p "$CACHE"
    exec {lock}>"$CACHE/lock"
    flock "$lock"
    if [ ! -d "$image" ]; then
        rm -rf "$CACHE"/build.* # of builds that were killed
        find "$CACHE" -mindepth 1 -maxdepth 1 -type d -mtime "+$UNUSED_DAYS" -exec rm -rf {} +
        build=$(mktemp -d "$CACHE/build.XXXXXX")
        say "building the image with $kernel $version, once"
        build_image "$kernel" || fail "could not build the image"
        chmod 755 "$build/image"
        mv "$build/image" "$image"
        rm -rf "$build"
        build=
        say "image ready after $SECONDS s, $(du -sh "$image" | cut -f 1)"
    fi
    exec {lock}>&-
}

# build_image KERNEL_PACKAGE: fills $build/image.
build_image() {
    mkdir -p "$build"/{image,debs/archives/partial,kernel,root}
    : >"$build/status" # with nothing installed, apt finds everything that is needed
    local apt=(apt-get -qq -y -o Dir::Cache="$build/debs" -o Debug::NoLocking=1 -o APT::Sandbox::User=root)
    # shellcheck disable=SC2086
    "${apt[@]}" -o Dir::State::status="$build/status" -o APT::Install-Recommends=0 \
        install --download-only $PACKAGES >/dev/null || return
    (cd "$build/kernel" && "${apt[@]}" download "$1" >/dev/null) || return

    make_root || return
    unpack_kernel || return
    make_initramfs || return
    mksquashfs "$build/root" "$build/image/root.squashfs" \
        -comp lz4 -all-root -noappend -no-progress -quiet >/dev/null || return
    cp "$build/root/bin/busybox" "$build/image/busybox"
}

# Unpacks the packages into $build/root. No package's scripts are run, so what they'd make is made here.
make_root() {
    local root=$build/root deb dir applet
    for dir in bin sbin lib lib64; do
        mkdir -p "$root/usr/$dir"
        ln -s "usr/$dir" "$root/$dir"
    done
    for deb in "$build"/debs/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink --no-same-owner || return
    done
    rm -rf "$root"/usr/share/{doc,man,locale,info,icons,lintian,bash-completion}

    mkdir -p "$root"/{dev,proc,sys,run,tmp,test,results,etc,root}
    echo "root:x:0:0:root:/root:/bin/bash" >"$root/etc/passwd"
    echo "root:x:0:" >"$root/etc/group"
    echo "127.0.0.1 localhost" >"$root/etc/hosts"
    for applet in $("$root/bin/busybox" --list); do
        [ -e "$root/usr/bin/$applet" ] || [ -e "$root/usr/sbin/$applet" ] ||
            ln -s busybox "$root/usr/bin/$applet"
    done
    node_init >"$root/usr/sbin/virtual-node-init"
    chmod 755 "$root/usr/sbin/virtual-node-init"
}

# The kernel goes into the image, its modules into the root file system.
unpack_kernel() {
    local version
    dpkg-deb --fsys-tarfile "$build"/kernel/*.deb | tar -x -C "$build/kernel" || return
    cp "$build"/kernel/boot/vmlinuz-* "$build/image/vmlinuz" || return
    mkdir -p "$build/root/usr/lib/modules"
    # Newer packages have lib/modules below /usr.
    mv "$build"/kernel{,/usr}/lib/modules/* "$build/root/usr/lib/modules/" 2>/dev/null || true
    version=$(basename "$build"/root/usr/lib/modules/*)
    find "$build/root/usr/lib/modules" -name '*.ko.xz' -exec "$build/root/bin/busybox" unxz {} +
    "$build/root/bin/busybox" depmod -b "$build/root" "$version"
}

# An initramfs of busybox and the modules that it takes to mount the root file system.
make_initramfs() {
    local top=$build/initramfs modules module file applet
    modules=$(cd "$build/root" && echo lib/modules/*)
    mkdir -p "$top"/{bin,dev,proc,sys} "$top/$modules"
    cp "$build/root/bin/busybox" "$top/bin/"
    for applet in sh cat cp mkdir modprobe mount switch_root; do ln -s busybox "$top/bin/$applet"; done
    cp "$build/root/$modules/modules.dep" "$top/$modules/"
    for module in $BOOT_MODULES; do
        # A line of modules.dep is "a.ko: b.ko c.ko", what a needs; what is built in has none.
        for file in $(grep "/$module\.ko:" "$top/$modules/modules.dep" | tr -d :); do
            mkdir -p "$top/$modules/$(dirname "$file")"
            cp "$build/root/$modules/$file" "$top/$modules/$file" || return
        done
    done
    echo "$BOOT_MODULES" >"$top/boot-modules"
    initramfs_init >"$top/init"
    chmod 755 "$top/init"
    (cd "$top" && find . | "$build/root/bin/busybox" cpio -o -H newc -R 0:0 2>/dev/null) >"$build/image/initramfs"
}

# ---------------------------------------------------------------------------------------------------------------------
# Running the node

# prepare_run FOLDER PROGRAM [ARGS...]: packs the folder, and an initramfs that knows the command.
prepare_run() {
    local folder=$1 program=$2
    shift 2
    mksquashfs "$folder" "$work/test.squashfs" \
        -noI -noD -noF -noX -all-root -noappend -no-progress -quiet >/dev/null || fail "could not pack $folder"

    mkdir "$work/run"
    {
        printf 'cgroup=%q timeout=%q command=(' "$CGROUP" "$TIMEOUT"
        printf '%q ' "/test/$program" "$@"
        echo ")"
    } >"$work/run/run.conf"
    {
        cat "$image/initramfs"
        (cd "$work/run" && echo run.conf | "$image/busybox" cpio -o -H newc 2>/dev/null)
    } >"$work/initramfs"
    mkfifo "$work/output" "$work/status"
}

start_node() {
    local smp append port
    read -ra smp <<<"$SMP"
    append="console=ttyS0 quiet panic=-1 nokaslr mitigations=off no_timer_check tsc=reliable nowatchdog audit=0"
    append+=" cryptomgr.notests random.trust_cpu=on rcupdate.rcu_expedited=1 ${PINAGENT_VNODE_APPEND:-}"
    : >"$work/console"
    rm -f "$work/results"

    # shellcheck disable=SC2054 # the commas are QEMU's
    local command=(
        qemu-system-x86_64 -accel "tcg,thread=$THREAD" -cpu "$DEFAULT_CPU" -m 2048 "${smp[@]}"
        -name virtual-node -nodefaults -display none -no-reboot
        -kernel "$image/vmlinuz" -initrd "$work/initramfs" -append "$append"
        -serial "file:$work/console"
        -drive "file=$image/root.squashfs,if=none,id=root,format=raw,readonly=on" -device virtio-blk-pci,drive=root
        -drive "file=$work/test.squashfs,if=none,id=test,format=raw,readonly=on" -device virtio-blk-pci,drive=test
        -device virtio-serial-pci
    )
    # shellcheck disable=SC2054 # the commas are QEMU's
    [ -z "${PINAGENT_VNODE_NETWORK:-}" ] ||
        command+=(-netdev user,id=network -device virtio-net-pci,netdev=network,romfile=)
    for port in 1:output 2:results 3:status; do
        command+=(-chardev "file,id=${port#*:},path=$work/${port#*:}")
        command+=(-device "virtserialport,nr=${port%:*},chardev=${port#*:}")
    done

    cat "$work/output" &
    printer=$!
    # The kernel ends QEMU with this shell, should the shell be killed.
    setpriv --pdeathsig KILL -- "${command[@]}" </dev/null >"$work/qemu" 2>&1 &
    qemu=$!
}

# Waits until the node has ended. Sets outcome: "exit STATUS", "timeout", "fail REASON", or what went wrong with the
# node: "boot-timeout", "boot-died", "died", "unresponsive".
watch_node() {
    local status line up='' deadline=$((SECONDS + BOOT_TIMEOUT))
    outcome=
    exec {status}<>"$work/status"
    while [ -z "$outcome" ]; do
        if read -r -t 1 -u "$status" line; then
            case $line in
            up*)
                up=1
                deadline=$((SECONDS + TIMEOUT + UNRESPONSIVE_SECONDS))
                say "node up after ${line#up } s"
                ;;
            *) outcome=$line ;;
            esac
        elif ! kill -0 "$qemu" 2>/dev/null; then
            outcome=${up:+died}
            outcome=${outcome:-boot-died}
        elif [ "$SECONDS" -ge "$deadline" ]; then
            outcome=${up:+unresponsive}
            outcome=${outcome:-boot-timeout}
        fi
    done
    exec {status}<&-
    drain_output
    stop_node
}

# Lets the rest of the program's output through.
drain_output() {
    kill -KILL "$qemu" 2>/dev/null || true
    wait "$qemu" 2>/dev/null || true
    qemu=
    : <>"$work/output" # frees a printer that is still waiting for QEMU to open it
    wait "$printer" 2>/dev/null || true
    printer=
}

run_node() {
    local attempt
    for ((attempt = 1; attempt <= BOOT_ATTEMPTS; attempt++)); do
        start_node
        watch_node
        case $outcome in
        boot-*) [ "$attempt" = "$BOOT_ATTEMPTS" ] || say "no sign of life ($outcome), trying again" ;;
        *) break ;;
        esac
    done
}

save_results() {
    mkdir -p "$1"
    cp "$work/console" "$1/console.log"
    [ ! -s "$work/results" ] || tar -x --no-same-owner -C "$1" -f "$work/results"
}

show_logs() { tail -n 15 "$work/qemu" "$work/console" >&2; }

# Ends with the exit status that the outcome stands for.
report() {
    case $outcome in
    "exit "*) exit "${outcome#exit }" ;;
    "fail "*) fail "${outcome#fail }" ;;
    timeout)
        say "timed out: the program took longer than $TIMEOUT s"
        exit "$EXIT_TIMED_OUT"
        ;;
    unresponsive)
        show_logs
        say "timed out: the node did not answer $((TIMEOUT + UNRESPONSIVE_SECONDS)) s after it was up"
        exit "$EXIT_TIMED_OUT"
        ;;
    boot-timeout)
        show_logs
        fail "the node did not boot within $BOOT_TIMEOUT s, $BOOT_ATTEMPTS times"
        ;;
    *)
        show_logs
        fail "the node ended unexpectedly ($outcome)"
        ;;
    esac
}

# ---------------------------------------------------------------------------------------------------------------------

main() {
    local results=''
    case ${1:-} in
    --help | -h)
        usage
        exit 0
        ;;
    --build-only)
        find_image
        exit 0
        ;;
    -o)
        [ $# -ge 2 ] || fail "-o wants a folder; see --help"
        results=$2
        shift 2
        ;;
    esac
    [ $# -ge 2 ] || fail "wanted: FOLDER PROGRAM [ARGS...]; see --help"
    [ -f "$1/$2" ] || fail "no file $1/$2"
    case $CGROUP in v1 | v2) ;; *) fail "PINAGENT_VNODE_CGROUP is v1 or v2, not $CGROUP" ;; esac
    case $THREAD in single | multi) ;; *) fail "PINAGENT_VNODE_THREAD is single or multi, not $THREAD" ;; esac

    need qemu-system-x86_64 qemu-system-x86
    find_image
    work=$(mktemp -d -t virtual-node.XXXXXX)
    prepare_run "$@"
    run_node
    [ -z "$results" ] || save_results "$results"
    report
}

main "$@"
