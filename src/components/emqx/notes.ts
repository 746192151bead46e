import { isBusinessEmqx } from "../../definition/cross-checks";
import type { Placement } from "../../placement/placement";
import { MOST_OPEN_FILES } from "../open-files";
import { nodeCapacity } from "./capacity";
import type { EmqxCluster } from "./config";
import { operatorLimits } from "./custom-resource";
import { CHART_LIMITS } from "./helm-chart";

export function emqxNotes(definition: EmqxCluster, placement: Placement): string[] {
  const { broker, access, sessionStore } = definition;
  const { openFiles } = nodeCapacity(definition, placement);
  const lost = isBusinessEmqx(broker.version)
    ? "this package does not switch EMQX's durable sessions on"
    : "open-source EMQX cannot prevent that in a cluster";
  return [
    broker.nodes > 1
      ? "A session lives in the memory of one node: it follows its client to any other node, but when its node stops, even " +
        `for a restart, the messages queued for its client are lost; ${lost}.`
      : "Sessions live in the node's memory: when it stops, even for a restart, they and their queued messages are lost.",
    ...(broker.nodes > 1 ? ["After a node restarts, clients stay where they are: they are not spread again."] : []),
    "The dashboard's password is read at the first start of a cluster only; change it later with `emqx ctl admins passwd`.",
    ...(placement.brokersMadeBy === "operator"
      ? operatorLimits(definition)
      : ["Settings that the definition decides and somebody changes in the dashboard fall back at the next start."]),
    ...(placement.brokersMadeBy === "chart" ? CHART_LIMITS : []),
    ...(access.kind === "passwords"
      ? [
          "A user in the definition is created when a node starts and there is none of that name: a changed password or a " +
            "removed user must also be changed or removed in the dashboard or the API.",
          ...(access.rules.some(({ topics }) => topics.some((topic) => topic.includes("${clientid}")))
            ? ["Rules with ${clientid} do not apply to clients whose id contains `+`, `#` or `/`."]
            : []),
        ]
      : [
          "Credentials changed in Redis apply when a client connects again, topic rules within a minute.",
          "Clients whose id contains `+`, `#` or `/` may do nothing, which EMQX would read as part of a rule with ${clientid}.",
        ]),
    ...(sessionStore.kind === "existingRedis"
      ? [
          `Redis at ${sessionStore.host}:${sessionStore.port} must have the users and functions that \`ExistingRedis.setupScript()\` ` +
            "puts there, and keep them when it restarts. Who runs it sees what is wrong there: nothing of this cluster watches it.",
        ]
      : []),
    ...(openFiles > MOST_OPEN_FILES && placement.software === "image"
      ? [`Each host must allow ${openFiles} open files: \`sysctl -w fs.nr_open=${openFiles}\` before the first start.`]
      : []),
  ];
}
