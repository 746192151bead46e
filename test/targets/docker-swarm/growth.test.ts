/** Brokers more, and none of those that run is started again for it. */
import { TerraformStack, Testing } from "cdktf";
import { type Access, Broker, MqttCluster, SessionStore, Target } from "../../../src";
import type { ClusterDefinitionProps } from "../../../src/definition/cluster";
import { users } from "../../support/bad-input";
import { fullProps } from "../../support/definitions";
import { hostNamed, hosts, type Plan, type PlannedObject } from "./deploy";

/** What the swarm would be told to change: all of a service, and all of its files. */
type Running = Record<string, { readonly service: object; readonly files: Record<string, string> }>;

function running(definition: Partial<ClusterDefinitionProps>, nodes: number): Running {
  const stack = new TerraformStack(Testing.app(), "dev");
  const hasRedis = definition.sessionStore === undefined;
  new MqttCluster(stack, "mqtt", {
    ...fullProps(definition),
    target: Target.dockerSwarm(
      hosts(nodes, {
        balancers: { "balancer-1": hostNamed("front1") },
        sessionStore: hasRedis ? hostNamed("back") : undefined,
        monitoring: hostNamed("back"),
      }),
    ),
  });
  const { resource, locals }: Plan = JSON.parse(Testing.synth(stack));
  const contentOf = (reference: string) => {
    const [, type, id] = /^\$\{(docker_(?:config|secret))\.(.*)\.id\}$/.exec(reference) as RegExpExecArray;
    const { name, data } = (resource[type as "docker_config"] as Record<string, PlannedObject>)[id];
    const [, local] = /^\$\{base64encode\(local\.(.*)\)\}$/.exec(data) as RegExpExecArray;
    return `${id} ${name}\n${locals[local]}`;
  };
  return Object.fromEntries(
    Object.values(resource.docker_service).map(({ depends_on: _order, ...service }) => {
      const { configs = [], secrets = [] }: PlannedObject = service.task_spec.container_spec;
      const files = [...configs, ...secrets].map((file) => [
        file.file_name,
        contentOf(file.config_id ?? file.secret_id),
      ]);
      return [service.name.replace("dev-mqtt-", ""), { service, files: Object.fromEntries(files) }];
    }),
  );
}

const DEFINITIONS: Record<string, (nodes: number) => Partial<ClusterDefinitionProps>> = {
  RabbitMQ: (nodes) => ({ broker: Broker.rabbitmq({ nodes }), sessionStore: SessionStore.builtIn(), ...withUser() }),
  EMQX: (nodes) => ({ broker: Broker.emqx({ version: "5.8.9", nodes }) }),
  "EMQX without Redis": (nodes) => ({
    broker: Broker.emqx({ version: "5.8.9", nodes }),
    sessionStore: SessionStore.builtIn(),
  }),
};
const withUser = () => users({}) as { access: Access };

describe.each(Object.entries(DEFINITIONS))("%s", (_program, definition) => {
  const before = running(definition(3), 3);
  const after = running(definition(5), 5);
  const names = Object.keys(before);

  test("two brokers more are two services more", () => {
    expect(Object.keys(after).filter((name) => !names.includes(name))).toEqual(["broker-4", "broker-5"]);
    expect(names.filter((name) => !(name in after))).toEqual([]);
  });

  test.each(["broker-1", "broker-2", "broker-3"])("%s is left alone, with its files", (name) => {
    expect(Object.keys(before[name].files).length).toBeGreaterThan(2);
    expect(after[name]).toEqual(before[name]);
  });

  test("only who must know of the new ones is changed", () => {
    const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
    expect(changed).toEqual(["balancer-1", "prometheus"]);
  });

  test("the new ones ask the first three, and whoever comes later does not change that", () => {
    const peersOf = (name: string) => Object.entries(after[name].files).find(([path]) => path.endsWith("/peers.conf"));
    const listed = (name: string) => peersOf(name)?.[1].match(/broker-\d(?=\.dev-mqtt\.internal)/g);
    const three = ["broker-1", "broker-2", "broker-3"];
    expect(["broker-2", "broker-4", "broker-5"].map(listed)).toEqual([
      three,
      [...three, "broker-4"],
      [...three, "broker-5"],
    ]);
    const words = (after["broker-5"].service as PlannedObject).task_spec.container_spec.command;
    expect(words[4].split(" ")).toEqual(three.map((name) => `${name}.dev-mqtt.internal`));
  });
});
