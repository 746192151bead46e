/** Everything that runs on hosts, of real definitions, as far as it can be judged without one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Fn, TerraformOutput, TerraformStack, Testing } from "cdktf";
import { Balancer, Broker, MqttCluster, SessionStore, Target, type VmsTargetProps } from "../../../src";
import type { ClusterDefinitionProps } from "../../../src/definition/cluster";
import { users } from "../../support/bad-input";
import { fullProps } from "../../support/definitions";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";
import { TerraformProject } from "../../support/terraform";
import { asItArrives, host, hosts, type Plan, planOf } from "./deploy";

/** Between them they have every program. */
const DEFINITIONS: Record<string, Partial<ClusterDefinitionProps>> = {
  EMQX: { balancer: Balancer.haproxy({ replicas: 2 }) },
  RabbitMQ: {
    broker: Broker.rabbitmq({ version: "3.10" }),
    sessionStore: SessionStore.builtIn(),
    balancer: Balancer.nginx({ replicas: 2 }),
  },
};

function deploy(stack: TerraformStack, props: object, target: Partial<VmsTargetProps>): MqttCluster {
  return new MqttCluster(stack, "mqtt", {
    ...fullProps({ ...users({}), ...props }),
    target: Target.vms(hosts(3, { monitoring: host(31), ...target })),
  });
}

/** The control scripts as they arrive, by instance. */
function controlScripts({ locals }: Plan): [name: string, script: string][] {
  const [[, common]] = Object.entries(locals).filter(([id]) => /^(mqtt_)?control/.test(id));
  return (
    Object.entries(locals)
      .filter(([, local]) => local !== common)
      // One instance of each: what differs in the second is where it waits for the first.
      .filter(([id]) => !/balancer-2|address-2|-3-/.test(id))
      .map(([id, local]) => [id.replace(/^mqtt_|-control.*$/g, ""), `${asItArrives(local)}${asItArrives(common)}`])
  );
}

const clusters = Object.entries(DEFINITIONS).map(([title, props]): [string, [string, string][]] => {
  const stack = new TerraformStack(Testing.app(), "dev");
  const sessionStore = props.sessionStore ? undefined : host(31);
  deploy(stack, props, { sessionStore, virtualAddress: { address: "192.0.2.20/24", interface: "eth0" } });
  return [title, controlScripts(JSON.parse(Testing.synth(stack)))];
});
const scripts = [
  ...clusters.flatMap(([title, all]) =>
    all.map(([name, script]): [string, string] => [`${name} with ${title}`, script]),
  ),
  ...controlScripts(planOf(hosts(2)).plan).map(([name, script]): [string, string] => [`some ${name}`, script]),
];

test("these programs", () => {
  expect(scripts.map(([name]) => name)).toMatchSnapshot();
});

describeWithPrograms(["shellcheck"], "shellcheck", () => {
  const folder = temporaryFolder();

  test.each(scripts)("has nothing against the control script of %s", (_, script) => {
    expect(run("shellcheck", ["-s", "sh", writeFile(folder, "control", script)])).toEqual({ status: 0, output: "" });
  });
});

describeWithPrograms(["dash", "bash"], "without a command", () => {
  const folder = temporaryFolder();

  test.each(["dash", "bash"])("%s does nothing but say what can be asked", (shell) => {
    const control = writeFile(folder, "control", scripts[0][1]);
    for (const asked of [[], ["reboot"], ["--help"]]) {
      const { status, output } = run(shell, [control, ...asked]);
      expect(status).toBe(2);
      expect(output).toMatch(/^usage: .*control COMMAND, as root\n {2}healthy /);
    }
  });
});

describeWithPrograms(["systemd-analyze"], "systemd", () => {
  const folder = temporaryFolder();
  const unitOf = (script: string) => /<<'END-OF-UNIT'\n((?:.*\n)*?)END-OF-UNIT\n/.exec(script)?.[1] as string;
  /** Its programs may not be installed here, and that they are is not what is asked. */
  const verify = (unit: string) =>
    run("systemd-analyze", [
      "verify",
      "--man=no",
      writeFile(folder, "some.service", unit.replace(/^ExecStart="[^"]*"/m, 'ExecStart="/bin/true"')),
    ]);

  // It returns 0 whatever it says.
  test.each(scripts)("has nothing to say about the unit of %s", (_, script) => {
    expect(verify(unitOf(script))).toEqual({ status: 0, output: "" });
  });

  test("would say something", () => {
    expect(verify(unitOf(scripts[0][1]).replace("KillMode=mixed", "KillMode=some")).output).toContain(
      "kill mode specification",
    );
  });
});

describeWithPrograms(["terraform", "shellcheck", "dash"], "user data", () => {
  const folder = temporaryFolder();
  const project = new TerraformProject(folder, "user-data");
  const password = "Planted.Password~1+/=-";

  beforeAll(async () => {
    project.synthesise((stack) => {
      const cluster = deploy(
        stack,
        {},
        { balancers: { "balancer-1": host(21) }, sessionStore: host(31), provisionedBy: "userData" },
      );
      for (const name of ["broker-2", "session-store"]) {
        const value = cluster.userData(name);
        new TerraformOutput(stack, name, { value, sensitive: true });
        new TerraformOutput(stack, `${name}-gzip`, { value: Fn.base64gzip(value), sensitive: true });
      }
    });
    const { variable } = JSON.parse(readFileSync(join(project.stackFolder, "cdk.tf.json"), "utf8"));
    project.writeSecrets(Object.fromEntries(Object.keys(variable).map((name) => [name, password])));
    expect(await project.init()).toMatchObject({ status: 0 });
    expect(await project.apply()).toMatchObject({ status: 0 });
  });
  const compressed = (name: string) => Buffer.from(project.outputs()[`${name}-gzip`] as string, "base64");
  const script = (name: string) => project.outputs()[name] as string;

  test.each(["broker-2", "session-store"])(
    "of %s is a script that shellcheck likes, with the secrets in it",
    (name) => {
      const file = writeFile(folder, name, script(name));
      expect(run("shellcheck", ["-s", "sh", file])).toEqual({ status: 0, output: "" });
      expect(run("dash", ["-n", file])).toEqual({ status: 0, output: "" });
      expect(script(name)).toContain(password);
      expect(script(name)).not.toMatch(/<<secret|TfToken|[$%]{2}\{/);
    },
  );

  test.each(["broker-2", "session-store"])("of %s comes compressed as it is", (name) => {
    expect(gunzipSync(compressed(name)).toString()).toBe(script(name));
  });

  test("of a broker is small enough for most clouds", () => {
    expect(compressed("broker-2").length).toBeLessThan(16_384);
  });

  // 16559 bytes, of which the comments of the common part are more than is missing.
  test("of a host with five instances, too", () => {
    expect(compressed("session-store").length).toBeLessThan(16_384);
  });
});
