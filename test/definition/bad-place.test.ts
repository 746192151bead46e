/** What is wrong with a construct and its surroundings, whatever its definition. */
import { TerraformOutput, TerraformStack, TerraformVariable, Testing } from "cdktf";
import {
  Balancer,
  cluster,
  complete,
  docker,
  MqttBalancer,
  MqttCluster,
  only,
  PLAIN_SECRET,
  problemsOf,
  RedisSessionStore,
  SessionStore,
} from "../support/bad-input";

test.each<[what: string, make: (stack: TerraformStack) => unknown, ...lines: string[]]>([
  ["no props", (s) => new MqttCluster(s, "mqtt"), "broker = (missing)", "access = (missing)", "target = (missing)"],
  [
    "props null",
    (s) => new MqttCluster(s, "mqtt", null),
    "broker = (missing)",
    "access = (missing)",
    "target = (missing)",
  ],
  [
    "props as text",
    (s) => new MqttCluster(s, "mqtt", "x"),
    "props = (not shown): must be",
    "broker",
    "access",
    "target",
  ],
  [
    "long ids",
    (s) => new MqttCluster(s, "a-very-long-construct-identifier", complete()),
    'at most 30 characters: "dev-mqtt". It is made of',
  ],
  ["odd ids", (s) => new MqttCluster(s, "Mqtt_ü!", complete()), 'name = "dev-mqtt-": must be lower-case'],
  [
    "no stack",
    (s) => new MqttCluster(s.node.scope, "x", complete()),
    "scope = (an instance of App): must be a TerraformStack",
  ],
  [
    "balancer without props",
    (s) => new MqttBalancer(s, "b"),
    "brokers = (missing): must be an object",
    "target = (missing)",
  ],
  ["store without props", (s) => new RedisSessionStore(s, "r"), "target = (missing): must be Target.docker()"],
  [
    "balancer",
    (s) =>
      new MqttBalancer(s, "b", {
        brokers: {
          hosts: ["a", "A", "a:1883", "http://b", "1.2.3.400", "localhost"],
          wsPort: 8405,
          healthCheckPath: "/up",
        },
        balancer: Balancer.haproxy({ version: "3.2.1" }),
        clients: { maxConnections: 1e6 },
        ...docker({}),
        balancr: 1,
      }),
    "balancr = 1: unknown option; allowed here: brokers, balancer",
    'brokers.hosts[2] = "a:1883": must be a host name or an IPv4 address without port or scheme',
    'brokers.hosts[3] = "http://b": must be a host name',
    'brokers.hosts[4] = "1.2.3.400": must be a host name',
    'balancer.version = "3.2.1": this HAProxy dies',
    'brokers.hosts[1] = "A": is there twice',
    'brokers.hosts[5] = "localhost": would be the balancer itself',
    "brokers.wsPort = 8405: is already the port of the metrics",
    'brokers.healthCheckPath = "/up": has no effect without brokers.healthCheckPort',
    "clients.maxConnections = 1000000: must be at most 169392",
  ],
  [
    "no brokers",
    (s) => new MqttBalancer(s, "b", { brokers: { hosts: [] }, ...docker({}) }),
    "hosts = []: must be a list of 1 to 64",
  ],
  [
    "store",
    (s) =>
      new RedisSessionStore(s, "r", { redis: { version: "6.0", adminPassword: PLAIN_SECRET }, ...docker({}), reds: 1 }),
    "reds = 1: unknown option",
    "redis.adminPassword = (not shown): must be a Secret",
    'redis.version = "6.0": must be 7.0 or later',
  ],
  [
    "options of a part for props",
    (s) => new RedisSessionStore(s, "r", { redis: SessionStore.redis(), ...docker({}) }),
    "redis = (an instance of SessionStore): must be",
  ],
])("%s", (_, make, ...lines) => {
  expect(problemsOf(make)).toEqual(only(...lines));
});

describe("beside what the stack has already", () => {
  const stackWith = (build: (stack: TerraformStack) => unknown) => {
    const stack = new TerraformStack(Testing.app(), "dev");
    build(stack);
    return stack;
  };
  const second = (props: object) => (stack: TerraformStack) =>
    new MqttCluster(stack, "second", { ...complete(), ...props });

  test("an output with the name of a secret", () => {
    const stack = stackWith((s) => new TerraformOutput(s, "sensors_password", { value: "x" }));
    expect(problemsOf(cluster({}), stack)).toEqual(only('"Secret sensors_password": is a name that something else in'));
  });

  test("a variable that is not sensitive", () => {
    const stack = stackWith((s) => new TerraformVariable(s, "sensors_password", {}));
    expect(problemsOf(cluster({}), stack)).toEqual(only("is a variable of the stack that is not sensitive"));
  });

  test("a cluster of the same name", () => {
    expect(problemsOf(second({ name: "dev-mqtt" }), stackWith(cluster({})))).toEqual(
      only('name = "dev-mqtt": is the name of dev/mqtt: everything is named after it'),
    );
  });

  test("a cluster that has the ports", () => {
    const stack = stackWith(cluster({}));
    expect(problemsOf(second(docker({ clientAddress: "127.0.0.9" })), stack)).toEqual([
      ...only(
        '"127.0.0.9:1883": is wanted by dev-mqtt (mqtt) and by balancer-1 (mqtt)',
        '"127.0.0.9:8083": is wanted by',
      ),
      ...only('"127.0.0.1:18083": is wanted by', '"127.0.0.1:9093": is wanted by', '"127.0.0.1:9090": is wanted by'),
    ]);
  });

  test("two clusters that keep clear of each other", () => {
    const stack = stackWith(cluster(docker({ clientAddress: "127.0.0.1" })));
    expect(() => second(docker({ clientAddress: "127.0.0.2", operatorAddress: "127.0.0.2" }))(stack)).not.toThrow();
  });
});
