import { INSTANCE_HOST } from "../../formats/references";
import type { Placement } from "../../placement/placement";
import type { HealthCheck, Instance } from "../../workload";
import { firstBrokers } from "../peers";
import { API_PORT, DISTRIBUTION_PORT, type EmqxPlaces } from "./places";

/** Each shows this node only; a sum over the cluster would leave out a node that hangs. */
export const PAGES = {
  stats: "/api/v5/prometheus/stats",
  access: "/api/v5/prometheus/auth",
  actions: "/api/v5/prometheus/data_integration",
} as const;

const PAGE = `http://127.0.0.1:${API_PORT}${PAGES.stats}`;

/**
 * A node alone is no member: `/status` is green before it has joined, while it would take clients and lose them again a
 * moment later. This asks how many members the node sees; a majority is enough, so that one node that is down does not
 * make the others unhealthy.
 */
export function memberHealth(placement: Placement, places: EmqxPlaces): HealthCheck {
  const check = { intervalSeconds: 10, timeoutSeconds: 5, retries: 3, startPeriodSeconds: 120 };
  const nodes = placement.instances("broker");
  const shell = (script: string, ...args: string[]) => ({
    kind: "command" as const,
    command: ["sh", "-c", script, ...args],
  });
  if (placement.software === "package") {
    return { ...check, probe: shell(`${needed(nodes, majority(nodes))}; ${enough("'$needed'")}`, INSTANCE_HOST) };
  }
  // Where members come and go one by one, one more of them must not change what is asked of the others: containers would
  // be replaced. A program from a package goes on under another check.
  const counted = placement.managesMembers ? firstBrokers(nodes) : nodes;
  return placement.namesFollowHealth
    ? {
        ...check,
        timeoutSeconds: 10,
        probe: { kind: "command", command: ["bash", "-c", alsoAfterAllWereDown(counted, places), INSTANCE_HOST] },
      }
    : { ...check, probe: shell(enough(majority(counted))) };
}

function majority(nodes: readonly Instance[]): number {
  return Math.floor(nodes.length / 2) + 1;
}

function enough(needed: number | string): string {
  return `curl -fsS --max-time 4 ${PAGE} | awk '$1 == "emqx_cluster_nodes_running" && $2 >= ${needed} { member = 1 } END { exit !member }'`;
}

/** Where nodes start one after another, the first one finds nobody, the second one other, and so on. */
function needed(nodes: readonly Instance[], most: number): string {
  const position = nodes.map(({ host }, index) => `${host}) needed=${Math.min(index + 1, most)} ;;`).join(" ");
  return `case $0 in ${position} esac`;
}

/**
 * After all nodes were down each waits for the others before it answers anybody, and here they find it only while it counts as
 * healthy. So it does, for as long as nobody answers who could be joined, if it has been in a cluster before. And a node that
 * is alone is no member while somebody answers.
 */
function alsoAfterAllWereDown(known: readonly Instance[], { data }: EmqxPlaces): string {
  const joined = `${data}/.joined-cluster`;
  return `${needed(known, majority(known))}
: "\${needed:=${majority(known)}}"
nobody_else_answers() {
  for other in ${known.map(({ host }) => host).join(" ")}; do
    [ "$other" = "$own" ] || ! curl -fsS -o /dev/null --max-time 2 "http://$other:${API_PORT}/status" 2>/dev/null ||
      { echo "$other runs without this one"; return 1; }
  done
}
own=$0
if page=$(curl -fsS --max-time 4 ${PAGE} 2>/dev/null); then
  members=$(awk '$1 == "emqx_cluster_nodes_running" { print $2 }' <<< "$page")
  echo "\${members:=0} of at least $needed members"
  # The only one that is left of a cluster serves its clients: nobody gains by its end.
  [ "$members" -ge "$needed" ] || { [ "$members" = 1 ] && [ -e ${joined} ] && nobody_else_answers; } || exit 1
  [ "$members" -ge 2 ] || nobody_else_answers || exit 1
  [ "$members" -lt 2 ] || [ -e ${joined} ] || touch ${joined}
  exit 0
fi
[ -e ${joined} ] && (: 3<>/dev/tcp/127.0.0.1/${DISTRIBUTION_PORT}) 2>/dev/null || { echo "does not answer"; exit 1; }
nobody_else_answers && echo "waits for the others"`;
}
