# shellcheck shell=sh disable=SC2016 # templates of Docker stand in single quotes
# Runs where the docker command reaches a manager of the swarm. Prints what is wrong.
set -eu

# A swarm watches a new task for a while, and takes the service back when it ends. Terraform's provider goes on as soon as the
# task runs (3.6.2), and the next one would be stopped already.
await_update() { # await_update SERVICE
  for _ in $(seq 300); do
    # No answer is none about the service: the managers may be choosing another leader.
    state=$(docker service inspect -f '{{with .UpdateStatus}}{{.State}}{{end}}' "$1" 2>/dev/null) || state=unknown
    case $state in
      '' | completed) return 0 ;;
      rollback_completed | rollback_paused | paused)
        echo "$1 started and ended soon after, so the swarm took it back to what it was ($state): docker service logs $1" >&2
        return 1
        ;;
    esac
    sleep 1
  done
  echo "$1 is still being updated after 5 minutes: docker service ps --no-trunc $1" >&2
  return 1
}
