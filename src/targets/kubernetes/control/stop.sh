# shellcheck shell=sh disable=SC2154,SC2317 # follows common.sh; what calls it is appended
# Before a member stops. Clients go in any case; one that is to be no longer, by the number that the API server tells, moves
# what lives there only and is struck off. When in doubt it stays a member: its data stays, too.
# drain, leave and https_get come next, then stop.

account=/var/run/secrets/kubernetes.io/serviceaccount

is_surplus() { # is_surplus URL
  replicas=$(https_get "$1" "$account/token" "$account/ca.crt" 2>/dev/null |
    sed -n 's/.*"spec":{"replicas":\([0-9]*\)}.*/\1/p') || return 1
  [ -n "$replicas" ] && [ "${POD_NAME##*-}" -ge "$replicas" ]
}

stop() { # stop URL
  if is_surplus "$1"; then
    echo 'mqtt-cluster: leaves for good'
    until leave; do sleep 5; done
  else
    echo 'mqtt-cluster: sends its clients away'
    drain || echo 'mqtt-cluster: some clients are left'
  fi
}
