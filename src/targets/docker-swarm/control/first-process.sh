#!/bin/sh
# shellcheck disable=SC2154,SC2317 # what it does not define is appended: signal, grace, drain, leave, and the call of start
# First process of a member's container: a swarm has no hook before a stop. The program is its only child.
# Written by cdktf-mqtt-cluster.
set -u

leaves=/tmp/mqtt-cluster-leaves

say() { echo "mqtt-cluster: $*"; }

# A swarm starts the next container after a minute even if the one before still stops. Both have the same data.
await_end_of_the_one_before() { # await_end_of_the_one_before DATA
  exec 9>"$1/.mqtt-cluster-lock"
  flock 9 &
  wait "$!" || {
    say "cannot lock $1: the image needs flock"
    exit 1
  }
}

# Others are known only while they are healthy, and a program asks for them at its start only. When all were down, the first one
# goes ahead and the rest follow as soon as they see somebody.
await_somebody() { # await_somebody SECONDS PEER...
  [ "$1" != 0 ] || return 0
  until=$(($(date +%s) + $1))
  shift
  while [ "$(date +%s)" -lt "$until" ]; do
    for peer in "$@"; do
      # It may take long to learn that a name is unknown.
      ! timeout 5 getent hosts "$peer" >/dev/null 2>&1 || return 0
    done
    sleep 1 &
    wait "$!"
  done
  say 'sees nobody, and starts all the same'
}

stop() {
  trap '' TERM
  if [ -e "$leaves" ]; then
    say 'leaves for good'
    until leave; do
      # Then nobody is left to ask: the others have it struck off.
      kill -0 "$program" 2>/dev/null || return 0
      sleep 5
    done
    say 'has left'
    # Nothing of it is needed any more. RabbitMQ 3.10, asked to end after that, has been seen not to, for eight minutes.
    signal=KILL
  elif [ -e "$did_start" ]; then
    say 'sends its clients away'
    drain || say 'some clients are left'
  fi
  kill -s "$signal" "$program" 2>/dev/null || true
  # The engine's patience is that for a farewell as well.
  { sleep "$grace" && kill -s KILL "$program" 2>/dev/null; } 9>&- &
}

start() { # start COMMAND...
  # A stop that comes while the program is being started is for the program, too.
  stopped=
  trap 'stopped=1' TERM
  "$@" 9>&- &
  program=$!
  trap stop TERM
  [ -z "$stopped" ] || stop
  # A signal ends the waiting, not the program.
  while :; do
    wait "$program"
    status=$?
    kill -0 "$program" 2>/dev/null || break
  done
  # Unless the program ended right after: then its own status is still to be had.
  if [ "$status" -gt 128 ]; then
    wait "$program"
    own=$?
    [ "$own" = 127 ] || status=$own
  fi
  exit "$status"
}
