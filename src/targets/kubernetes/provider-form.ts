import type { Json, JsonObject } from "../../workload";

/** Names of lists: Terraform calls a repeated block by what one of them is. */
const RENAMED: Readonly<Record<string, string>> = {
  containers: "container",
  initContainers: "initContainer",
  ports: "port",
  sysctls: "sysctl",
  tolerations: "toleration",
  topologySpreadConstraints: "topologySpreadConstraint",
  volumeMounts: "volumeMount",
  volumes: "volume",
};

/** What Kubernetes has once and the provider's schema takes as a list. */
const LISTED = ["labelSelector", "postStart", "preStop", "projected", "tcpSocket"];

/** Kubernetes' own JSON of a pod, as the provider's blocks spell it. Maps by free names are passed on as they are. */
export function providerForm(pod: JsonObject): JsonObject {
  return convert(pod) as JsonObject;
}

const FREE_MAPS = ["labels", "annotations", "matchLabels", "nodeSelector", "limits", "requests"];

function convert(json: Json): Json {
  if (Array.isArray(json)) {
    return json.map(convert);
  }
  if (typeof json !== "object" || json === null) {
    return json;
  }
  return Object.fromEntries(
    Object.entries(json).flatMap(([key, value]): [string, Json][] => {
      if (value === undefined) {
        return [];
      }
      if (FREE_MAPS.includes(key)) {
        return [[key, value]];
      }
      if (key === "defaultMode" && typeof value === "number") {
        return [[key, `0${value.toString(8)}`]];
      }
      if (key === "sources" && Array.isArray(value)) {
        return [[key, value.map((source) => wrapped(convert(source) as JsonObject))]];
      }
      const converted = convert(value);
      return [[RENAMED[key] ?? key, LISTED.includes(key) ? [converted] : converted]];
    }),
  );
}

/** A source of a projected volume: each kind is a list there. */
function wrapped(source: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(source).map(([kind, value]) => [kind, [value as Json]]));
}
