import { isBusinessEmqx } from "../../definition/cross-checks";
import { podPart } from "../../formats/pod-parts";
import type { Placement } from "../../placement/placement";
import type { CustomResource, JsonObject } from "../../workload";
import type { EmqxCluster } from "./config";
import { CHARTS } from "./helm-chart";
import { operatorConfig } from "./operator-config";

/** What a user must know who has the brokers made by the operator. Read in the sources of 2.2.29 and of 2.3. */
export function operatorLimits({ broker }: EmqxCluster): string[] {
  const isBusiness = isBusinessEmqx(broker.version);
  return [
    "EMQX's operator replaces all brokers by new ones of other names when anything of their pods changes: the old ones go " +
      "one by one, count as stopped until `broker.autoclean` is over, and the claims of the last three sets stay.",
    isBusiness
      ? "EMQX's operator empties a broker before it stops it for an update; a broker that stops otherwise has 30 seconds."
      : "A broker has 30 seconds to end, whatever it still has to hand over; open-source EMQX is not emptied before.",
    "EMQX's operator makes the brokers' cookie itself: `broker.nodeCookie` is not used.",
    "EMQX's operator strikes nobody off: after `broker.nodes` has become less, the rest counts as stopped until " +
      "`broker.autoclean` is over.",
    "EMQX's operator always makes a disruption budget, of one broker.",
    "EMQX's operator knows no priority class for its pods, and does not wait between one broker and the next as long as " +
      "`minReady` says.",
    isBusiness
      ? "EMQX's operator gives changed settings to the running brokers; those of `node`, `cluster` and `rpc` apply at the " +
        "next start only."
      : "EMQX's operator gives changed settings to the running brokers; only where they hold a secret, or belong to " +
        "`node`, `cluster` or `rpc`, the brokers are replaced.",
    isBusiness
      ? "What somebody changes in the dashboard wins over the definition for good: EMQX's operator has the definition in " +
        "base.hocon."
      : "What somebody changes in the dashboard of sections with secrets (its own, connectors, credentials in Redis) wins " +
        "over the definition for good.",
    "A setting that leaves the definition keeps its last value in EMQX until it is taken back in the dashboard.",
  ];
}

/** EMQX as its maker's operator runs it; nodes without data are there from 5.9 on. */
export function emqxCustomResource(definition: EmqxCluster, placement: Placement): CustomResource {
  const isBusiness = isBusinessEmqx(definition.broker.version);
  return {
    apiVersion: isBusiness ? "apps.emqx.io/v2" : "apps.emqx.io/v2beta1",
    kind: "EMQX",
    definition: "emqxes.apps.emqx.io",
    operator: { repository: CHARTS, name: "emqx-operator", version: isBusiness ? "2.3.3" : "2.2.29" },
    spec: {
      image: podPart("image"),
      imagePullSecrets: podPart("imagePullSecrets"),
      serviceAccountName: podPart("serviceAccountName"),
      clusterDomain: podPart("clusterDomain"),
      // "Replace" would also take away what people made in the dashboard.
      config: { mode: "Merge", data: operatorConfig(definition, placement).data },
      updateStrategy: updateStrategy(isBusiness),
      coreTemplate: {
        metadata: { labels: podPart("labels"), annotations: podPart("annotations") },
        spec: coreTemplate(),
      },
      ...(placement.replicants > 0 && {
        replicantTemplate: {
          metadata: { labels: podPart("labels"), annotations: podPart("annotations") },
          spec: { ...nodeTemplate(), replicas: podPart("replicants") },
        },
      }),
      // The operator's services would take clients past the balancers. Those of this package are enough.
      dashboardServiceTemplate: { enabled: false },
      listenersServiceTemplate: { enabled: false },
    },
  };
}

/** As fast as `membership drain` where it evacuates; open-source EMQX only waits between one broker and the next. */
function updateStrategy(isBusiness: boolean): JsonObject {
  return {
    type: "Recreate",
    initialDelaySeconds: 10,
    evacuationStrategy: {
      connEvictRate: 5000,
      sessEvictRate: 5000,
      waitTakeover: 10,
      // Of balancers, until three of their checks have failed.
      ...(isBusiness && { waitHealthCheck: 10 }),
    },
  };
}

function coreTemplate(): JsonObject {
  return {
    ...nodeTemplate(),
    replicas: podPart("replicas"),
    // One specification in spite of its name.
    volumeClaimTemplates: podPart("claim"),
  };
}

/** Of every node, whether it keeps data or not. */
function nodeTemplate(): JsonObject {
  return {
    // Of the disruption budget that the operator makes in any case; without this one it would forbid nothing.
    maxUnavailable: 1,
    env: podPart("env"),
    ports: podPart("ports"),
    resources: podPart("resources"),
    podSecurityContext: podPart("podSecurityContext"),
    containerSecurityContext: podPart("containerSecurityContext"),
    initContainers: podPart("initContainers"),
    extraVolumes: podPart("volumes"),
    extraVolumeMounts: podPart("volumeMounts"),
    startupProbe: podPart("startupProbe"),
    readinessProbe: podPart("readinessProbe"),
    livenessProbe: podPart("livenessProbe"),
    lifecycle: podPart("lifecycle"),
    nodeSelector: podPart("nodeSelector"),
    affinity: podPart("affinity"),
    tolerations: podPart("tolerations"),
    topologySpreadConstraints: podPart("topologySpreadConstraints"),
  };
}
