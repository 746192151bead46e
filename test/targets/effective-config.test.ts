/** One definition is one cluster: what brokers do must not depend on where they run. */
import { Access, Broker, Secret, SessionStore, Target } from "../../src";
import { clusterDemands, clusterWorkloads } from "../../src/components/cluster-workloads";
import type { ClusterDefinitionProps } from "../../src/definition/cluster";
import type { Placement } from "../../src/placement/placement";
import { platformOf } from "../../src/targets/choose-platform";
import type { Workload } from "../../src/workload";
import { fullDefinition } from "../support/definitions";
import { host, hosts } from "./vms/deploy";

const TARGETS: Record<string, Target> = {
  Docker: Target.docker(),
  VMs: Target.vms(hosts(3, { sessionStore: host(31), monitoring: host(31) })),
  Kubernetes: Target.kubernetes({ namespace: "mqtt" }),
};

interface Rendered {
  readonly placement: Placement;
  readonly broker: Workload;
}

function brokerOn(target: Target, overrides: Partial<ClusterDefinitionProps>): Rendered {
  const platform = platformOf(target);
  if (!platform) {
    throw new Error("no platform");
  }
  const definition = fullDefinition(overrides);
  const placement = platform.place(definition.name, clusterDemands(definition));
  const broker = clusterWorkloads(definition, placement).find(({ name }) => name === "broker") as Workload;
  return { placement, broker };
}

/** Hosts by what they are, paths by what lies there. */
function withoutPlace(text: string, { placement, broker }: Rendered): string {
  const names = (["broker", "session-store", "session-writer"] as const).flatMap((workload) =>
    // The last two may be one host.
    placement
      .instances(workload)
      .map(({ host, ordinal }) => [host, workload === "broker" ? `<broker ${ordinal}>` : "<sessions>"] as const),
  );
  const data = broker.data.map(({ path }) => [path, "<data>"] as const);
  const folders = [...new Set(broker.files.map(({ path }) => path.replace(/\/[^/]*$/, "")))];
  return [...names, ...data, ...folders.map((folder) => [folder, "<configuration>"] as const)].reduce(
    (replaced, [place, what]) => replaced.replaceAll(place, what),
    text.replaceAll("${EMQX_ETC_DIR}", "<configuration>"),
  );
}

/** What brokers are told, by file; not how they find each other, which is of the place. */
function toldOn(target: Target, overrides: Partial<ClusterDefinitionProps>): Record<string, string> {
  const rendered = brokerOn(target, overrides);
  const files = rendered.broker.files.filter(({ onChange }) => onChange !== "nothing");
  return Object.fromEntries(
    files.map(({ path, content }) => [
      path.replace(/^.*\//, ""),
      withoutPlace(content, rendered)
        .replace(/^include .*\n/gm, "")
        .replace(/^ *discovery_strategy = .*\n/gm, "")
        .replace(/^ *dns \{[^}]*\}\n/gm, ""),
    ]),
  );
}

/** RabbitMQ 3.10 knows no ${clientid} in a rule. */
const PLAIN = {
  access: Access.passwords({
    users: [{ name: "sensors", password: Secret.variable("sensors_password") }],
    rules: [{ action: "publish", topics: ["sensors/${username}/#"] }],
  }),
};

const DEFINITIONS: Record<string, Partial<ClusterDefinitionProps>> = {
  EMQX: { broker: Broker.emqx({ memory: "2GB" }) },
  "RabbitMQ 3.10": {
    broker: Broker.rabbitmq({ version: "3.10", memory: "2GB" }),
    ...PLAIN,
    sessionStore: SessionStore.builtIn(),
  },
  "RabbitMQ 4.2": {
    broker: Broker.rabbitmq({ memory: "2GB" }),
    ...PLAIN,
    sessionStore: SessionStore.builtIn(),
  },
};

describe.each(Object.entries(DEFINITIONS))("brokers of %s", (_, overrides) => {
  const onDocker = toldOn(TARGETS.Docker, overrides);

  test.each(["VMs", "Kubernetes"])("are told the same on %s as on Docker", (name) => {
    expect(toldOn(TARGETS[name], overrides)).toEqual(onDocker);
  });

  test("are told something", () => {
    expect(Object.keys(onDocker).length).toBeGreaterThan(2);
    expect(Object.values(onDocker).join().length).toBeGreaterThan(1000);
  });
});
