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
  /** @default - the variable of USER_SECRETS */
  readonly backendPassword?: Secret;
}

export interface Alerts extends Pick<PrometheusMonitoringProps, "version" | "alertmanagerVersion"> {
  readonly webhook: string;
}

export function deployCluster(stack: TerraformStack, webhookPort: number, parts: Parts): void {
  deployOn(Target.docker({ host: dockerHost(), subnet: SUBNET }), stack, parts, {
    webhook: `http://${GATEWAY}:${webhookPort}/alerts`,
    version: "2.42.0",
    alertmanagerVersion: "0.25.0",
  });
}

/** Sensors publish below their own user name, the backend reads it all; alerts, if anybody wants them, come at once. */
export function deployOn(
  target: Target,
  stack: TerraformStack,
  { backendPassword = Secret.variable("backend_password"), ...parts }: Parts,
  alerts?: Alerts,
): MqttCluster {
  return new MqttCluster(stack, "mqtt", {
    ...parts,
    access: Access.passwords({
      users: [
        { name: SENSORS.username, password: Secret.variable("sensors_password") },
        { name: BACKEND.username, password: backendPassword },
      ],
      rules: [
        { users: ["sensors"], action: "publish", topics: ["sensors/${username}/#"] },
        { users: ["backend"], action: "subscribe", topics: ["sensors/#"] },
      ],
    }),
    monitoring: alerts ? prometheus(alerts) : Monitoring.none(),
    clients: { maxConnections: 1_000, maxKeepalive: "1m" },
    target,
  });
}

function prometheus({ webhook, ...versions }: Alerts): Monitoring {
  return Monitoring.prometheus({ ...versions, scrapeInterval: "1s", downFor: "5s", webhook: { url: webhook } });
}
