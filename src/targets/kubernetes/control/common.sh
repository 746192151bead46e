#!/bin/sh
# shellcheck disable=SC2034 # for what follows
# Written by cdktf-mqtt-cluster.
set -eu
templates=/run/mqtt-cluster/templates
secrets=/run/mqtt-cluster/secrets
files=/run/mqtt-cluster/files

fail() {
  echo "$*" >&2
  exit 1
}
