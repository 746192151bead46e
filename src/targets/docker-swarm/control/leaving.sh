# shellcheck shell=sh disable=SC2154,SC2016 # what it does not define is in hosts.sh and preflight.sh
# Whoever stops for good, and its data. Prints what is wrong.

# There in a member's container when it is to leave for good; see first-process.sh.
leaves=/tmp/mqtt-cluster-leaves

# One after another: two that leave at once could take the majority with them. Whoever waits begins to count anew with each
# that has its turn.
take_turn() { # take_turn INSTANCE
  turn=$cluster-leaving seconds=0 before=''
  until refused=$(printf '%s' "$1" | docker config create "$turn" - 2>&1); do
    holder=$(docker config inspect -f '{{.CreatedAt}}' "$turn" 2>/dev/null) || holder=$before
    [ "$holder" = "$before" ] || seconds=0
    before=$holder
    seconds=$((seconds + 1))
    [ "$seconds" -lt 900 ] ||
      fail "$refused: another member leaves for 15 minutes. If none does, since an apply was interrupted: docker config rm $turn"
    sleep 1
  done
  trap 'docker config rm "$turn" >/dev/null' EXIT
  trap 'exit 130' HUP INT TERM
}

stops() { # stops SERVICE: whether a task of it still has to end, on a host that answers; also when nobody can tell
  tasks=$(docker service ps -q --no-trunc "$1" 2>/dev/null) || return 0
  for task in $tasks; do
    at=$(docker inspect --type task -f '{{.NodeID}} {{.Status.State}}' "$task" 2>/dev/null) || return 0
    case ${at#* } in
      running | starting | preparing | ready | accepted | assigned) ! is_ready "${at% *}" || return 0 ;;
    esac
  done
  return 1
}

stop() { # stop INSTANCE
  tries=1
  # Refused where the swarm itself changes the service at that moment: "update out of sequence".
  until refused=$(docker service scale --detach "$cluster-$1=0" 2>&1); do
    [ "$tries" -lt 10 ] || fail "$1 cannot be stopped: $refused"
    tries=$((tries + 1))
    sleep 1
  done
  for _ in $(seq 600); do
    stops "$cluster-$1" || return 0
    sleep 1
  done
  fail "$1 has not stopped within 10 minutes"
}

# What stops for good.
stop_instance() { # stop_instance INSTANCE
  ! is_there "$cluster-$1" || stop "$1"
}

# A member that stops for good. Whoever remains makes sure of it; a member whose host is away is struck off by them alone.
leave() { # leave INSTANCE HOST
  service=$cluster-$1
  is_there "$service" || return 0
  take_turn "$1"
  found=$(running_task "$service")
  if [ -n "$found" ]; then
    task=${found% *} node=${found#* }
    on_host "$node" "docker exec $(container_of "$task") touch $leaves" || fail "$1 cannot be told to leave"
  fi
  stop "$1"
  strike_off "$1" "$2"
}

# By one of those who remain, if there are any.
strike_off() { # strike_off INSTANCE HOST
  service=$cluster-$1
  others=$(services "label=mqtt-cluster.workload=${1%-*}") || fail "target.host: no manager answers at $engine"
  # A minute for those that start just now.
  give_up=$(($(date +%s) + 60))
  while :; do
    remaining=0
    for other in $others; do
      [ "$other" != "$service" ] || continue
      [ "$(docker service inspect -f '{{.Spec.Mode.Replicated.Replicas}}' "$other")" != 0 ] || continue
      remaining=$((remaining + 1))
      found=$(running_task "$other")
      [ -n "$found" ] || continue
      task=${found% *} node=${found#* }
      ! on_host "$node" "docker exec $(container_of "$task") $(forget "$2" "$1")" || return 0
    done
    [ "$remaining" != 0 ] || return 0
    [ "$(date +%s)" -lt "$give_up" ] || break
    sleep 5
  done
  fail "none of the $remaining other members could strike off $1. To give up all of them: docker service rm $service, then again"
}

# Before it leaves the host that it has, be it for another one or for good: Terraform removes before it makes. When everything
# is removed, all are wanted still, and where they are.
check_rest() { # check_rest INSTANCE CONSTRAINT: that of its present host
  stays_at=$(wanted | awk -v instance="$1" '$1 == instance { print $3 }')
  [ "$stays_at" != "$2" ] || return 0
  if [ -n "$stays_at" ]; then
    check_move "$1" "$2" "$stays_at"
  fi
  (preflight)
}

# Whoever moves begins anew: the data that it has goes.
check_move() { # check_move INSTANCE FROM TO: constraints
  path=$(wanted | awk -v instance="$1" '$1 == instance { print $2 }')
  from=$(hosts_with "$2" | cut -d ' ' -f 1)
  [ -z "$from" ] || [ "$from" != "$(hosts_with "$3" | cut -d ' ' -f 1)" ] ||
    fail "target.$path.constraint: $3 is the same host as $2, and another constraint removes the data of $1: leave it as it was"
  kind=${1%-[0-9]}
  moving=$(movers "$kind") all=$(wanted | grep -c "^$kind-[0-9] ")
  [ "$(echo "$moving" | wc -w)" -lt 2 ] || [ $((2 * (all - $(echo "$moving" | wc -w)))) -gt "$all" ] ||
    fail "target.${path%%.*}: $(echo "$moving" | tr '\n' ' ')are to move, which leaves no majority of $all with its data: one at a time"
}

# Instances that run, and are to be on other hosts than they are.
movers() { # movers KIND
  wanted | grep "^$1-[0-9] " | while read -r instance _ constraint _; do
    at=$(docker service inspect -f '{{index .Spec.TaskTemplate.Placement.Constraints 0}}' "$cluster-$instance" 2>/dev/null) || continue
    [ "$at" = "$constraint" ] || [ -z "$(running_task "$cluster-$instance")" ] || echo "$instance"
  done
}

# Data of an earlier cluster would be taken for its own.
check_no_data() { # check_no_data INSTANCE CONSTRAINT VOLUME...
  instance=$1
  node=$(ready_hosts_with "$2" | head -n 1)
  [ -n "$node" ] || fail "no host that is up has $2"
  shift 2
  on_host "$node" "for volume in $*; do
      ! docker volume inspect \"\$volume\" >/dev/null 2>&1 ||
        { echo \"$(name_of "$node") still has data of an earlier $instance: docker volume rm \$volume\"; exit 1; }
    done" >&2
}

# A member that had not been placed when its apply failed has not left either.
strike_off_once_more() { # strike_off_once_more INSTANCE HOST
  take_turn "$1"
  strike_off "$1" "$2"
}

remove_data() { # remove_data INSTANCE CONSTRAINT VOLUME...
  instance=$1 service=$cluster-$1 constraint=$2
  node=$(ready_hosts_with "$constraint" | head -n 1)
  shift 2
  if [ -z "$node" ]; then
    ails=$(what_ails "$constraint")
    echo "${ails:-no host has $constraint}, so the data of $instance stays there. When it is active again: docker volume rm $*"
    return 0
  fi
  on_host "$node" "for _ in \$(seq 60); do
      docker ps -aq --filter label=com.docker.swarm.service.name=$service | xargs -r docker rm -f >/dev/null 2>&1 || true
      ! docker volume rm -f $* >/dev/null || exit 0
      sleep 1
    done
    exit 1"
}
