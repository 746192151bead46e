import type { BalancerInput } from "../../src/components/balancer-input";
import type { BrokerInterface } from "../../src/components/broker-interface";

export const BROKERS: BrokerInterface = {
  tcpPort: 1883,
  ws: { port: 8083, path: "/mqtt" },
  dashboardPort: 18083,
  proxyProtocol: true,
  check: { kind: "http", port: 18083, path: "/status" },
};

export const MQTT_CHECK: BrokerInterface["check"] = { kind: "mqtt-connect", port: 1883 };

/** One balancer in front of three brokers; tests override what they are about. */
export function balancerInput(overrides: Partial<BalancerInput> = {}): BalancerInput {
  return {
    cluster: "dev-mqtt",
    software: "image",
    podsOf: () => undefined,
    folder: (_workload, _use, inImage) => inImage,
    clients: { maxConnections: 1000, maxKeepalive: 300 },
    brokers: BROKERS,
    servers: [1, 2, 3].map((n) => ({ ordinal: n, name: `broker-${n}`, host: `127.0.0.${n}` })),
    instances: [{ ordinal: 1, name: "balancer-1", host: "127.0.0.1" }],
    connectTimeoutMs: 300,
    startsAfter: ["broker"],
    ...overrides,
  };
}

/** Every way in which what is balanced changes the configuration. */
export function everyInput(): BalancerInput[] {
  const inputs: BalancerInput[] = [];
  for (const check of [BROKERS.check, MQTT_CHECK]) {
    for (const proxyProtocol of [true, false]) {
      for (const rest of [
        {},
        { ws: undefined },
        { dashboardPort: undefined },
        { ws: undefined, dashboardPort: undefined },
      ]) {
        for (const resolver of [undefined, "127.0.0.11"]) {
          inputs.push(balancerInput({ brokers: { ...BROKERS, check, proxyProtocol, ...rest }, resolver }));
        }
      }
    }
  }
  return inputs;
}
