# shellcheck shell=sh disable=SC2154,SC2317 # follows common.sh and fill-secrets.sh, which calls some of it
# Lays out the files of a program before it starts, as its own user: it must own some, and nobody else may read others.
# Usage: lay-out check SOURCE/NAME..., lay-out files NAME:MODE..., lay-out data FOLDER, or lay-out named HOST ADDRESS

secret_file() { echo "$secrets/$1/$2"; }

secret_title() {
  case $1 in
    kubernetes) echo "the key ${2#*/} of the Kubernetes secret ${2%%/*}" ;;
    *) echo "the secret $2" ;;
  esac
}

what=$1
shift
case $what in
  check)
    status=0
    for secret; do
      (secret_value "${secret%%/*}" "${secret#*/}" >/dev/null) || status=1
    done
    exit "$status"
    ;;
  data)
    if [ -e "$1/$left" ]; then
      # But for what belongs to the file system itself.
      find "$1" -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf {} +
    fi
    ;;
  # A member that looks this one up too early tries the address of the pod before. RabbitMQ up to 3.10.8, and 3.11.0, that starts
  # meanwhile then waits for that member for ever (rabbitmq-server#6034). Three times: there may be several servers of names.
  named)
    if ! command -v getent >/dev/null; then
      echo "mqtt-cluster: the image has no getent, so $1 starts whether or not others find it"
      exit 0
    fi
    times=0
    for _ in $(seq 60); do
      # An absolute name: /etc/hosts has the other one.
      if getent hosts "$1." | grep -q "^$2[[:space:]]"; then times=$((times + 1)); else times=0; fi
      [ "$times" -lt 3 ] || exit 0
      sleep 1
    done
    echo "mqtt-cluster: nobody is told that $1 is $2; starts all the same"
    ;;
  files)
    umask 077
    for file; do
      path=$files/${file%:*}
      cp "$templates/${file%:*}" "$path.new"
      chmod u+w "$path.new"
      fill_secrets "$path.new"
      chmod "${file##*:}" "$path.new"
      mv -f "$path.new" "$path"
    done
    ;;
esac
