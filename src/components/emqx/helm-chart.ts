import { compareVersions } from "compare-versions";
import { isBusinessEmqx } from "../../definition/cross-checks";
import { podPart } from "../../formats/pod-parts";
import type { Placement } from "../../placement/placement";
import type { Chart, JsonObject } from "../../workload";
import { type EmqxCluster, everywhere } from "./config";

/** Where EMQX's maker has its charts. */
export const CHARTS = "https://repos.emqx.io/charts";

/** What a user must know who has the brokers made by the chart. Read in its templates, from 5.8.9 to 6.2.2. */
export const CHART_LIMITS: readonly string[] = [
  "EMQX's chart knows no hook before a stop: a broker that stops cuts its clients off at once, and has 30 seconds to end.",
  "EMQX's chart asks `/status` only: a broker counts as ready when it answers, a member of the cluster or not.",
  "EMQX's chart has no probe for the start: a broker that does not answer six minutes after its start is started again.",
  "Nobody strikes a broker off that leaves: it counts as stopped until `broker.autoclean` is over, and its claim stays.",
  "EMQX's chart keeps the claims of its brokers, whatever `storage.whenDestroyed` says.",
  "EMQX's chart always comes with a disruption budget of one broker.",
];

/**
 * EMQX as its maker's chart runs it. Everything that the definition decides is in the files that the init container lays
 * out; the chart is left what it insists on.
 */
export function emqxChart({ broker }: EmqxCluster, placement: Pick<Placement, "instances">): Chart {
  const { version } = broker;
  return {
    repository: CHARTS,
    // The open-source image has a chart of its own. Each version of EMQX has one of its charts.
    name: isBusinessEmqx(version) ? "emqx-enterprise" : "emqx",
    version,
    onlyInDomain: hasFixedDomain(version) ? "cluster.local" : undefined,
    values: {
      // The name of everything, and of the headless service with `-headless` after it.
      fullnameOverride: podPart("name"),
      clusterDomain: podPart("clusterDomain"),
      replicaCount: podPart("replicas"),
      image: {
        repository: podPart("imageRepository"),
        tag: podPart("imageTag"),
        pullSecrets: podPart("imagePullSecretNames"),
      },
      serviceAccount: { create: false, name: podPart("serviceAccountName") },
      podAnnotations: podPart("annotations"),
      podSecurityContext: podPart("podSecurityContext"),
      containerSecurityContext: podPart("containerSecurityContext"),
      initContainers: podPart("initContainers"),
      extraVolumes: podPart("volumes"),
      extraVolumeMounts: podPart("volumeMounts"),
      resources: podPart("resources"),
      nodeSelector: podPart("nodeSelector"),
      affinity: podPart("affinity"),
      tolerations: podPart("tolerations"),
      topologySpreadConstraints: podPart("topologySpreadConstraints"),
      priorityClassName: podPart("priorityClassName"),
      // Another one would wait for the first, which waits for members that have not started.
      podManagementPolicy: "Parallel",
      minReadySeconds: podPart("minReadySeconds"),
      persistence: { enabled: true, size: podPart("claimSize"), storageClassName: podPart("storageClass") },
      pdb: { enabled: true, maxUnavailable: 1 },
      service: { type: "ClusterIP" },
      ingress: { dashboard: { enabled: false }, mqtt: { enabled: false }, ws: { enabled: false } },
      metrics: { enabled: false },
      ssl: { enabled: false },
      emqxConfig: environment(broker, placement),
    },
  };
}

/** Becomes a config map, and wins over every file: it says what the files say, or nothing. */
function environment({ listeners }: EmqxCluster["broker"], { instances }: Pick<Placement, "instances">): JsonObject {
  return {
    // The templates compare it and fail without one. With "dns" they add the name of the headless service.
    EMQX_CLUSTER__DISCOVERY_STRATEGY: instances("broker").length === 1 ? "singleton" : "dns",
    // Empty values are left out, and with them the chart's own: "admin" and "public", for everybody to read.
    EMQX_DASHBOARD__DEFAULT_USERNAME: "",
    EMQX_DASHBOARD__DEFAULT_PASSWORD: "",
    // The ports of the chart's container and services are read here.
    EMQX_LISTENERS__TCP__DEFAULT__BIND: everywhere(listeners.tcpPort),
    ...(listeners.wsPort !== 0 && { EMQX_LISTENERS__WS__DEFAULT__BIND: everywhere(listeners.wsPort) }),
  };
}

/** The domain is written into the hosts of the nodes: mended in 6.1.4 and in 6.3, not in 6.2 (emqx/emqx#17877). */
function hasFixedDomain(version: string): boolean {
  const isMended = (from: string, until: string) =>
    compareVersions(version, from) >= 0 && compareVersions(version, until) < 0;
  return !isMended("6.1.4", "6.2.0") && !isMended("6.3.0", "7.0.0");
}
