# shellcheck shell=sh disable=SC2154,SC2016 # what it does not define is in hosts.sh
# Before anything is changed. Says all that is wrong at once.

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
