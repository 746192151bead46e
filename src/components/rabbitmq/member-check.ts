import type { BrokerInterface } from "../broker-interface";
import { DISTRIBUTION_PORT, listPeers, METRICS_PORT, type RabbitmqPaths } from "./config";
import { HEALTH_USER } from "./definitions";

/**
 * The health check. `rabbitmq-diagnostics` starts an Erlang machine each time, a second of processor time; this asks the
 * nodes' own metrics which cluster they are in, and logs in.
 */
export function memberCheck(paths: RabbitmqPaths, { tcpPort, proxyProtocol }: BrokerInterface): string {
  return `#!/bin/bash
# Usage: member-check OWN_HOST
# Exit status 0: this node is a member of the cluster and lets MQTT clients in.
# Prints why, or why not.
own=$1
mapfile -t nodes < <(${listPeers(paths.peers)})
majority=$((\${#nodes[@]} / 2 + 1))
# On the volume: there as soon as this node has been in a cluster with others.
joined=${paths.data}/.joined-cluster

# The id of the cluster that a running node is in. A node that found nobody at its first start has a cluster of its own.
cluster_of() {
  timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/${METRICS_PORT}" || exit
    printf "GET /metrics/detailed?family=vhost_status HTTP/1.0\\r\\n\\r\\n" >&3
    cat <&3' "$1" 2>/dev/null | grep -o -m 1 'rabbitmq_cluster_permanent_id="[^"]*"'
}

is_up() {
  timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/${DISTRIBUTION_PORT}"' "$1" 2>/dev/null
}

# Valid credentials: a node that failed to join the MQTT plugin's own Raft group (3.10, 3.11) answers only wrong ones.
lets_clients_in() {
  local answer
  answer=$(timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/${tcpPort} || exit
    printf "%b" "$0" >&3
    head -c 4 <&3 | od -An -tx1
    printf "\\xe0\\x00" >&3' '${escapedBytes(connectPacket(tcpPort, proxyProtocol))}' 2>/dev/null)
  [ "$(echo $answer)" = "20 02 00 00" ]
}

clusters=$(for node in "\${nodes[@]}"; do cluster_of "$node" & done; wait)
mine=$(cluster_of "$own")

# After all nodes were down the first ones to come back wait for the others. Whoever starts nodes one after another must go
# on to the next, or all would wait for ever.
go_on_if_one_is_missing() {
  [ -e "$joined" ] || return 0
  for node in "\${nodes[@]}"; do
    is_up "$node" || { echo "waiting for $node"; exit 0; }
  done
}

if [ -z "$mine" ]; then
  # While any node runs, this one has to join it.
  [ -e "$joined" ] && [ -z "$clusters" ] && is_up "$own" || { echo "not running"; exit 1; }
  go_on_if_one_is_missing
  echo "all nodes are up, this one is not yet running"
  exit 1
fi

with_me=$(grep -c -F -x -- "$mine" <<< "$clusters")
all=$(grep -c . <<< "$clusters")
# At the first start, one after another, node 1 is alone, node 2 finds one other, and so on.
needed=1
for node in "\${nodes[@]}"; do
  [ "$node" = "$own" ] && break
  needed=$((needed < majority ? needed + 1 : majority))
done
[ "$with_me" -ge "$needed" ] || { echo "$with_me of at least $needed nodes in this node's cluster"; exit 1; }
[ $((2 * with_me)) -ge "$all" ] || { echo "$((all - with_me)) nodes are in another cluster"; exit 1; }
if ! lets_clients_in; then
  # The last one to stop runs by itself, and lets nobody in until a majority of the MQTT plugin's Raft group runs.
  [ "$with_me" -ge "$majority" ] || go_on_if_one_is_missing
  echo "does not answer MQTT clients"
  exit 1
fi
[ "$with_me" -lt 2 ] || [ -e "$joined" ] || touch "$joined"
echo "member of $with_me"
`;
}

/** MQTT 3.1.1 CONNECT: clean session, no client id, keepalive 10 s, user and password. */
function connectPacket(port: number, proxyProtocol: boolean): Buffer {
  const text = (value: string) => Buffer.from([0, value.length, ...Buffer.from(value)]);
  const body = Buffer.concat([
    text("MQTT"),
    Buffer.from([4, 0b1100_0010, 0, 10]),
    text(""),
    text(HEALTH_USER),
    text(HEALTH_USER),
  ]);
  const proxyHeader = proxyProtocol ? `PROXY TCP4 127.0.0.1 127.0.0.1 1 ${port}\r\n` : "";
  return Buffer.concat([Buffer.from(proxyHeader), Buffer.from([0x10, body.length]), body]);
}

function escapedBytes(bytes: Buffer): string {
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
