import { PEER_HOST, PEER_NAME } from "../../formats/references";
import type { ConfigFile, Pool } from "../../workload";

/** Where the master process takes commands, and the script that gives them. */
export interface PoolPaths {
  readonly socket: string;
  readonly script: string;
}

/** The master answers for its present worker, and for those that reloads left alone with their clients. */
export function masterSocket({ socket }: PoolPaths): string[] {
  return ["-S", `${socket},mode,600,level,admin`];
}

export function brokerPool({ script }: PoolPaths): Pool {
  const command = (verb: string) => ["/bin/sh", script, verb, PEER_NAME, PEER_HOST];
  return { of: "broker", drain: command("drain"), admit: command("admit") };
}

/** A worker that cannot start leaves the old one in its place, and only the master tells of it, until a reload succeeds. */
export function reloadCheck({ script }: PoolPaths): string[] {
  return ["/bin/sh", script, "reloaded"];
}

/**
 * HAProxy forgets what it was told here when it is reloaded or started again: then every broker that passes the checks has
 * clients.
 *
 * A worker that was replaced by a reload refuses `set server` ("Proxy is disabled"), so its clients are cut one by one.
 *
 * A broker that was let in again counts as up at once, by two checks passed out of four ("UP 1/3"): "UP" alone means that it
 * has passed some since.
 */
export function poolScript({ socket, script }: PoolPaths): ConfigFile {
  const content = `#!/bin/sh
set -eu

fail() {
  echo "$*" >&2
  exit 1
}

connect() {
  socat -t 10 - UNIX-CONNECT:${socket}
}

ask() {
  echo "$1" | connect
}

runs() {
  ask "show proc" > /dev/null 2>&1
}

worker() {
  ask "show proc" | awk '/^# old/ { old = 1 } !old && $2 == "worker" { print $1 }'
}

old_workers() {
  ask "show proc" | awk '/^# old/ { old = 1 } old && $2 == "worker" { print $1 }'
}

set_state() {
  ask "@!$(worker) set server mqtt-brokers/$1 state $2"
}

cut_off_from_old_workers() {
  for worker in $(old_workers); do
    {
      echo prompt
      ask "@!$worker show sess" | awk -v worker="$worker" -v server=" srv=$1 " \\
        'index($0, server) { sub(/:$/, "", $1); print "@!" worker " shutdown session " $1 }'
      echo quit
    } | connect > /dev/null
  done
}

# On every port, through every worker.
clients() {
  for worker in $(worker) $(old_workers); do
    ask "@!$worker show stat"
  done | awk -F, -v server="$1" '$2 == server { sum += $5 } END { print sum + 0 }'
}

state() {
  ask "@!$(worker) show stat" | awk -F, -v server="$1" '$1 == "mqtt-brokers" && $2 == server { print $18 }'
}

drain() {
  runs || { echo "HAProxy does not run here: nobody reaches $1 through it"; return 0; }
  answer=$(set_state "$1" maint)
  case $answer in
    "") ;;
    "No such server.") return 0 ;;
    *) fail "cannot take $1 out: $answer" ;;
  esac
  for _ in $(seq 30); do
    cut_off_from_old_workers "$1"
    [ "$(clients "$1")" != 0 ] || return 0
    sleep 1
  done
  fail "$1 still has $(clients "$1") clients of this balancer after 30 s"
}

address() {
  ask "@!$(worker) show servers state mqtt-brokers" | awk -v server="$1" '$4 == server { print $5 }'
}

admit() {
  runs || fail "HAProxy does not run here: it cannot send anybody to $1"
  answer=$(set_state "$1" ready)
  case $answer in
    "") ;;
    # A new broker, whose clients come with the next configuration.
    "No such server.") return 0 ;;
    *) fail "cannot let $1 in: $answer" ;;
  esac
  # One that has moved to another host is known with the next configuration, too.
  case $2 in
    *[!0-9.]*) ;;
    *) [ "$(address "$1")" = "$2" ] || return 0 ;;
  esac
  for _ in $(seq 60); do
    [ "$(state "$1")" != UP ] || return 0
    sleep 1
  done
  fail "$1 does not pass the checks of this balancer within 60 s: its state is $(state "$1")"
}

reloaded() {
  ! ask "show proc" | grep -q "\\[failed: [1-9]"
}

case $1 in
  drain) drain "$2" ;;
  admit) admit "$2" "$3" ;;
  reloaded) reloaded ;;
  *) fail "usage: $0 drain|admit SERVER ADDRESS, or $0 reloaded" ;;
esac
`;
  return { path: script, content, mode: 0o444, onChange: "nothing" };
}
