# shellcheck shell=sh disable=SC2154,SC2317 # follows common.sh; what calls it is appended
# Beside a running program: brings changed files to it, and has it read them again once its own checker accepts them.

changed() { # changed NAME: other than what the program has, and not refused already
  ! cmp -s "$templates/$1" "$files/$1" && ! cmp -s "$templates/$1" "$files/$1.refused"
}

# In place: the program sees this very file.
write() { # write FROM NAME
  mode=$(stat -c %a "$files/$2")
  chmod u+w "$files/$2"
  cat "$1" >"$files/$2"
  chmod "$mode" "$files/$2"
}

follow() { # follow NAME reload|nothing [CHECKER...]
  name=$1 effect=$2
  shift 2
  changed "$name" || return 0
  cp "$files/$name" "$files/$name.old"
  write "$templates/$name" "$name"
  if [ $# = 0 ] || "$@" >"$files/$name.said" 2>&1; then
    echo "mqtt-cluster: new $name"
    [ "$effect" = nothing ] || due=1
    rm -f "$files/$name.refused"
  else
    cp "$files/$name" "$files/$name.refused"
    write "$files/$name.old" "$name"
    echo "mqtt-cluster: the new $name is refused, the one that was there stays:"
    cat "$files/$name.said"
  fi
  rm -f "$files/$name.old" "$files/$name.said"
}

# follow_all comes next, then forever.
forever() { # forever SIGNAL
  umask 077
  while sleep 2; do
    due=0
    follow_all
    [ "$due" = 0 ] || kill -s "$1" 1
  done
}
