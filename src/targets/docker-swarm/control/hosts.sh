# shellcheck shell=sh disable=SC2154,SC2016 # what it does not define is put in front: cluster, engine, network, subnet,
# tools, socket, managers, registry_auth, wanted and forget; templates of Docker stand in single quotes
# Hosts, services and jobs of a swarm. Runs where the docker command reaches a manager. Prints what is wrong.
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

# Names, one a line; nothing where there is none. A manager that does not answer is not that.
services() { # services FILTER...
  for filter in "$@"; do set -- "$@" --filter "$filter" && shift; done
  docker service ls --format '{{.Name}}' --filter "label=mqtt-cluster.name=$cluster" "$@"
}

is_there() { # is_there SERVICE
  listed=$(services) || fail "target.host: no manager answers at $engine"
  echo "$listed" | grep -qx -- "$1"
}
