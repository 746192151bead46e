import type { AlertCases, Series } from "../support/alert-tests";

const RUNNING = "emqx_cluster_nodes_running";
const LIVE = "emqx_live_connections_count";

/** The same metric on each of three nodes. */
function nodes(metric: string, ...values: string[]): Series {
  return Object.fromEntries(
    values.map((value, index) => [`${metric}{job="emqx",instance="broker-${index + 1}"}`, value]),
  );
}

const one = (metric: string, value: string) => nodes(metric, value);
const ALL_UP = nodes("up", "1x40", "1x40", "1x40");
const action = (metric: string, value: string, id: string) => ({
  [`${metric}{job="emqx-actions",instance="broker-1",id="${id}"}`]: value,
});

const authn = (value: string) => ({
  'emqx_authn_status{job="emqx-access",instance="broker-1",id="password_based:redis"}': value,
});
const authz = (type: string, value: string) => ({
  [`emqx_authz_status{job="emqx-access",instance="broker-1",type="${type}"}`]: value,
});

/** For three nodes that are laid out for 6250 connections each: 10000 and a quarter, on the two that are left. */
export function emqxCases(copyAction: string): AlertCases {
  return {
    EmqxNodeDown: { fires: nodes("up", "1x40", "1x10 0x30", "1x40"), silent: ALL_UP },
    EmqxClusterIncomplete: [
      { fires: nodes(RUNNING, "2x40", "2x40"), silent: nodes(RUNNING, "3x40", "3x40", "3x40") },
      // A node that is alone, while the two others are complete between themselves.
      { fires: nodes(RUNNING, "2x40", "2x40", "1x40"), silent: nodes(RUNNING, "2x20 3x20", "2x20 3x20", "3x40") },
    ],
    EmqxClusterSplit: {
      fires: nodes(RUNNING, "2x40", "2x40", "1x40"),
      silent: nodes(RUNNING, "2x40", "2x40"),
    },
    EmqxStoppedMemberLingers: {
      fires: nodes("emqx_cluster_nodes_stopped", "1x60", "1x60"),
      silent: nodes("emqx_cluster_nodes_stopped", "1x20 0x40", "1x20 0x40"),
      at: "50m",
    },
    EmqxConnectionsNearLimit: { fires: one(LIVE, "5001x40"), silent: one(LIVE, "5000x40") },
    EmqxCannotLoseANode: {
      // Five thousand each fit on two nodes, but with one down already they do not fit on the last.
      fires: { ...nodes("up", "1x40", "1x40", "0x40"), ...nodes(LIVE, "5000x40", "5000x40") },
      silent: { ...ALL_UP, ...nodes(LIVE, "4000x40", "4000x40", "4000x40") },
    },
    EmqxAnonymousAccepted: {
      fires: one("emqx_authentication_success_anonymous", "0x28 1x12"),
      silent: one("emqx_authentication_success_anonymous", "3x40"),
    },
    EmqxQueueOverflows: {
      fires: one("emqx_delivery_dropped_queue_full", "0+5x40"),
      // A single burst that is over.
      silent: one("emqx_delivery_dropped_queue_full", "0x22 900x20"),
    },
    EmqxAccessStoreUnreachable: [
      {
        fires: { ...authn("0x40"), ...authz("redis", "0x40") },
        silent: { ...authn("1x40"), ...authz("redis", "1x40") },
      },
      // The rules are asked for in the same Redis, under a connection pool of its own.
      {
        fires: { ...authn("1x40"), ...authz("redis", "0x40") },
        silent: { ...authn("1x40"), ...authz("file", "0x40") },
      },
    ],
    EmqxSessionCopyIncomplete: [
      {
        fires: action("emqx_action_status", "0x40", copyAction),
        silent: {
          ...action("emqx_action_status", "1x40", copyAction),
          ...action("emqx_action_status", "0x40", "http:other"),
        },
      },
      ...["emqx_action_failed", "emqx_action_dropped"].map((metric) => ({
        fires: { ...action("emqx_action_status", "1x40", copyAction), ...action(metric, "0+1x40", copyAction) },
        silent: { ...action(metric, "4x40", copyAction), ...action(metric, "0+1x40", "http:other") },
      })),
    ],
    EmqxLicenseExpiresSoon: {
      fires: one("emqx_license_expiry_at", `${29 * 86400}x200`),
      silent: one("emqx_license_expiry_at", `${31 * 86400}x200`),
      at: "90m",
    },
  };
}
