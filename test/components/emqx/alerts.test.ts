import { Access, Broker, Monitoring, Secret } from "../../../src";
import { emqxAlerts } from "../../../src/components/emqx/alerts";
import type { EmqxCluster } from "../../../src/components/emqx/config";
import type { ClusterDefinitionProps } from "../../../src/definition/cluster";
import { describeAlerts } from "../../support/alert-tests";
import { fullDefinition } from "../../support/definitions";
import { CLUSTER } from "../../support/watched";

function alerts(overrides: Partial<ClusterDefinitionProps> = {}) {
  return emqxAlerts(fullDefinition(overrides) as EmqxCluster, { cluster: CLUSTER, managesMembers: false });
}

const labels = (node: number, more = "", job = "emqx") => `{job="${job}",instance="broker-${node}"${more}}`;

/** The same metric of all three nodes. */
function nodes(metric: string, ...values: [string, string, string]) {
  return Object.fromEntries(values.map((value, index) => [metric + labels(index + 1), value]));
}

// 10000 connections on 3 nodes: 6250 for each.
describeAlerts(
  "EMQX",
  alerts({
    broker: Broker.emqx({ version: "5.10.4", license: Secret.variable("emqx_license") }),
    access: Access.redis(),
  }),
  {
    EmqxNodeDown: { fires: nodes("up", "1x40", "0x40", "1x40"), silent: nodes("up", "1x40", "1x40", "1x40") },
    EmqxClusterIncomplete: {
      fires: nodes("emqx_cluster_nodes_running", "3x10 2x30", "3x10 2x30", "3x10"),
      silent: nodes("emqx_cluster_nodes_running", "3x10 2x2 3x30", "3x40", "3x40"),
    },
    EmqxClusterSplit: {
      fires: nodes("emqx_cluster_nodes_running", "2x40", "2x40", "1x40"),
      silent: nodes("emqx_cluster_nodes_running", "2x40", "2x40", "_x40"),
    },
    EmqxStoppedMemberLingers: {
      fires: nodes("emqx_cluster_nodes_stopped", "1x60", "1x60", "_x60"),
      silent: nodes("emqx_cluster_nodes_stopped", "1x20 0x40", "1x20 0x40", "_x60"),
      at: "45m",
    },
    EmqxConnectionsNearLimit: {
      fires: nodes("emqx_live_connections_count", "5001x40", "10x40", "10x40"),
      silent: nodes("emqx_live_connections_count", "5000x40", "5000x40", "5000x40"),
    },
    EmqxCannotLoseANode: [
      {
        fires: {
          ...nodes("up", "1x40", "1x40", "0x40"),
          ...nodes("emqx_live_connections_count", "3126x40", "3126x40", "_x40"),
        },
        silent: {
          ...nodes("up", "1x40", "1x40", "1x40"),
          ...nodes("emqx_live_connections_count", "3126x40", "3126x40", "3126x40"),
        },
      },
      {
        fires: {
          ...nodes("up", "1x40", "0x40", "0x40"),
          ...nodes("emqx_live_connections_count", "1x40", "_x40", "_x40"),
        },
        silent: {
          ...nodes("up", "1x40", "0x40", "0x40"),
          ...nodes("emqx_live_connections_count", "0x40", "_x40", "_x40"),
        },
      },
    ],
    EmqxAnonymousAccepted: {
      fires: nodes("emqx_authentication_success_anonymous", "0x28 1x10", "0x40", "0x40"),
      silent: nodes("emqx_authentication_success_anonymous", "1x40", "0x40", "0x40"),
    },
    EmqxQueueOverflows: {
      fires: nodes("emqx_delivery_dropped_queue_full", "0+5x40", "0x40", "0x40"),
      silent: nodes("emqx_delivery_dropped_queue_full", "0x24 9x20", "9x40", "0x40"),
    },
    EmqxAccessStoreUnreachable: {
      fires: {
        [`emqx_authn_status${labels(1, ',id="password_based:redis"', "emqx-access")}`]: "0x40",
        [`emqx_authz_status${labels(1, ',type="redis"', "emqx-access")}`]: "0x40",
        [`emqx_authz_status${labels(1, ',type="file"', "emqx-access")}`]: "1x40",
      },
      silent: {
        [`emqx_authn_status${labels(1, ',id="password_based:redis"', "emqx-access")}`]: "1x40",
        [`emqx_authz_status${labels(1, ',type="redis"', "emqx-access")}`]: "1x40",
      },
    },
    EmqxSessionCopyIncomplete: ["status", "failed", "dropped"].map((metric) => {
      const series = (action: string, values: Record<string, string>) =>
        Object.fromEntries(
          Object.entries(values).map(([name, value]) => [
            `emqx_action_${name}${labels(2, `,id="${action}"`, "emqx-actions")}`,
            value,
          ]),
        );
      const well = { status: "1x40", failed: "7x40", dropped: "7x40" };
      const ill = { ...well, [metric]: metric === "status" ? "0x40" : "0+1x40" };
      return {
        fires: series("redis:session_copy", ill),
        silent: { ...series("redis:session_copy", well), ...series("http:somebody_elses", ill) },
      };
    }),
    EmqxLicenseExpiresSoon: {
      fires: nodes("emqx_license_expiry_at", "2592000x90", "_x90", "_x90"),
      silent: nodes("emqx_license_expiry_at", "2600000x90", "_x90", "_x90"),
      at: "80m",
    },
  },
);

test("thresholds follow from the definition", () => {
  const rule = (name: string, overrides: Partial<ClusterDefinitionProps>) =>
    alerts(overrides).find(({ alert }) => alert === name);
  const monitoring = Monitoring.prometheus({ connectionsWarningPercent: 50, downFor: "30s" });
  expect(rule("EmqxConnectionsNearLimit", { monitoring })?.expr).toMatch(/ > 3125$/);
  expect(rule("EmqxNodeDown", { monitoring })?.for).toBe("30s");
  expect(rule("EmqxNodeDown", { monitoring: Monitoring.none() })?.for).toBe("1m");
  expect(rule("EmqxClusterIncomplete", { broker: Broker.emqx({ nodes: 5 }) })?.expr).toMatch(/ < 5$/);
});

test("one node has no cluster to watch", () => {
  expect(alerts({ broker: Broker.emqx({ nodes: 1 }) }).map(({ alert }) => alert)).toEqual([
    "EmqxNodeDown",
    "EmqxConnectionsNearLimit",
    "EmqxAnonymousAccepted",
    "EmqxQueueOverflows",
    "EmqxSessionCopyIncomplete",
  ]);
});
