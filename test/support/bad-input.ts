/** Definitions as they are written in JavaScript, or with `as any`: no compiler sees what is wrong with them. */
import { TerraformStack, Testing } from "cdktf";
import * as api from "../../src";

// biome-ignore lint/suspicious/noExplicitAny: the whole point
type Any = any;
export const {
  Access,
  Balancer,
  Broker,
  Monitoring,
  MqttBalancer,
  MqttCluster,
  RedisSessionStore,
  Secret,
  SessionStore,
  Target,
} = api as Any;

export const PLAIN_SECRET = "hunter2 is my password";
export const password = Secret.variable("sensors_password");
export const rules = [{ action: "all", topics: ["sensors/#"] }];
export const users = (user: object) => ({
  access: Access.passwords({
    users: [{ name: "sensors", password, ...user }],
    rules,
  }),
});
export const rule = (given: object) => ({
  access: Access.passwords({
    users: [{ name: "sensors", password }],
    rules: [{ ...rules[0], ...given }],
  }),
});
export const topics = (...given: unknown[]) => rule({ topics: given });
export const emqx = (props: unknown) => ({ broker: Broker.emqx(props) });
export const rabbitmq = (props: unknown, more = {}) => ({
  broker: Broker.rabbitmq(props),
  ...more,
});
export const docker = (props: unknown) => ({ target: Target.docker(props) });
export const vms = (props: unknown) => ({ target: Target.vms(props) });
/** A host as `Target.vms()` takes it. */
export const host = (last: number, more: object = {}) => ({
  address: `10.0.0.${last}`,
  hostKey: `ssh-ed25519 ${"A".repeat(68)}`,
  ...more,
});
/** A cluster of one broker and one balancer on two hosts; `more` is about its target. */
export const onHosts = (more: object = {}, others: object = {}) => ({
  ...emqx({ nodes: 1 }),
  monitoring: Monitoring.none(),
  ...others,
  ...vms({ brokers: { "broker-1": host(11) }, balancers: { "balancer-1": host(21) }, ...more }),
});
/** The same with two balancers. */
export const onPair = (more: object, second: object = {}) =>
  onHosts(
    { balancers: { "balancer-1": host(21), "balancer-2": host(22, second) }, ...more },
    { balancer: Balancer.haproxy({ replicas: 2 }) },
  );
/** One balancer, and these options of the broker's host. */
export const onHost = (more: object) => onHosts({ brokers: { "broker-1": host(11, more) } });
export const webhook = (given: unknown) => ({
  monitoring: Monitoring.prometheus({ webhook: given }),
});
export const complete = () => ({ ...emqx({}), ...users({}), ...docker({}) });
export const cluster = (props: object) => (stack: TerraformStack) =>
  new MqttCluster(stack, "mqtt", { ...complete(), ...props });

/** The lines of the error, after which the stack is what it was before. */
export function problemsOf(
  make: (stack: TerraformStack) => unknown,
  stack = new TerraformStack(Testing.app(), "dev"),
): string[] {
  const before = Testing.synth(stack);
  try {
    make(stack);
  } catch (error) {
    const { name, message, stack: trace, problems } = error as Error & { problems: string[] };
    expect(name).toBe("InvalidDefinitionError");
    expect(trace).toBe(`${name}: ${message}`);
    expect(message).not.toContain("hunter2");
    // Node would show them once more below the message.
    expect(Object.keys(error as object)).not.toContain("problems");
    expect(message.split("\n").slice(1)).toEqual(problems.map((line) => `  - ${line}`));
    expect(Testing.synth(stack)).toBe(before);
    return problems;
  }
  throw new Error("nothing was wrong");
}

export const only = (...lines: string[]) => lines.map((line) => expect.stringContaining(line));
