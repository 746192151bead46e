# shellcheck shell=sh disable=SC2154,SC2034 # follows host.sh
# The program: its files, its start, what it is to the others, its end; and what may be asked of the whole script.

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

# Secrets that the host holds itself.
secret_file() { echo "$2"; }
secret_title() { echo "the secret in $2"; }

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
  # Another version is there only after the one that runs has stopped, and it is its word that counts.
  ! has_wanted_package || check_staged
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
    files=$(awk '/^Max open files/ { print $4 }' "/proc/$pid/limits" 2>/dev/null) || continue
    [ "${files:-0}" -ge "$wanted" ] ||
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
limits='LimitNOFILE\|MemoryMax\|MemorySwapMax\|CPUQuota'

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
  if is_active && has_wanted_package && [ "$(fingerprint)" = "$(cat "$started" 2>/dev/null)" ]; then
    say 'runs with these files already'
  else
    alone
    fetch_packages
    step=start
    if is_active; then
      # Its clients go to the others first. A program that hangs cannot do that: then the stop is what helps.
      if [ -n "$drains" ] && healthy >/dev/null 2>&1; then
        rm -f "$started"
        command_of 60 drain || say 'could not send its clients away; stopping it all the same'
      fi
      systemctl stop "$unit"
    fi
    if ! has_wanted_package; then
      install_packages
      step='check of the files'
      check_here || fail "refused by the $package that was just installed"
    fi
    step=start
    # Others on this host may go on.
    exec 9>&-
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

# One that is down already is started first: the others may be waiting for it, and need not be well for that.
revive() {
  step='start of what is down'
  if is_enabled && ! is_active; then
    systemctl start --no-block "$unit"
    say 'was down: started'
  fi
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
  # Whatever happens from here on, it must be started again before it has clients.
  rm -f "$started"
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
  if command_of 300 "$4" "$2" "$3"; then
    return
  elif [ $? = 124 ]; then
    fail 'not done after 300 s: do it again, it goes on from there'
  fi
  fail 'it failed; see above'
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
  revive) revive ;;
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
