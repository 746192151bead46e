# shellcheck shell=sh disable=SC2154,SC2016 # what it does not define is put in front: cluster, engine, network, subnet,
# tools, socket, managers, registry_auth, leaves, wanted and forget; templates of Docker stand in single quotes
# Runs where the docker command reaches a manager of the swarm. Prints what is wrong.
set -eu

fail() {
  echo "$*" >&2
  exit 1
}

# What a constraint is about, as a field of Docker's templates.
field_of() { # field_of CONSTRAINT
  case $1 in
    node.hostname==*) echo .Description.Hostname ;;
    node.id==*) echo .ID ;;
    node.labels.*)
      label=${1#node.labels.}
      echo "index .Spec.Labels \"${label%%==*}\""
      ;;
  esac
}

# Lines of: ID NAME STATE AVAILABILITY. In any spelling of the value, as a swarm compares it.
hosts_with() { # hosts_with CONSTRAINT
  docker node ls -q | xargs docker node inspect \
    -f "{{.ID}} {{.Description.Hostname}} {{.Status.State}} {{.Spec.Availability}} {{$(field_of "$1")}}" |
    awk -v wanted="${1#*==}" 'tolower($5) == tolower(wanted) { print $1, $2, $3, $4 }'
}

ready_hosts_with() { # ready_hosts_with CONSTRAINT: ids
  hosts_with "$1" | awk '$3 == "ready" && $4 == "active" { print $1 }'
}

# Of hosts on which nothing can be started.
what_ails() { # what_ails CONSTRAINT: dock1 is down, dock2 is drain
  hosts_with "$1" | awk '{ printf "%s%s is %s", sep, $2, $3 == "ready" ? $4 : $3; sep = ", " }'
}

name_of() { # name_of NODE
  docker node inspect -f '{{.Description.Hostname}}' "$1"
}

is_ready() { # is_ready NODE
  [ "$(docker node inspect -f '{{.Status.State}}' "$1" 2>/dev/null)" = ready ]
}

# A service that runs once. Not in the mode of jobs: engines leave the containers of these behind (seen with 20.10). With a name of
# its own: an engine gives those that are made at the same moment the same one (seen with 20.10).
start_job() { # start_job NODE CREATE-OPTION...
  node=$1
  shift
  job_name=$cluster-job-$(tr -dc a-z0-9 </dev/urandom | head -c 12)
  # shellcheck disable=SC2086 # one option, or none
  docker service create --name "$job_name" --detach --quiet --no-resolve-image $registry_auth --restart-condition none --log-driver json-file \
    --label "mqtt-cluster.job=$cluster" --constraint "node.id==$node" "$@"
}

# 0: done; 1: failed, and why is printed; 2: not yet; 3: the host refuses it, and why is printed.
job_state() { # job_state JOB
  state=$(docker service ps --no-trunc --format '{{.CurrentState}} | {{.Error}}' "$1" 2>/dev/null | head -n 1)
  case $state in
    Complete*) return 0 ;;
    Failed*)
      echo "${state#*| }"
      return 1
      ;;
    Rejected*)
      echo "${state#*| }"
      return 3
      ;;
  esac
  # No answer is none about the host: the managers may be choosing another leader.
  at=$(docker service inspect -f '{{index .Spec.TaskTemplate.Placement.Constraints 0}}' "$1" 2>/dev/null) || return 2
  is_ready "${at##*==}" || {
    echo 'the host is away'
    return 3
  }
  return 2
}

await_job() { # await_job JOB SECONDS
  for _ in $(seq "$2"); do
    status=0
    job_state "$1" || status=$?
    [ "$status" = 2 ] || return "$status"
    sleep 1
  done
  echo "has not ended after $2 s"
  return 3
}

# Runs docker commands on a host, with the socket of its engine. Prints what they print.
on_host() { # on_host NODE SCRIPT
  job=$(start_job "$1" --mount "type=bind,source=$socket,target=/var/run/docker.sock" --user 0 --entrypoint sh "$tools" -ec \
    "docker version >/dev/null; $2") || {
    echo "no job can be started on $(name_of "$1")"
    return 3
  }
  status=0
  answer=$(await_job "$job" 600) || status=$?
  docker service logs --raw "$job" 2>&1 || true
  [ "$status" = 0 ] || echo "$(name_of "$1"): $answer"
  docker service rm "$job" >/dev/null
  return "$status"
}

running_task() { # running_task SERVICE: TASK NODE, on a host that answers
  for task in $(docker service ps -q --no-trunc --filter desired-state=running "$1" 2>/dev/null); do
    docker inspect --type task -f '{{.ID}} {{.NodeID}} {{.Status.State}}' "$task"
  done | while read -r task node state; do
    ! { [ "$state" = running ] && is_ready "$node"; } || echo "$task $node"
  done | head -n 1
}

# Words of a shell on the host: the container of a task.
container_of() { # container_of TASK
  printf '"$(docker ps -q --filter label=com.docker.swarm.task.id=%s)"' "$1"
}

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
  docker service scale --detach "$cluster-$1=0" >/dev/null
  for _ in $(seq 600); do
    stops "$cluster-$1" || return 0
    sleep 1
  done
  fail "$1 has not stopped within 10 minutes"
}

# Names, one a line; nothing where there is none. A manager that does not answer is not that.
services() { # services FILTER...
  for filter in "$@"; do set -- "$@" --filter "$filter" && shift; done
  docker service ls --format '{{.Name}}' --filter "label=mqtt-cluster.name=$cluster" "$@"
}

is_there() { # is_there SERVICE
  listed=$(services) || fail "target.host: no manager answers at $engine"
  echo "$listed" | grep -qx -- "$1"
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

# --- before anything is changed ---

problem() { echo "  - $*" >>"$problems"; }

check_swarm() {
  version=$(docker version -f '{{.Server.Version}}' 2>&1) || fail "target.host: no Docker engine answers at $engine: $version"
  state=$(docker info -f '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}' 2>/dev/null) || state='not known'
  case $state in
    'active true') ;;
    'active false') fail "target.host: $engine is a worker of its swarm, and no manager: give a manager" ;;
    inactive*) fail "target.host: $engine is in no swarm: docker swarm init there, or give a manager of the one that you have" ;;
    locked*) fail "target.host: $engine has been locked since its start: docker swarm unlock there" ;;
    *) fail "target.host: $engine is no manager that works: its state in the swarm is ${state% *}" ;;
  esac
  found=$(docker node ls -q --filter role=manager | wc -l)
  reachable=$(docker node ls -q --filter role=manager | xargs docker node inspect -f '{{.ManagerStatus.Reachability}}' | grep -c '^reachable$' || true)
  if [ "$found" -lt "$managers" ]; then
    problem "target.managers: the swarm has $found, and $managers are wanted. With one or two, the loss of a single manager is that of the" \
      "swarm: programs go on, and nothing is started again, moved or changed. docker node promote makes more; managers: 1 bears it"
  elif [ $((found % 2)) = 0 ]; then
    echo "The swarm has $found managers: it bears the loss of as many as with $((found - 1)), and has one more to lose."
  fi
  [ "$reachable" -eq "$found" ] || echo "Only $reachable of $found managers are reachable."
}

# Notes where each instance may be.
check_hosts() {
  wanted | while read -r instance path constraint pinned cpus _; do
    hosts=$(hosts_with "$constraint")
    good=$(echo "$hosts" | awk '$3 == "ready" && $4 == "active" { print $1 }' | tr '\n' ' ')
    if [ -z "$hosts" ]; then
      problem "target.$path: no host has $constraint; hosts:$(hosts_and_labels)"
    elif [ -z "$good" ]; then
      problem "target.$path: $(what_ails "$constraint")"
    elif [ "$pinned" = pinned ] && [ "$(echo "$hosts" | wc -l)" -gt 1 ]; then
      problem "target.$path: $(echo "$hosts" | awk '{ printf "%s%s", sep, $2; sep = ", " }') have $constraint; the data of $instance is on one host, so it must be one"
    else
      echo "$instance $good" >>"$placed"
      check_cpus "$path" "$cpus" "$good"
    fi
  done
}

# An engine starts nothing that may have more than there is.
check_cpus() { # check_cpus PATH CPUS|- NODES
  [ "$2" != - ] || return 0
  for node in $3; do
    has=$(docker node inspect -f '{{.Description.Resources.NanoCPUs}}' "$node")
    awk -v has="$has" -v wanted="$2" 'BEGIN { exit !(wanted * 1e9 <= has) }' ||
      problem "target.$1: $(name_of "$node") has $(awk -v has="$has" 'BEGIN { print has / 1e9 }') CPUs, and $2 are wanted: lower cpus"
  done
}

# Its name and its addresses are for one network of a swarm. Docker makes one whose addresses are taken, and it never works.
check_network() {
  docker network ls -q --no-trunc | sort -u | xargs docker network inspect \
    -f '{{.Name}} {{with index .Labels "mqtt-cluster.name"}}{{.}}{{else}}-{{end}}{{range .IPAM.Config}} {{.Subnet}}{{end}}' |
    while read -r name owner subnets; do
      [ "$owner" != "$cluster" ] || continue
      [ "$name" != "$network" ] || problem "target.network: there is a network $network already: give another name"
      for other in $subnets; do
        [ -z "$subnet" ] || ! overlap "$subnet" "$other" ||
          problem "target.subnet: $subnet overlaps with $other, which the network $name has: give another one"
      done
    done
}

overlap() { # overlap SUBNET SUBNET: IPv4
  awk -v one="$1" -v other="$2" '
    function first(subnet, octet) { split(subnet, octet, /[.\/]/); return ((octet[1] * 256 + octet[2]) * 256 + octet[3]) * 256 + octet[4] }
    function size(subnet) { sub(/.*\//, "", subnet); return 2 ^ (32 - subnet) }
    BEGIN { exit !(other !~ /:/ && first(one) < first(other) + size(other) && first(other) < first(one) + size(one)) }'
}

hosts_and_labels() {
  docker node ls -q | xargs docker node inspect -f '{{.Description.Hostname}}{{range $label, $value := .Spec.Labels}} {{$label}}={{$value}}{{end}}' |
    awk '{ printf " %s%s", $1, ""; for (i = 2; i <= NF; i++) printf "%s%s", i == 2 ? " (" : ", ", $i; if (NF > 1) printf ")"; printf ";" }'
}

# Two members on one host, and ports that two want of it. One that may be on several hosts is put where its ports are free, if
# there are as many as want to be on them.
check_neighbours() {
  wanted | while read -r instance path constraint pinned _; do
    hosts=$(ready_hosts_with "$constraint" | wc -l)
    wanting=$(wanted | awk -v kind="${instance%-[0-9]}" -v at="$constraint" '$3 == at && $1 ~ "^" kind "(-[0-9])?$" { n++ } END { print n }')
    [ "$hosts" -lt 2 ] || [ "$pinned" = pinned ] || [ "$wanting" -le "$hosts" ] ||
      problem "target.$path: $wanting of its kind are to be on hosts with $constraint, and there are $hosts of them"
  done
  while read -r instance node more; do
    [ -z "$more" ] || continue
    name=$(name_of "$node")
    wanted | while read -r wanting path _ _ _ ports _; do
      [ "$wanting" = "$instance" ] || continue
      case $instance in
        *-[0-9]) take "$node/${instance%-*}" "$path" "$name" 'the two would die together' ;;
      esac
      for port in $(echo "$ports" | tr ',' ' '); do
        [ "$port" = - ] || take "$node:$port" "$path" "port $port of $name" 'only one can have it'
      done
    done
  done <"$placed"
}

take() { # take KEY PATH TITLE WHY
  by=$(sed -n "s|^$1 ||p" "$took" | head -n 1)
  [ -z "$by" ] || problem "target.$2: $3 is taken by $by: $4"
  echo "$1 target.$2" >>"$took"
}

# By services that are not of this cluster.
note_ports_in_use() {
  docker service ls --format '{{.Name}}' | while read -r service; do
    ! services "name=$service" | grep -qx -- "$service" || continue
    for port in $(docker service inspect -f '{{with .Spec.EndpointSpec}}{{range .Ports}}{{.PublishMode}}:{{.PublishedPort}} {{end}}{{end}}' "$service"); do
      case $port in
        ingress:*) docker node ls -q ;;
        *) docker service ps -q --no-trunc --filter desired-state=running "$service" | xargs -r docker inspect --type task -f '{{.NodeID}}' ;;
      esac | sed "s/\$/:${port#*:} the service $service/"
    done
  done >>"$took"
}

# By a job of the image on each host, which brings it there: a roll then has nothing to wait for. The program that it is asked
# to run need not be there.
check_images() {
  while read -r instance nodes; do
    wanted | while read -r wanting path _ _ _ _ image; do
      [ "$wanting" = "$instance" ] || continue
      for node in $nodes; do
        echo "$node $image $path"
        echo "$node $tools $path"
      done
    done
  done <"$placed" | sort -u -k 1,2 | while read -r node image path; do
    job=$(start_job "$node" --entrypoint true "$image") || {
      problem "target.$path: no job can be started on $(name_of "$node")"
      continue
    }
    echo "$job $node $image $path"
  done >"$jobs"
  while read -r job node image path; do
    status=0
    answer=$(await_job "$job" 900) || status=$?
    [ "$status" != 3 ] || problem "target.$path: $(name_of "$node") cannot have the image $image: $answer; push it to a registry" \
      'that every host reaches, or docker load it there'
    docker service rm "$job" >/dev/null 2>&1 || true
  done <"$jobs"
}

preflight() {
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  problems=$folder/problems placed=$folder/placed took=$folder/took jobs=$folder/jobs
  : >"$problems" && : >"$placed" && : >"$took"
  check_swarm
  check_network
  check_hosts
  note_ports_in_use
  check_neighbours
  [ -s "$problems" ] || check_images
  [ ! -s "$problems" ] || fail "The swarm cannot run $cluster:
$(cat "$problems")"
}
