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
