import type { TerraformStack } from "cdktf";
import {
  Access,
  type Balancer,
  type Broker,
  Monitoring,
  MqttCluster,
  type PrometheusMonitoringProps,
  Secret,
  type SessionStore,
  Target,
} from "../../src";
import { dockerHost } from "./support";

/** A network of its own with a known gateway, so that Alertmanager reaches the receiver that runs in the test. */
export const SUBNET = "172.31.250.0/24";
export const GATEWAY = "172.31.250.1";

export const SENSORS = { username: "sensors", password: "PlantedSensorsPassword01" };
export const BACKEND = { username: "backend", password: "PlantedBackendPassword02" };
export const USER_SECRETS = { sensors_password: SENSORS.password, backend_password: BACKEND.password };

export interface Parts {
  readonly broker: Broker;
  readonly balancer: Balancer;
  readonly sessionStore?: SessionStore;
}

export function deployCluster(stack: TerraformStack, webhookPort: number, parts: Parts): void {
  deployOn(Target.docker({ host: dockerHost(), subnet: SUBNET }), stack, {
    ...parts,
    webhook: `http://${GATEWAY}:${webhookPort}/alerts`,
    versions: { version: "2.42.0", alertmanagerVersion: "0.25.0" },
  });
}

/** Sensors publish below their own user name, the backend reads it all; alerts come at once. */
export function deployOn(
  target: Target,
  stack: TerraformStack,
  {
    webhook,
    versions,
    ...parts
  }: Parts & {
    readonly webhook: string;
    readonly versions?: Pick<PrometheusMonitoringProps, "version" | "alertmanagerVersion">;
  },
): void {
  new MqttCluster(stack, "mqtt", {
    ...parts,
    access: Access.passwords({
      users: [
        { name: SENSORS.username, password: Secret.variable("sensors_password") },
        { name: BACKEND.username, password: Secret.variable("backend_password") },
      ],
      rules: [
        { users: ["sensors"], action: "publish", topics: ["sensors/${username}/#"] },
        { users: ["backend"], action: "subscribe", topics: ["sensors/#"] },
      ],
    }),
    monitoring: Monitoring.prometheus({
      ...versions,
      scrapeInterval: "1s",
      downFor: "2s",
      webhook: { url: webhook },
    }),
    clients: { maxConnections: 1_000, maxKeepalive: "1m" },
    target,
  });
}
