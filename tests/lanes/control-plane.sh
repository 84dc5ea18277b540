#!/bin/bash
#
# A real Kubernetes API server for tests: etcd and kube-apiserver on loopback.
#
# The binaries are those of KUBEBUILDER_ASSETS where it has them. Otherwise etcd and kubectl come from Debian's
# packages, unpacked and not installed, and Kubernetes is built once from Debian's source package and cached.
#
# The text between the two markers is what --help prints.
#
#--help-begin
# Usage: control-plane.sh run [--controllers] [--] COMMAND [ARGS...]
#        control-plane.sh up [--controllers] [--dir DIR]
#        control-plane.sh {stop-apiserver|start-apiserver|restart-apiserver|down} [--dir DIR]
#        control-plane.sh build [--controllers]
#        control-plane.sh --help
#
#   run      starts a control plane in a temporary folder, runs the command with the variables below, and removes it all
#   up       starts one that stays, and prints the variables as assignments; DIR must be new or empty (default: a
#            temporary folder)
#   down     ends it and removes DIR
#   build    gets the binaries, and stops
#   --controllers  a cluster that kubelets can join, with the controller manager, the scheduler, the
#            kubelet's binary, DIR/kubelet.kubeconfig for a node called node1, and no nodes of its own
#
#   PINAGENT_TEST_CONTROL_PLANE_DIR  DIR; the default of --dir for all but up
#   PINAGENT_TEST_CONTROL_PLANE      this script, to stop and start the API server in a test
#   PINAGENT_TEST_ADMIN_KUBECONFIG   DIR/admin.kubeconfig, may do everything (group system:masters)
#   PINAGENT_TEST_AGENT_KUBECONFIG   DIR/agent.kubeconfig, a bound token of service account pinagent/agent, which has
#                                    the rights of deploy/base/rbac.yaml
#   PINAGENT_TEST_AUDIT_LOG          DIR/audit.log, a line of JSON per request, written at its end (ResponseComplete); a
#                                    watch has one more when it begins (RequestReceived)
#
# Further files in DIR: bin/ (etcd, kube-apiserver, kubectl), pki/ca.crt, agent.token, etcd.log, kube-apiserver.log.
# There are the kinds VirtualMachineInstance and KubeVirt (no schema, no status subresource), the namespaces pinagent
# and kubevirt, and the nodes node1 and node2. Authorization is RBAC; tokens are had from the TokenRequest API.
#
# Without --controllers there is no scheduler and no kubelet: a pod names its node itself and is deleted with grace
# period 0, a deleted namespace never goes, and neither do the objects that a deleted one owned.
# Debian's API server is 1.20: it has no ValidatingAdmissionPolicy.
#
# Exit status: of run, the command's; otherwise 0, 2 when called wrongly, 125 when there is no control plane (from run,
# too). Why is said on standard error.
#
# Environment:
#   KUBEBUILDER_ASSETS  folder with etcd, kube-apiserver and kubectl (default: /usr/local/kubebuilder/bin, if it's there)
#   XDG_CACHE_HOME      the cache is $XDG_CACHE_HOME/pinagent/control-plane (default ~/.cache/...)
#--help-end

set -euo pipefail

readonly EXIT_WRONG_CALL=2
readonly EXIT_NO_CONTROL_PLANE=125

# A control plane takes seven ports in a row: API server, etcd's clients, etcd's peers, controller manager, scheduler,
# kubelet and its health. They lie below the ports that Linux gives to outgoing connections.
readonly PORTS=7
readonly FIRST_PORT=21600
readonly LAST_PORT=22600

readonly READY_SECONDS=120
# An API server that is asked to end stays for a minute if a watch is open.
readonly STOP_SECONDS=3
readonly KILL_SECONDS=20
readonly COMMAND_STOP_SECONDS=10
readonly TOKEN_SECONDS=86400

script=$(readlink -f "$0")
readonly script
lanes=$(dirname "$script")
readonly lanes
readonly manifests=$lanes/control-plane
readonly rbac=$lanes/../../deploy/base/rbac.yaml
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/pinagent/control-plane"

# shellcheck source=/dev/null
. "$manifests/binaries.sh"

controllers= # whether a cluster with controllers, a scheduler and kubelets is wanted
binaries=    # folder with them
wanted=("${CONTROL_PLANE_BINARIES[@]}")

say() { echo "control-plane: $*" >&2; }

fail() {
  say "$*"
  exit "$EXIT_NO_CONTROL_PLANE"
}

wrong_call() {
  say "$*; see --help"
  exit "$EXIT_WRONG_CALL"
}

usage() { sed -n '/^#--help-begin$/,/^#--help-end$/{/^#--help/d;s/^# \{0,1\}//;p}' "$0"; }

# ---------------------------------------------------------------------------------------------------------------------
# Cleaning up

build=      # folder of a build
builder=    # process group of a build
temporary=  # control plane that goes with this script
lifeline=   # file descriptor
keeper=     # process that takes the temporary control plane down should this one be killed
command_id= # process of run's command
on_ctrl_c=  # whether the command has got a Ctrl-C as well

# What the script waits for is polled here: bash may hang in a `wait` for what a trap has interrupted the wait for.
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
  trap '' INT TERM HUP
  set +e
  if [ -n "$builder" ]; then
    kill -KILL -- "-$builder" 2>/dev/null
    wait_until "$KILL_SECONDS" process_has_ended "$builder"
  fi
  [ -z "$build" ] || rm -rf "$build"
  stop_command
  # A signal may have come between a server's start and the writing of its pid file.
  jobs -p | xargs -r kill -KILL 2>/dev/null
  [ -z "$temporary" ] || remove_control_plane "$temporary"
  if [ -n "$keeper" ]; then
    exec {lifeline}>&-
    wait_until "$KILL_SECONDS" process_has_ended "$keeper"
  fi
}

trap clean_up EXIT
trap 'on_ctrl_c=1; exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# wait_until SECONDS COMMAND...: false when the time is over.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}

# ---------------------------------------------------------------------------------------------------------------------
# Binaries

# need COMMAND PACKAGE: installs the package unless the command is there.
need() {
  command -v "$1" >/dev/null && return
  [ "$(id -u)" = 0 ] || fail "$1 is missing: install $2"
  say "installing $2, for $1"
  apt-get -qq -y --no-install-recommends install "$2" >/dev/null 2>&1 || fail "could not install $2"
}

# ---------------------------------------------------------------------------------------------------------------------
# Servers. A pid file holds the process's id and its time of start, for ids are used again.

# Prints a process's state and its time of start. A bare `return` gives, within a trap, the status from before it.
process_state() {
  local stat
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  # After the name, which is in parentheses and may contain anything, come the fields from the 3rd on.
  read -ra stat <<<"${stat##*) }"
  echo "${stat[0]} ${stat[19]}"
}

# is_running DIR NAME: sets pid.
is_running() {
  local started state now
  read -r pid started 2>/dev/null <"$1/$2.pid" || return 1
  read -r state now < <(process_state "$pid") || return 1
  [ "$now" = "$started" ] && [ "$state" != Z ]
}

has_ended() { ! is_running "$@"; }

# start_server DIR NAME ARGS...
start_server() {
  local dir=$1 name=$2 pid started _
  shift 2
  # A session of its own, for a Ctrl-C isn't meant for it.
  (
    [ -z "$lifeline" ] || exec {lifeline}>&-
    cd "$dir" && exec setsid "$dir/bin/$name" "$@"
  ) >>"$dir/$name.log" 2>&1 </dev/null &
  pid=$!
  read -r _ started < <(process_state "$pid") || fail "$name ended at once: $dir/$name.log"
  echo "$pid $started" >"$dir/$name.pid"
  disown "$pid"
}

# stop_server DIR NAME
stop_server() {
  local pid
  if is_running "$1" "$2"; then
    kill -TERM "$pid" 2>/dev/null || true
    wait_until "$STOP_SECONDS" has_ended "$1" "$2" || kill_server "$1" "$2"
  fi
  rm -f "$1/$2.pid"
}

# kill_server DIR NAME
kill_server() {
  local pid
  is_running "$1" "$2" || return 0
  kill -KILL "$pid" 2>/dev/null || true
  wait_until "$KILL_SECONDS" has_ended "$1" "$2" || fail "could not end $2, process $pid"
}

start_etcd() {
  local clients=http://127.0.0.1:$((port + 1)) peers=http://127.0.0.1:$((port + 2))
  start_server "$1" etcd --data-dir "$1/etcd" --logger zap --name default \
    --listen-client-urls "$clients" --advertise-client-urls "$clients" \
    --listen-peer-urls "$peers" --initial-advertise-peer-urls "$peers" --initial-cluster "default=$peers"
}

# start_apiserver DIR: without controllers also without the admission of service accounts, for it wants one that makes
# them.
start_apiserver() {
  local pki=$1/pki admission=(--authorization-mode RBAC --disable-admission-plugins ServiceAccount)
  [ ! -e "$1/controllers" ] || admission=(--authorization-mode "Node,RBAC" --enable-admission-plugins NodeRestriction)
  start_server "$1" kube-apiserver --etcd-servers "http://127.0.0.1:$((port + 1))" \
    --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$port" --endpoint-reconciler-type none \
    --cert-dir "$pki" --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
    --client-ca-file "$pki/ca.crt" "${admission[@]}" \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$pki/service-accounts.pub" \
    --service-account-signing-key-file "$pki/service-accounts.key" --service-cluster-ip-range 10.96.0.0/24 \
    --allow-privileged --audit-policy-file "$manifests/audit-policy.yaml" --audit-log-path "$1/audit.log"
}

# start_controllers DIR: with the rights of an administrator; it's the kubelet's and the agent's that are of interest.
start_controllers() {
  local pki=$1/pki
  start_controller "$1" kube-controller-manager $((port + 3)) \
    --controllers "*,-nodeipam,-cloud-node-lifecycle,-service,-route" --root-ca-file "$pki/ca.crt" \
    --service-account-private-key-file "$pki/service-accounts.key"
  start_controller "$1" kube-scheduler $((port + 4))
}

# start_controller DIR NAME PORT ARGS...
start_controller() {
  local dir=$1 name=$2 listen=$3 insecure=()
  shift 3
  # Before Kubernetes 1.24 they listen without TLS as well, unless they are told not to; later ones refuse to be told.
  [[ $("$dir/bin/$name" --help 2>&1) != *" --port int"* ]] || insecure=(--port 0)
  start_server "$dir" "$name" --kubeconfig "$dir/admin.kubeconfig" --leader-elect=false --bind-address 127.0.0.1 \
    --secure-port "$listen" "${insecure[@]}" "$@"
  if ! wait_until "$READY_SECONDS" listens_or_dead "$dir" "$name" "$listen" || has_ended "$dir" "$name"; then
    tail -n 10 "$dir/$name.log" >&2
    fail "$name isn't ready"
  fi
}

listens_or_dead() { answers "$3" || has_ended "$1" "$2"; }

kubectl() {
  local dir=$1 user=$2
  shift 2
  "$dir/bin/kubectl" --kubeconfig "$dir/$user.kubeconfig" --cache-dir "$dir/kubectl-cache" "$@"
}

is_ready() { answers "$port" && kubectl "$1" admin get --raw /readyz >/dev/null 2>&1; }

is_ready_or_dead() { is_ready "$1" || has_ended "$1" etcd || has_ended "$1" kube-apiserver; }

wait_for_apiserver() {
  local name pid
  if ! wait_until "$READY_SECONDS" is_ready_or_dead "$1" || ! is_ready "$1"; then
    for name in etcd kube-apiserver; do
      is_running "$1" "$name" || say "$name has ended"
      tail -n 10 "$1/$name.log" >&2
    done
    fail "the API server isn't ready"
  fi
}

# ---------------------------------------------------------------------------------------------------------------------
# A control plane

# Sets port to the first of seven that nobody uses. The lock on it is kept until etcd ends, which inherits it.
choose_ports() {
  for ((port = FIRST_PORT; port < LAST_PORT; port += PORTS)); do
    exec {ports}>"$CACHE/ports-$port"
    ! flock --nonblock "$ports" || any_answers || return 0
    exec {ports}>&-
  done
  fail "no seven free ports in a row from $FIRST_PORT to $LAST_PORT"
}

any_answers() {
  local one
  for ((one = port; one < port + PORTS; one++)); do ! answers "$one" || return 0; done
  return 1
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# make_keys DIR
make_keys() {
  local pki=$1/pki # 10.0.2.2 is this machine, seen from a virtual node
  mkdir "$pki"
  make_key "$pki/ca.key"
  openssl req -x509 -new -key "$pki/ca.key" -subj /CN=control-plane -days 30 -out "$pki/ca.crt"
  make_certificate "$pki" apiserver /CN=kube-apiserver \
    "subjectAltName=IP:127.0.0.1,IP:10.0.2.2,DNS:localhost,DNS:kubernetes.default.svc"
  make_certificate "$pki" admin /O=system:masters/CN=admin "extendedKeyUsage=clientAuth"
  make_certificate "$pki" kubelet /O=system:nodes/CN=system:node:node1 "extendedKeyUsage=clientAuth"
  make_key "$pki/service-accounts.key"
  openssl ec -in "$pki/service-accounts.key" -pubout -out "$pki/service-accounts.pub" 2>/dev/null
}

make_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

# make_certificate PKI NAME SUBJECT EXTENSION
make_certificate() {
  make_key "$1/$2.key"
  openssl req -new -key "$1/$2.key" -subj "$3" |
    openssl x509 -req -CA "$1/ca.crt" -CAkey "$1/ca.key" -CAcreateserial -days 30 -extfile <(echo "$4") \
      -out "$1/$2.crt" 2>/dev/null
}

# write_kubeconfig DIR NAME USER_FIELD...: whole in itself, it may be copied elsewhere.
write_kubeconfig() {
  local dir=$1 name=$2
  shift 2
  {
    cat <<EOF
apiVersion: v1
kind: Config
current-context: $name
contexts:
  - name: $name
    context: { cluster: control-plane, user: $name }
clusters:
  - name: control-plane
    cluster:
      server: https://127.0.0.1:$port
      certificate-authority-data: $(base64 -w 0 "$dir/pki/ca.crt")
users:
  - name: $name
    user:
EOF
    printf '      %s\n' "$@"
  } >"$dir/$name.kubeconfig"
}

# start_control_plane DIR
start_control_plane() {
  local dir=$1 name objects=(-f "$manifests/cluster.yaml" -f "$manifests/kubevirt-crds.yaml" -f "$rbac")
  mkdir "$dir/bin"
  [ -z "$controllers" ] || : >"$dir/controllers"
  for name in "${wanted[@]}"; do ln -s "$(readlink -f "$binaries/$name")" "$dir/bin/$name"; done
  make_keys "$dir"
  mkdir -p "$CACHE"
  choose_ports
  echo "$port" >"$dir/port"
  start_etcd "$dir"
  exec {ports}>&-
  start_apiserver "$dir"
  for name in admin kubelet; do
    write_kubeconfig "$dir" "$name" "client-certificate-data: $(base64 -w 0 "$dir/pki/$name.crt")" \
      "client-key-data: $(base64 -w 0 "$dir/pki/$name.key")"
  done
  wait_for_apiserver "$dir"

  [ -n "$controllers" ] || objects+=(-f "$manifests/nodes.yaml")
  kubectl "$dir" admin create --save-config "${objects[@]}" >/dev/null || fail "could not create the cluster's objects"
  [ -z "$controllers" ] || start_controllers "$dir"
  make_agent_token "$dir"
  write_kubeconfig "$dir" agent "token: $(<"$dir/agent.token")"
  wait_until "$READY_SECONDS" agent_can_list "$dir" || fail "the agent's service account can't list what it should"
}

make_agent_token() {
  local answer request='{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":'
  answer=$(kubectl "$1" admin create --raw /api/v1/namespaces/pinagent/serviceaccounts/agent/token -f - \
    <<<"$request$TOKEN_SECONDS}}") || fail "no token for service account pinagent/agent"
  sed -n 's/.*"token":"\([^"]*\)".*/\1/p' <<<"$answer" | tr -d '\n' >"$1/agent.token"
}

# New kinds and new rights take effect a moment after they were created.
agent_can_list() {
  local kind
  for kind in virtualmachineinstances kubevirts; do
    kubectl "$1" agent get --raw "/apis/kubevirt.io/v1/$kind" >/dev/null 2>&1 || return
  done
}

# remove_control_plane DIR: there is nothing to be saved, so nothing is asked to end.
remove_control_plane() {
  local name
  for name in kube-scheduler kube-controller-manager kube-apiserver etcd; do kill_server "$1" "$name"; done
  rm -rf "$1"
}

# ---------------------------------------------------------------------------------------------------------------------
# Commands

# variables DIR FORMAT: prints the variables that lead to a control plane, as assignments.
variables() {
  # shellcheck disable=SC2059
  printf "PINAGENT_TEST_%s=$2\n" CONTROL_PLANE "$script" CONTROL_PLANE_DIR "$1" \
    ADMIN_KUBECONFIG "$1/admin.kubeconfig" AGENT_KUBECONFIG "$1/agent.kubeconfig" AUDIT_LOG "$1/audit.log"
}

# etcd waits for the disk at every write, and nothing here is worth a disk: in memory, where there's 1 GiB of it.
memory_or_disk() {
  local free
  free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
  if [ -w /dev/shm ] && [ "${free:-0}" -gt 1048576 ]; then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi
}

# new_control_plane [DIR]: it goes with this script until $temporary is emptied.
new_control_plane() {
  local dir=${1:-}
  need openssl openssl
  find_binaries "${wanted[@]}"
  umask 077
  if [ -z "$dir" ]; then
    dir=$(mktemp -d -p "$(memory_or_disk)" pinagent-control-plane.XXXXXX)
  else
    mkdir -p "$dir"
    [ -z "$(ls -A "$dir")" ] || fail "$dir isn't empty"
    dir=$(readlink -f "$dir")
  fi
  temporary=$dir
}

up() {
  new_control_plane "$1"
  start_control_plane "$temporary"
  variables "$temporary" %q
  temporary=
}

run() {
  local variables status=0
  new_control_plane
  # This script may be killed. Then the pipe's other end closes.
  exec {lifeline}> >(exec setsid "$script" down-at-end-of-input --dir "$temporary")
  keeper=$!
  start_control_plane "$temporary"
  mapfile -t variables < <(variables "$temporary" %s)
  # In the background, for a trap waits for what is in the foreground; but Ctrl-C is for the command, too.
  env --default-signal=INT,QUIT "${variables[@]}" "$@" <&0 {lifeline}>&- &
  command_id=$!
  wait "$command_id" || status=$?
  command_id=
  exit "$status"
}

stop_command() {
  [ -n "$command_id" ] || return 0
  [ -z "$on_ctrl_c" ] || wait_until "$COMMAND_STOP_SECONDS" process_has_ended "$command_id"
  kill -TERM "$command_id" 2>/dev/null
  wait_until "$COMMAND_STOP_SECONDS" process_has_ended "$command_id" || kill -KILL "$command_id" 2>/dev/null
}

process_has_ended() {
  local state _
  ! read -r state _ < <(process_state "$1") || [ "$state" = Z ]
}

# find_control_plane DIR: sets dir and port.
find_control_plane() {
  dir=${1:-${PINAGENT_TEST_CONTROL_PLANE_DIR:-}}
  [ -n "$dir" ] || wrong_call "expected --dir DIR"
  read -r port 2>/dev/null <"$dir/port" || fail "no control plane in $dir"
  dir=$(readlink -f "$dir")
}

main() {
  local command=${1:-} dir='' port pid
  [ $# -eq 0 ] || shift
  if [ "${1:-}" = --controllers ]; then
    controllers=1
    wanted+=("${CONTROLLER_BINARIES[@]}")
    shift
  fi
  case $command in
  --help | -h)
    usage
    return
    ;;
  run)
    [ "${1:-}" != -- ] || shift
    [ $# -gt 0 ] || wrong_call "run: expected a command"
    run "$@"
    ;;
  esac
  if [ "${1:-}" = --dir ] && [ -n "${2:-}" ]; then
    dir=$2
    shift 2
  fi
  [ $# -eq 0 ] || wrong_call "expected --dir DIR or nothing, found \"$1\""

  case $command in
  build) find_binaries "${wanted[@]}" ;;
  up) up "$dir" ;;
  start-apiserver | restart-apiserver)
    find_control_plane "$dir"
    [ "$command" = start-apiserver ] || stop_server "$dir" kube-apiserver
    is_running "$dir" kube-apiserver || start_apiserver "$dir"
    wait_for_apiserver "$dir"
    ;;
  stop-apiserver)
    find_control_plane "$dir"
    stop_server "$dir" kube-apiserver
    ;;
  down)
    find_control_plane "$dir"
    remove_control_plane "$dir"
    ;;
  down-at-end-of-input)
    cat >/dev/null
    [ ! -d "$dir" ] || remove_control_plane "$dir"
    ;;
  *) wrong_call "expected a command, found \"$command\"" ;;
  esac
}

main "$@"
