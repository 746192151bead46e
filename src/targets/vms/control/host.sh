# shellcheck shell=sh disable=SC2154 # what differs between instances stands in front of this: see ../control-script.ts
# The host: whether it can do it, packages, folders. Debian's and Ubuntu's own tools only: dpkg, systemd, util-linux, iproute2.

# Programs read what is made here as users of their own, whatever umask this script was called with.
umask 022

state=/var/lib/mqtt-cluster/.host
settings=/etc/sysctl.d/60-mqtt-cluster-$cluster-$workload.conf
started=/var/lib/mqtt-cluster/$cluster/.$instance.started
# There from the moment when new files are in place until the program has read them.
reload_due=/var/lib/mqtt-cluster/$cluster/.$instance.reload-due
self=/usr/local/lib/mqtt-cluster/$cluster/$instance

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
  for tool in ip ss setpriv unshare; do
    command -v "$tool" >/dev/null || fail "there is no $tool here: apt-get install iproute2 util-linux"
  done
  # Another program would find the data, the members and the running process of the one before.
  [ -z "$drains" ] || [ ! -e "$self" ] || grep -q -x -F "program='$program'" "$self" ||
    fail "this is a member of a cluster of another program than $program: destroy that first, or give the cluster another name"
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
  # What apt itself would take comes first: the others may be there for special purposes (backports).
  for version in $(apt-cache policy "$package" | sed -n 's/^ *Candidate: //p') $offered; do
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
    update_lists
    found=$(apt-cache madison "$package" | awk -F ' *[|] *' '{ print $2 }' | uniq)
  fi
  echo "$found"
}

# apt waits for others at its packages (below), not at its lists.
update_lists() {
  for _ in $(seq 60); do
    if output=$(apt_get update -qq 2>&1); then
      return
    fi
    case $output in *'Could not get lock'*) sleep 5 ;; *) break ;; esac
  done
  printf '%s\n' "$output" >&2
  fail 'cannot read the lists of the repositories; see above'
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

has_wanted_package() {
  version=$(installed_version "$package")
  [ -n "$version" ] || return 1
  if [ -n "$package_url" ]; then
    [ "$(cat "$state/$package.sha256" 2>/dev/null)" = "$package_sha256" ]
  else
    will_do "$version"
  fi
}

install_packages() {
  step='packages'
  mkdir -p "$state"
  chmod 700 "$state"
  switch_off_rivals
  if has_wanted_package; then
    needed=$also_needs
  elif [ -n "$package_url" ]; then
    needed="$(fetched_package) $also_needs"
  else
    needed="$package=$(wanted_version) $also_needs"
  fi
  all_there "$needed" || install_now "$needed"
  [ -z "$package_url" ] || echo "$package_sha256" >"$state/$package.sha256"
  # Not replaced under the running program by unattended upgrades; a deployment does it, one node after another.
  if [ -n "$package_version$package_url" ] && ! apt-mark showhold | grep -q -x -F "$package"; then
    apt-mark hold "$package" >/dev/null
    echo "$package" >>"$state/held"
  fi
}

# Before the running program stops: whatever can go wrong with it, and the time that it takes.
fetch_packages() {
  step='packages'
  ! has_wanted_package || return 0
  if [ -n "$package_url" ]; then
    fetched_package >/dev/null
  else
    apt_install --download-only "$package=$(wanted_version)" >/dev/null || fail "cannot fetch $package"
  fi
}

install_now() { # install_now "NAME[=VERSION] ..."
  # Of an upgrade that was interrupted, by whomever.
  DEBIAN_FRONTEND=noninteractive dpkg --configure -a >/dev/null 2>&1 || true
  # What comes new with ours goes with ours, even if it comes half-way only.
  if ! coming=$(apt_install -s "$1" 2>/dev/null); then
    update_lists
    coming=$(apt_install -s "$1") || fail "cannot install $1"
  fi
  printf '%s\n' "$coming" | awk '$1 == "Inst" && $3 !~ /^\[/ { print $2 }' >>"$state/installed"
  if ! output=$(apt_install "$1" 2>&1); then
    printf '%s\n' "$output" >&2
    fail "cannot install $1"
  fi
  say "installed $package $(installed_version "$package")"
}

apt_install() { # apt_install [-s|--download-only] "NAME[=VERSION] ..."
  option=
  case $1 in
    -*)
      option=$1
      shift
      ;;
  esac
  # shellcheck disable=SC2086 # lists
  apt_get install -y -qq $option --no-install-recommends --allow-downgrades --allow-change-held-packages $1
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
  # First, for it is what can undo the rest.
  install_control
  install_packages
  make_folders
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
    gone=$(sort -u "$state/installed" | while read -r name; do ! dpkg-query -W "$name" >/dev/null 2>&1 || echo "$name"; done)
    # shellcheck disable=SC2086 # a list
    others=$(apt_get purge -s -qq $gone | awk '$1 == "Purg" || $1 == "Remv" { print $2 }' | sort |
      { echo "$gone" | sort >"$state/ours" && comm -23 - "$state/ours"; })
    if [ -n "$others" ]; then
      say "leaves the packages that came with it, because others need them by now: $(echo "$others" | tr '\n' ' ')"
    elif [ -n "$gone" ]; then
      # shellcheck disable=SC2086 # a list
      output=$(apt_get purge -y -qq $gone 2>&1) || {
        printf '%s\n' "$output" >&2
        fail 'cannot remove the packages'
      }
    fi
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

