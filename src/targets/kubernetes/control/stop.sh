# shellcheck shell=sh disable=SC2154,SC2317 # follows common.sh; what calls it is appended
# Before a member stops. Clients go in any case; one that is to be no longer, by the number that the API server tells, moves
# what lives there only and is struck off. When in doubt it stays a member.
# drain, leave and https_get come next, then stop.

account=/var/run/secrets/kubernetes.io/serviceaccount

is_surplus() { # is_surplus URL
  # Without white space: to some clients the server answers in lines of their own.
  answer=$(https_get "$1" "$account/token" "$account/ca.crt" | tr -d '[:space:]') || answer=''
  replicas=$(printf '%s' "$answer" | sed -n 's/.*"spec":{"replicas":\([0-9]*\)}.*/\1/p')
  if [ -z "$replicas" ]; then
    echo 'mqtt-cluster: does not learn how many there are to be, and stays a member'
    return 1
  fi
  [ "${POD_NAME##*-}" -ge "$replicas" ]
}

stop() { # stop URL SECONDS DATA: it has clients for so long, until nobody sends new ones
  sleep "$2"
  if is_surplus "$1"; then
    echo 'mqtt-cluster: leaves for good'
    until leave; do sleep 5; done
    # Its data would keep a later one of its name from joining.
    : >"$3/$left"
    echo 'mqtt-cluster: has left'
  else
    echo 'mqtt-cluster: sends its clients away'
    drain || echo 'mqtt-cluster: some clients are left'
  fi
}
