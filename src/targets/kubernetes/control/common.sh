#!/bin/sh
# shellcheck disable=SC2034 # for what follows
# Written by cdktf-mqtt-cluster.
set -eu
templates=/run/mqtt-cluster/templates
secrets=/run/mqtt-cluster/secrets
files=/run/mqtt-cluster/files
# In the data of a member that has left for good.
left=.mqtt-cluster-left

fail() {
  echo "$*" >&2
  exit 1
}
