/** Parts of their own on a swarm, and what they have against what the stack has there already. */
import { TerraformStack, Testing } from "cdktf";
import {
  cluster,
  complete,
  Monitoring,
  MqttBalancer,
  MqttCluster,
  only,
  problemsOf,
  RedisSessionStore,
  rabbitmq,
} from "../support/bad-input";
import { inSwarm, label, on, swarm } from "../support/swarm-input";

describe("single parts", () => {
  const { target } = swarm({ sessionStore: on("back"), balancers: { "balancer-1": on("front1") } });
  const balancer = (props: object) => (s: TerraformStack) =>
    new MqttBalancer(s, "b", { brokers: { hosts: ["10.0.0.11"] }, ...props });
  const store = (props: object) => (s: TerraformStack) => new RedisSessionStore(s, "r", props);

  test.each([
    ["a balancer", balancer({ target })],
    ["a session store", store({ target })],
  ])("%s needs no hosts but its own", (_, make) => {
    expect(() => make(new TerraformStack(Testing.app(), "dev"))).not.toThrow();
  });

  test.each([
    ["a balancer", balancer(swarm({})), "target.balancers = (missing): must be as many"],
    ["a session store", store(swarm({})), "target.sessionStore = (missing): must be a host for Redis"],
  ])("%s needs that one", (_, make, line) => {
    expect(problemsOf(make)).toEqual(only(line));
  });
});

describe("beside what the stack has already", () => {
  const second = (props: object) => (stack: TerraformStack) =>
    new MqttCluster(stack, "second", { ...complete(), ...props });
  const stackWith = (props: object) => {
    const stack = new TerraformStack(Testing.app(), "dev");
    cluster(props)(stack);
    return stack;
  };

  test("a cluster that has the host and its ports", () => {
    expect(problemsOf(second(inSwarm({ brokers: { "broker-1": on("dock2") } })), stackWith(inSwarm()))).toEqual(
      only(
        'target.balancers.balancer-1 = "node.hostname==front1:1883": is wanted by dev-mqtt (mqtt) and by balancer-1 (mqtt): give one of them another host, or change a listener\'s port',
        'target.balancers.balancer-1 = "node.hostname==front1:8083": is wanted by dev-mqtt (ws) and by balancer-1 (ws)',
      ),
    );
  });

  test("a cluster that has the host, in other letters", () => {
    const elsewhere = { brokers: { "broker-1": on("dock2") }, balancers: { "balancer-1": on("FRONT1") } };
    expect(problemsOf(second(inSwarm(elsewhere)), stackWith(inSwarm()))).toEqual(
      only("FRONT1:1883", "FRONT1:8083").map(() => expect.stringContaining("is wanted by dev-mqtt")),
    );
  });

  describe("a network", () => {
    const elsewhere = { brokers: { "broker-1": on("dock2") }, balancers: { "balancer-1": on("front2") } };
    const meet = (first: object, other: object) =>
      problemsOf(second(inSwarm({ ...elsewhere, ...other })), stackWith(inSwarm(first)));

    test.each<[what: string, first: object, other: object, line: string]>([
      [
        "of one name",
        { network: "mq" },
        { network: "mq" },
        'target.network = "mq": is the network of dev-mqtt: give another name',
      ],
      [
        "that is called as the other by itself",
        {},
        { network: "dev-mqtt" },
        'target.network = "dev-mqtt": is the network of dev-mqtt',
      ],
      [
        "of the same addresses",
        { subnet: "172.30.0.0/24" },
        { subnet: "172.30.0.0/24" },
        'target.subnet = "172.30.0.0/24": overlaps with 172.30.0.0/24 of dev-mqtt: give another one',
      ],
      [
        "of some of its addresses",
        { subnet: "172.30.0.0/16" },
        { subnet: "172.30.255.0/24" },
        'target.subnet = "172.30.255.0/24": overlaps with 172.30.0.0/16 of dev-mqtt',
      ],
    ])("%s", (_what, first, other, line) => {
      expect(meet(first, other)).toEqual(only(line));
    });

    test("beside it", () => {
      const stack = stackWith(inSwarm({ subnet: "172.30.0.0/24" }));
      expect(() => second(inSwarm({ ...elsewhere, subnet: "172.30.1.0/24" }))(stack)).not.toThrow();
    });
  });

  test("a cluster that has the label, of which there may not be enough hosts", () => {
    const labelled = inSwarm({ balancers: { "balancer-1": label({ address: "a" }) } });
    expect(problemsOf(second(labelled), stackWith(labelled))).toEqual(
      only('"node.labels.front==1:1883": is wanted by dev-mqtt (mqtt)', '"node.labels.front==1:8083": is wanted by'),
    );
  });

  // No single definition may have a listener there.
  test("a listener that has the port of Prometheus, as far as the host shows it", () => {
    const listener = rabbitmq({ nodes: 1, listeners: { tcpPort: 9090, wsPort: 0 } }, { monitoring: Monitoring.none() });
    const watching = (publishOperatorPorts: boolean) =>
      inSwarm(
        { balancers: { "balancer-1": on("front2") }, monitoring: on("front1"), publishOperatorPorts },
        { monitoring: Monitoring.prometheus() },
      );
    const stack = () => stackWith(inSwarm({}, listener));
    expect(problemsOf(second(watching(true)), stack())).toEqual(
      only('target.monitoring = "node.hostname==front1:9090": is wanted by dev-mqtt (mqtt) and by prometheus ('),
    );
    expect(() => second(watching(false))(stack())).not.toThrow();
  });

  test.each([
    ["other hosts", { balancers: { "balancer-1": on("front2") } }],
    ["another swarm", { host: "ssh://deploy@elsewhere" }],
  ])("a cluster that keeps clear by %s", (_, more) => {
    expect(() => second(inSwarm(more))(stackWith(inSwarm()))).not.toThrow();
  });
});

test("there is no user data for hosts of a swarm", () => {
  const made = new MqttCluster(new TerraformStack(Testing.app(), "dev"), "mqtt", { ...complete(), ...inSwarm() });
  expect(() => made.userData("broker-1")).toThrow(
    expect.objectContaining({ problems: ['instance = "broker-1": exists for Target.vms() only'] }),
  );
});
