import { Access, Broker, Secret, SessionStore } from "../../src";
import { programChecks } from "../../src/components/program-checks";
import { type ClusterDefinition, type ClusterDefinitionProps, defineCluster } from "../../src/definition/cluster";
import { nameInstances, type Placement } from "../../src/placement/placement";
import type { WorkloadName } from "../../src/workload";

/** Every part switched on; tests override what they are about. */
export function fullProps(overrides: Partial<ClusterDefinitionProps> = {}): ClusterDefinitionProps {
  return {
    broker: Broker.emqx(),
    sessionStore: SessionStore.redis(),
    access: Access.passwords({
      users: [
        { name: "sensors", password: Secret.variable("sensors_password") },
        { name: "backend", password: Secret.variable("backend_password") },
      ],
      rules: [
        { users: ["sensors"], action: "publish", topics: ["sensors/${clientid}/#"] },
        { users: ["backend"], action: "subscribe", topics: ["sensors/#"] },
      ],
    }),
    ...overrides,
  };
}

export function fullDefinition(overrides: Partial<ClusterDefinitionProps> = {}): ClusterDefinition {
  return defineCluster({ name: "dev-mqtt", problems: [] }, fullProps(overrides), programChecks);
}

/** A placement like that of Docker: fixed names in one network, which a DNS server follows. */
export function testPlacement(counts: Partial<Record<WorkloadName, number>> = {}): Placement {
  const demand: Partial<Record<WorkloadName, number>> = { broker: 3, ...counts };
  return {
    cluster: "dev-mqtt",
    discovery: { kind: "static" },
    resolver: "127.0.0.11",
    software: "image",
    managesMembers: false,
    namesFollowHealth: false,
    filesAreFixed: false,
    brokersMadeBy: "package",
    replicants: 0,
    podsOf: () => undefined,
    folder: (_workload, _use, inImage) => inImage,
    instances: (workload) =>
      nameInstances({ workload, count: demand[workload] ?? 1 }, (name) => `${name}.dev-mqtt.internal`),
    operatorUrl: (_workload, port) => `http://localhost:${port}`,
  };
}

/** A placement like that of servers: fixed addresses, programs as the distribution packages them, folders of our own. */
export function packagePlacement(counts: Partial<Record<WorkloadName, number>> = {}): Placement {
  const { resolver: _resolver, ...placement } = testPlacement(counts);
  const roots = { configuration: "/etc", data: "/var/lib", runtime: "/run" };
  return {
    ...placement,
    software: "package",
    managesMembers: true,
    folder: (workload, use) => `${roots[use]}/mqtt-cluster/dev-mqtt/${workload}`,
    instances: (workload) =>
      placement.instances(workload).map((instance) => ({
        ...instance,
        host: `10.0.${workload === "broker" ? 1 : 2}.${10 + instance.ordinal}`,
      })),
  };
}
