# The part of every instance's control script that is the same everywhere; src/targets/vms/control-script.ts writes what
# differs in front of it. Debian's and Ubuntu's own tools only: dpkg, systemd, util-linux, iproute2.

# Programs read what is made here as users of their own, whatever umask this script was called with.
umask 022

state=/var/lib/mqtt-cluster/.host
settings=/etc/sysctl.d/60-mqtt-cluster-$cluster-$workload.conf
started=/var/lib/mqtt-cluster/$cluster/.$instance.started
# There from the moment when new files are in place until the program has read them.
reload_due=/var/lib/mqtt-cluster/$cluster/.$instance.reload-due
self=/usr/local/lib/mqtt-cluster/$cluster/$instance
limits='LimitNOFILE\|MemoryMax\|MemorySwapMax\|CPUQuota'

say() { printf '%s: %s\n' "$where" "$*"; }
fail() {
  printf '%s: %s: %s\n' "$where" "$step" "$*" >&2
  exit 1
}

# A command as the program's own user and in its environment.
in_instance() { # in_instance SECONDS COMMAND...
  limit=$1
  shift
  cd "$data" || fail "there is no $data"
  in_environment timeout "$limit" setpriv --reuid="$run_user" --regid="$(id -g "$run_user")" --init-groups "$@"
}

# One of the workload's own commands, which may be about a peer.
command_of() { # command_of SECONDS WHAT [PEER_NAME PEER_HOST]
  in_instance "$1" env peer_name="${3:-}" peer_host="${4:-}" sh "$self" as-instance "$2"
}

is_active() { systemctl is-active --quiet "$unit"; }
is_enabled() { systemctl is-enabled --quiet "$unit" 2>/dev/null; }

# --- before anything is changed ---------------------------------------------------------------------------------------

preflight() {
  step='check of the host'
  check_system
  check_address
  check_rivals
  check_ports
  step='check of the packages'
  alone
  [ -n "$package_url" ] || wanted_version >/dev/null
}

check_system() {
  [ -r /etc/os-release ] || fail 'no /etc/os-release: not a Debian or Ubuntu system'
  # shellcheck source=/dev/null
  distribution=$(. /etc/os-release && echo "$ID ${VERSION_ID:-}")
  case $distribution in
    'debian 12' | 'debian 13' | 'ubuntu 22.04' | 'ubuntu 24.04') ;;
    *) fail "$distribution is not supported; take Debian 12 or 13, Ubuntu 22.04 or 24.04" ;;
  esac
  [ -d /run/systemd/system ] || fail 'systemd does not run here'
}

check_address() {
  case $host in *[!0-9.]*) return ;; esac
  ip -o -4 addr show | grep -q -F " $host/" ||
    fail "$host is on no network interface of this host; give privateAddress the one that other hosts reach it by"
}

# The package's own unit, running before us, is somebody else's program.
check_rivals() {
  [ ! -e "/etc/systemd/system/$unit" ] || return 0
  for rival in $package_units; do
    if systemctl is-active --quiet "$rival" && [ ! -e "$(off_switch "$rival")" ]; then
      case $rival in epmd.*) continue ;; esac
      fail "$rival runs here already and is not part of this cluster: systemctl disable --now $rival, or take another host"
    fi
  done
}

check_ports() {
  for port in $ports; do
    owners=$(ss -H -l -t -n -p "sport = :$port" | sed -n 's/.*users:((\(.*\)))/\1/p' | sort -u)
    [ -n "$owners" ] || continue
    for pid in $(printf '%s' "$owners" | grep -o 'pid=[0-9]*' | cut -d= -f2); do
      grep -q -s -F "/$unit" "/proc/$pid/cgroup" && continue 2
    done
    # Of the package's own unit, which goes off when the package is set up.
    case $owners in *'"epmd"'* | *'"systemd"'*) [ "$port" = 4369 ] && continue ;; esac
    fail "port $port is taken by $(printf '%s' "$owners" | cut -d, -f1); free it, or change the port in the definition"
  done
}

# --- packages ---------------------------------------------------------------------------------------------------------

installed_version() { # installed_version PACKAGE
  dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed -n 's/^installed //p'
}

will_do() { # will_do VERSION: as wanted, and not too old
  bare=${1#*:}
  if [ -n "$package_version" ]; then
    case $bare in "$package_version" | "$package_version"[-.+~]*) ;; *) return 1 ;; esac
  fi
  dpkg --compare-versions "$bare" ge "$package_at_least"
}

# The version that is installed already, or the newest one in the repositories that will do.
wanted_version() {
  version=$(installed_version "$package")
  if [ -n "$version" ] && will_do "$version"; then
    echo "$version"
    return
  fi
  offered=$(versions_offered)
  for version in $offered; do
    if will_do "$version"; then
      echo "$version"
      return
    fi
  done
  wish=$([ -n "$package_version" ] && echo "$package_version" || echo "$package_at_least or later")
  if [ -n "$offered" ]; then
    fail "$package $wish is wanted, and the repositories of this host have $(echo "$offered" | tr '\n' ' ')only: give $program another version in the definition, or add a repository that has it"
  fi
  fail "the repositories of this host have no package $package: add one that has $wish, or give target.packages.$program"
}

versions_offered() {
  found=$(apt-cache madison "$package" | awk -F ' *[|] *' '{ print $2 }' | uniq)
  if [ -z "$found" ]; then
    apt_get update -qq >&2 || fail 'cannot read the lists of the repositories; see above'
    found=$(apt-cache madison "$package" | awk -F ' *[|] *' '{ print $2 }' | uniq)
  fi
  echo "$found"
}

# Waits for whoever else is at it. needrestart would restart services of its own choice.
apt_get() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -o DPkg::Lock::Timeout=600 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

off_switch() { echo "/etc/systemd/system/$1.d/mqtt-cluster.conf"; }

# Off before they are there, or their own postinst would start them with the distribution's configuration. Not masked: some
# packages (EMQX's) cannot be installed while their unit is.
switch_off_rivals() {
  for rival in $package_units; do
    [ ! -e "$(off_switch "$rival")" ] || continue
    mkdir -p "$(dirname "$(off_switch "$rival")")"
    cat >"$(off_switch "$rival")" <<END
# A unit of an MQTT cluster runs this program, for as long as the folder is there.
[Unit]
ConditionPathExists=!/usr/local/lib/mqtt-cluster
END
    echo "$rival" >>"$state/off"
  done
  mkdir -p /usr/local/lib/mqtt-cluster
  systemctl daemon-reload
  for rival in $package_units; do
    systemctl stop "$rival" 2>/dev/null || true
  done
}

install_packages() {
  step='packages'
  mkdir -p "$state"
  chmod 700 "$state"
  switch_off_rivals
  if [ -z "$package_url" ]; then
    needed="$package=$(wanted_version) $also_needs"
  elif [ "$(cat "$state/$package.sha256" 2>/dev/null)" != "$package_sha256" ] || [ -z "$(installed_version "$package")" ]; then
    needed="$(fetched_package) $also_needs"
  else
    needed=$also_needs
  fi
  all_there "$needed" && return
  # As it was before the first try, if there was one that failed.
  [ -e "$state/before.$instance" ] || dpkg-query -W -f '${Package}\n' | sort >"$state/before.$instance"
  # shellcheck disable=SC2086 # a list
  if ! output=$(apt_get install -y -qq --no-install-recommends --allow-downgrades --allow-change-held-packages $needed 2>&1) &&
    ! output=$(apt_get update -qq 2>&1 && apt_get install -y -qq --no-install-recommends --allow-downgrades --allow-change-held-packages $needed 2>&1); then
    printf '%s\n' "$output" >&2
    fail "cannot install $needed"
  fi
  # What came with it goes with it, and nothing else.
  dpkg-query -W -f '${Package}\n' | sort | comm -13 "$state/before.$instance" - >>"$state/installed"
  rm -f "$state/before.$instance"
  [ -z "$package_url" ] || echo "$package_sha256" >"$state/$package.sha256"
  # Not replaced under the running program by unattended upgrades; a deployment does it, one node after another.
  if [ -n "$package_version$package_url" ] && ! apt-mark showhold | grep -q -x -F "$package"; then
    apt-mark hold "$package" >/dev/null
    echo "$package" >>"$state/held"
  fi
  say "installed $package $(installed_version "$package")"
}

all_there() { # all_there "NAME[=VERSION] ..."
  for item in $1; do
    case $item in
      /*) return 1 ;;
      *=*) [ "$(installed_version "${item%%=*}")" = "${item#*=}" ] || return 1 ;;
      *) [ -n "$(installed_version "$item")" ] || return 1 ;;
    esac
  done
}

fetched_package() {
  file=$state/$package.deb
  command -v curl >/dev/null || apt_get install -y -qq --no-install-recommends curl ca-certificates >&2
  curl -fsSL --retry 3 -o "$file" "$package_url" || fail "cannot fetch $package_url"
  echo "$package_sha256  $file" | sha256sum -c --quiet - >&2 || {
    rm -f "$file"
    fail "$package_url is not the file with SHA-256 $package_sha256"
  }
  chmod 755 "$state"
  echo "$file"
}

# --- install and uninstall --------------------------------------------------------------------------------------------

# One at a time on a host: package lists and what we remember of the host are shared.
alone() {
  mkdir -p /run/lock
  exec 9>/run/lock/mqtt-cluster
  flock -w 900 9 || fail 'another deployment holds /run/lock/mqtt-cluster'
}

install_instance() {
  alone
  install_packages
  make_folders
  install_control
  tune_kernel
}

install_control() {
  [ "$0" = "$self" ] || install -D -m 755 "$0" "$self"
}

make_folders() {
  step=folders
  id "$run_user" >/dev/null 2>&1 || fail "the package $package made no user $run_user"
  mkdir -p "$configuration" "/var/lib/mqtt-cluster/$cluster"
  install -d -m 750 -o "$run_user" -g "$(id -g "$run_user")" "$data"
}

tune_kernel() {
  step='kernel parameters'
  [ -n "$kernel_parameters" ] || return 0
  : >"$settings"
  while IFS='=' read -r name value; do
    # A leading "-": what the kernel refuses at boot is no reason to stop there.
    echo "-$name = $value" >>"$settings"
    before=$(sysctl -n "$name" 2>/dev/null | tr '\t' ' ') || before=
    [ "$before" != "$value" ] || continue
    if output=$(sysctl -q -w "$name=$value" 2>&1); then
      grep -q -s "^$name=" "$state/kernel" || echo "$name=$before" >>"$state/kernel"
    else
      say "the kernel refuses $name = $value and keeps ${before:-none} ($output): everything runs without it, less well"
    fi
  done <<END
$kernel_parameters
END
}

uninstall() {
  step=uninstall
  alone
  systemctl disable --now --quiet "$unit" 2>/dev/null || true
  rm -rf "/etc/systemd/system/$unit" "/etc/systemd/system/$unit.d" "$settings" "$started" "$reload_due" "$configuration" "$data"
  systemctl daemon-reload
  systemctl reset-failed "$unit" 2>/dev/null || true
  rm -f "$self"
  rmdir --ignore-fail-on-non-empty "/etc/mqtt-cluster/$cluster" "/var/lib/mqtt-cluster/$cluster" \
    "/usr/local/lib/mqtt-cluster/$cluster" 2>/dev/null || true
  # Programs of ours may share packages: they go with the last one.
  [ -n "$(find /usr/local/lib/mqtt-cluster -type f 2>/dev/null)" ] || leave_host
}

leave_host() {
  if [ -s "$state/held" ]; then
    xargs -r apt-mark unhold <"$state/held" >/dev/null
  fi
  if [ -s "$state/installed" ]; then
    # Only what is still there: somebody may have removed it.
    gone=$(sort -u "$state/installed" | while read -r name; do [ -z "$(installed_version "$name")" ] || echo "$name"; done)
    # shellcheck disable=SC2086 # a list
    [ -z "$gone" ] || output=$(apt_get purge -y -qq $gone 2>&1) || {
      printf '%s\n' "$output" >&2
      fail 'cannot remove the packages'
    }
  fi
  if [ -s "$state/off" ]; then
    sort -u "$state/off" | while read -r rival; do
      rm -f "$(off_switch "$rival")"
      rmdir --ignore-fail-on-non-empty "$(dirname "$(off_switch "$rival")")" 2>/dev/null || true
    done
    systemctl daemon-reload
  fi
  if [ -s "$state/kernel" ]; then
    while read -r setting; do sysctl -q -w "$setting" 2>/dev/null || true; done <"$state/kernel"
  fi
  rm -rf "$state"
  rmdir --ignore-fail-on-non-empty /etc/mqtt-cluster /var/lib/mqtt-cluster /usr/local/lib/mqtt-cluster 2>/dev/null || true
  say 'removed everything that was installed here'
}

# --- files ------------------------------------------------------------------------------------------------------------

# Called by the script of files, once for each, with the content on standard input.
file() { # file PATH MODE root|program newline|no-newline
  staged_file=$staged/${1#"$configuration"/}
  (umask 022 && mkdir -p "$(dirname "$staged_file")")
  if [ "$4" = newline ]; then
    cat >"$staged_file"
  else
    # A here-document always ends with a newline.
    content=$(cat)
    printf '%s' "$content" >"$staged_file"
  fi
  fill_secrets "$staged_file"
  [ "$3" = root ] || chown "$run_user:$(id -g "$run_user")" "$staged_file"
  chmod "$2" "$staged_file"
  printf '%s\n' "${1#"$configuration"/}" >>"$staged.list"
}

# Secrets that the host holds itself. By sed's standard input: whoever looks at processes sees their arguments.
fill_secrets() { # fill_secrets FILE
  # shellcheck disable=SC2013 # words: neither names of users nor paths hold spaces
  for secret in $(grep -o '<<[^<>]*:file:/[^<>]*>>' "$1" | sort -u); do
    path=${secret#*:file:}
    path=${path%>>}
    [ -s "$path" ] || fail "$path, which a secret is read from, is not there or empty"
    value=$(cat "$path")
    case $value in
      ????????????*) ;;
      *) fail "the secret in $path must have at least 12 characters" ;;
    esac
    case $value in
      *[!A-Za-z0-9._~+/=-]* | [!A-Za-z0-9]*)
        fail "the secret in $path may have letters, digits and . _ ~ + / = - only, and begins with a letter or digit" ;;
    esac
    case $secret in
      '<<basic-auth:'*)
        user=${secret#<<basic-auth:}
        value=$(printf '%s:%s' "${user%%:*}" "$value" | base64 -w 0) ;;
    esac
    printf 's|%s|%s|g\n' "$(printf '%s' "$secret" | sed 's/[][\.*^$|]/\\&/g')" "$value" | sed -i -f - "$1"
  done
}

place() { # place SCRIPT-OF-FILES
  alone
  # Another program than before. Another version waits until the running one has stopped.
  [ -n "$(installed_version "$package")" ] || install_packages
  make_folders
  install_control
  step=files
  staged=/etc/mqtt-cluster/$cluster/.$workload.new
  rm -rf "$staged" "$staged.list"
  mkdir -m 755 "$staged"
  # In private until owner and mode are right.
  umask 077
  # shellcheck source=/dev/null
  . "$1"
  umask 022
  : >>"$staged.list"
  step='check of the files'
  check_staged
  step=files
  while read -r name; do
    if ! cmp -s "$staged/$name" "$configuration/$name"; then
      say "new: $configuration/$name"
      case " $reload_files " in *" $name "*) : >"$reload_due" ;; esac
    fi
    mkdir -p "$(dirname "$configuration/$name")"
    mv -f "$staged/$name" "$configuration/$name"
  done <"$staged.list"
  remove_other_files
  rm -rf "$staged" "$staged.list"
  write_unit >"/etc/systemd/system/$unit.new"
  mv -f "/etc/systemd/system/$unit.new" "/etc/systemd/system/$unit"
  systemctl daemon-reload
  tune_kernel
  is_active || return 0
  if raise_open_files; then
    [ ! -e "$reload_due" ] || reload_program
  elif [ -e "$reload_due" ]; then
    say 'this host does not let a running process have more open files, so it is restarted instead of reloaded'
    systemctl restart "$unit"
    wait_healthy "$start_seconds"
    has_started
  else
    say "keeps its limit of open files until it is restarted: this host does not let a running process have more"
  fi
}

# The program's own checker sees the new files where they will be, and nobody else does: in a mount namespace of its own.
check_staged() {
  # shellcheck disable=SC2016 # for the inner shell
  unshare -m sh -c '
    set -eu
    mount --bind "$1" "$2"
    for pair in $3; do mount --bind "${pair#*=}" "${pair%%=*}"; done
    exec sh "$4" check' sh "$staged" "$configuration" "$fixed_paths" "$self" || {
    rm -rf "$staged" "$staged.list"
    fail 'refused; the files that were there stay, and so does the running program'
  }
}

remove_other_files() {
  find "$configuration" -type f | while read -r path; do
    grep -q -x -F "${path#"$configuration"/}" "$staged.list" || {
      say "removed: $path"
      rm -f "$path"
    }
  done
}

# Of the running processes; fails where the host lets nobody do that (a container, say).
raise_open_files() {
  wanted=$(sed -n 's/^LimitNOFILE=//p' "/etc/systemd/system/$unit")
  main=$(systemctl show -p MainPID --value "$unit")
  for pid in $main $(pgrep -P "$main"); do
    [ "$(awk '/^Max open files/ { print $4 }' "/proc/$pid/limits")" -ge "$wanted" ] ||
      prlimit --pid "$pid" --nofile="$wanted:$wanted" 2>/dev/null || return 1
  done
}

reload_program() {
  step=reload
  systemctl reload "$unit"
  # It begins when the signal arrives, and nobody says when it is over.
  sleep 2
  wait_healthy "$timeout_seconds"
  command_of "$timeout_seconds" reload-check || {
    last_words >&2
    fail 'it refused to reload and goes on with what it had before; its last words are above'
  }
  rm -f "$reload_due"
  say 'reloaded'
}

# --- running ----------------------------------------------------------------------------------------------------------

# Of all that a running program has read at its start. Limits it need not: those of the unit's cgroup count from a
# daemon-reload on, that of open files is raised from outside.
fingerprint() {
  {
    installed_version "$package"
    grep -v "^\($limits\)=" "/etc/systemd/system/$unit"
    for name in $restart_files; do sha256sum "$configuration/$name"; done
  } | sha256sum
}

has_started() {
  fingerprint >"$started"
  rm -f "$reload_due"
}

start() {
  step=start
  if is_active && [ "$(fingerprint)" = "$(cat "$started" 2>/dev/null)" ]; then
    say 'runs with these files already'
  else
    if is_active; then
      # Its clients go to the others first. A program that hangs cannot do that: then the stop is what helps.
      if [ -n "$drains" ] && healthy >/dev/null 2>&1; then
        command_of 60 drain || say 'could not send its clients away; stopping it all the same'
      fi
      systemctl stop "$unit"
    fi
    alone
    install_packages
    step=start
    systemctl reset-failed "$unit" 2>/dev/null || true
    systemctl enable --quiet "$unit"
    # Not waited for by systemctl: a start that hangs would hold the deployment for as long as systemd lets it.
    systemctl start --no-block "$unit"
  fi
  wait_healthy "$start_seconds"
  has_started
  say "runs $package $(installed_version "$package")"
}

wait_healthy() { # wait_healthy SECONDS
  deadline=$(($(date +%s) + $1))
  restarts_before=$(restarts)
  while :; do
    if is_active && answer=$(healthy 2>&1); then
      return
    fi
    ends=$(($(restarts) - restarts_before))
    if [ "$(date +%s)" -ge "$deadline" ] || [ "$ends" -ge 3 ]; then
      last_words >&2
      fail "$program is not healthy$([ "$ends" -lt 3 ] && echo " after $1 s" || echo ': it ends again and again'): ${answer:-no answer}; its last words are above"
    fi
    sleep 1
  done
}

restarts() { systemctl show -p NRestarts --value "$unit"; }

last_words() {
  SYSTEMD_COLORS=0 journalctl -u "$unit" -n 40 --no-pager -o cat | sed 's/\x1b\[[0-9;]*m//g'
}

healthy() {
  case $health in
    command) command_of "$timeout_seconds" health ;;
    http:*) curl -fsS -m "$timeout_seconds" -o /dev/null "http://127.0.0.1:${health#http:}" ;;
    *) is_active ;;
  esac
}

# At the first boot of a host, which knows nothing of the others but their addresses.
boot() { # boot SCRIPT-OF-FILES
  preflight
  install_instance
  place "$1"
  if [ -n "$boots_after" ]; then
    step="waiting for $boots_after"
    deadline=$(($(date +%s) + 900))
    until bash -c 'exec 3<>"/dev/tcp/${0%:*}/${0#*:}"' "$boots_after" 2>/dev/null; do
      [ "$(date +%s)" -lt "$deadline" ] || fail 'it did not answer for 15 minutes'
      sleep 2
    done
  fi
  start
}

# Others, while one of them restarts or leaves. An instance that is not deployed yet, or not any more, has no say.
others_ready() {
  step='health before another one stops'
  is_enabled || return 0
  deadline=$(($(date +%s) + 30))
  until is_active && answer=$(healthy 2>&1); do
    [ "$(date +%s)" -lt "$deadline" ] || fail "not healthy, so no other one may stop now: ${answer:-it does not run}. Mend this one first, or take it out of the definition"
    sleep 1
  done
}

sees_peer() { # sees NAME HOST
  step="waiting until $1 is a member"
  is_enabled || return 0
  deadline=$(($(date +%s) + 180))
  until answer=$(command_of 15 sees "$1" "$2" 2>&1); do
    [ "$(date +%s)" -lt "$deadline" ] || fail "does not see it among the running members after 180 s: $answer"
    sleep 1
  done
  say "sees $1 as a member"
}

from_pool() { # drain|admit NAME HOST
  step="$1 $2"
  is_active || return 0
  command_of 90 "pool-$1" "$2" "$3" || fail "$2 $([ "$1" = drain ] && echo 'still has clients' || echo 'does not pass the checks')"
  say "$1: $2"
}

# --- leaving ----------------------------------------------------------------------------------------------------------

drain_self() {
  step='sending clients away'
  is_active && [ -n "$drains" ] || return 0
  # The balancers have done it already, so that nobody new comes. One that is not well may not be able to: the last but one
  # member of RabbitMQ that leaves makes the last one pause, for instance.
  command_of 60 drain || say 'could not send its clients away; it leaves all the same'
}

release_peer() { # release NAME HOST
  remaining_member "preparing for the end of $1" "$1" "$2" release
}

forget_peer() { # forget NAME HOST
  remaining_member "striking off $1" "$1" "$2" forget
  say "$1 is no member any more"
}

remaining_member() { # STEP NAME HOST WHAT
  step=$1
  # Left itself, or never was one: when everything is removed nobody remains to be told.
  is_enabled || return 0
  is_active || fail "this member is down, so it cannot be told: start it, or remove $2 when it runs again"
  command_of 300 "$4" "$2" "$3" || fail 'it failed; see above'
}

stop_for_good() {
  step=stop
  systemctl disable --now --quiet "$unit" 2>/dev/null || ! is_active || fail 'it does not stop'
}

# --- what may be asked of this script ---------------------------------------------------------------------------------

asked=${1:-}
[ $# = 0 ] || shift
# So that `set -e` counts inside of functions, none of these is part of a condition.
case $asked in
  preflight) preflight ;;
  install) install_instance ;;
  place) place "$@" ;;
  start) start ;;
  boot) boot "$@" ;;
  check) check_here ;;
  healthy) healthy && echo healthy ;;
  others-ready) others_ready ;;
  sees) sees_peer "$@" ;;
  drain | admit) from_pool "$asked" "$@" ;;
  drain-self) drain_self ;;
  release) release_peer "$@" ;;
  stop) stop_for_good ;;
  forget) forget_peer "$@" ;;
  uninstall) uninstall ;;
  exec) in_instance 3600 "$@" ;;
  as-instance) as_instance "$@" ;;
  *)
    cat >&2 <<END
usage: $0 COMMAND, as root
  healthy                  whether $instance does its work
  exec COMMAND...          runs a command as $program's user and in its environment
  drain-self               sends its clients away
  sees NAME ADDRESS        whether it counts another instance among its members
  forget NAME ADDRESS      strikes off an instance that is gone for good
  drain|admit NAME ADDRESS   takes an instance out of the pool, and in again
END
    exit 2
    ;;
esac
