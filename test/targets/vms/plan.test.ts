/** What Terraform is given, for people to read. What Terraform makes of it is in terraform.test.ts. */
import { TerraformOutput, TerraformStack, Testing } from "cdktf";
import { MqttCluster, Target } from "../../../src";
import { platformOf } from "../../../src/targets/choose-platform";
import { fullProps } from "../../support/definitions";
import { asItArrives, HOST_KEY, host, hosts, type PlannedData, planOf, workloadsAt } from "./deploy";

const { plan, deployment } = planOf(hosts(3));
const resources = plan.resource.terraform_data;

const AS_ROOT = /^if \[ "\$\(id -u\)" = 0 \]/;

/** Where a step runs, and its lines without those that all have. */
function readable({ provisioner, triggers_replace: triggers, ...rest }: PlannedData): object {
  return {
    ...rest,
    triggers_replace: Object.hasOwn(triggers as object, "control")
      ? // Of a script that changes more often than what is shown here.
        { ...(triggers as object), control: "(a hash)" }
      : triggers,
    provisioner: provisioner.map((step) => {
      const [[kind, { connection, inline, ...more }]] = Object.entries(step) as [
        string,
        { connection: { user: string; host: string }; inline?: string[] },
      ][];
      const lines = inline?.flatMap((line, index) =>
        inline[index + 1]?.match(AS_ROOT)
          ? []
          : [line.replace(AS_ROOT, "(become root) $&").replace(/(root\)).*/, "$1")],
      );
      return { [kind]: connection.host.replace(/^.*self.*$/, "(self)"), ...more, ...(lines && { inline: lines }) };
    }),
  };
}

test.each([
  "broker-2-preflight",
  "broker-2-member",
  "broker-2-configuration",
  "broker-2",
  "balancer-1-configuration",
  "balancer-1",
])("%s", (id) => {
  expect(readable(resources[id])).toMatchSnapshot();
});

test("installed, for all instances", () => {
  expect(readable(resources.installed)).toMatchSnapshot();
});

test("what becomes root", () => {
  const { inline } = resources["broker-1"].provisioner[0]["remote-exec"] as { inline: string[] };
  expect(inline).toMatchSnapshot();
});

test("the control script of a program that uses every part of the contract", () => {
  expect(asItArrives(plan.locals["broker-2-control"])).toMatchSnapshot();
});

test("the control script of a pool", () => {
  expect(asItArrives(plan.locals["balancer-1-control"])).toMatchSnapshot();
});

test("the files script", () => {
  const upload = resources["broker-2-configuration"].provisioner.find(
    ({ file }) => file && String(file.destination).endsWith("/files"),
  );
  expect(upload?.file.content).toMatchSnapshot();
});

test("logical ids and variables are a contract with every state file", () => {
  expect({
    locals: Object.keys(plan.locals),
    resources: Object.keys(resources),
    instances: Object.keys((resources.installed as unknown as { for_each: object }).for_each),
    variables: plan.variable,
  }).toMatchSnapshot();
});

test("what waits for what", () => {
  const ids = (list: readonly string[] = []) => list.map((id) => id.replace("terraform_data.", ""));
  const waiting = Object.entries(resources).map(([id, { depends_on }]) => [id, ids(depends_on)]);
  expect(Object.fromEntries(waiting)).toMatchSnapshot();
});

test("every name that a broker may have can say goodbye, and those without a host are not there", () => {
  const members = Object.entries(resources).filter(([id]) => id.endsWith("-member"));
  expect(members.map(([id, { count }]) => [id, count])).toEqual(
    [1, 1, 1, 0, 0, 0, 0, 0, 0].map((count, index) => [`broker-${index + 1}-member`, count]),
  );
});

test("a broker that is taken out from the middle leaves its name free, and moves no other", () => {
  const { brokers } = hosts(4);
  const { "broker-2": _gone, ...others } = brokers!;
  const smaller = planOf(hosts(0, { brokers: others })).plan.resource.terraform_data;
  const before = planOf(hosts(4)).plan.resource.terraform_data;
  expect(smaller["broker-2-member"].count).toBe(0);
  expect(smaller["broker-2"]).toBeUndefined();
  for (const id of ["broker-1-member", "broker-3-member", "broker-4-member"]) {
    expect(smaller[id].triggers_replace).toEqual(before[id].triggers_replace);
  }
  // What the others list in their files is theirs alone to read, at their next start.
  for (const id of ["broker-1", "broker-3", "broker-4"]) {
    expect(smaller[id].triggers_replace).toEqual(before[id].triggers_replace);
  }
});

test("one broker tells nobody when it leaves", () => {
  const alone = planOf(hosts(1)).plan.resource.terraform_data["broker-1-member"];
  expect(JSON.stringify(alone)).not.toMatch(/forget|release/);
  expect(JSON.stringify(alone)).toContain("drain-self");
});

test("a program that reads no file again is restarted by every change, except of what needs none", () => {
  const { plan: changed } = planOf(hosts(1), { broker: () => ({ reloadSignal: undefined }) });
  expect(changed.locals["broker-1-control"]).toContain(
    "\nreload_files=''\nrestart_files='broker.conf .cookie fixed.conf rules/users.conf'\n",
  );
  expect(changed.locals["broker-1-control"]).not.toContain("ExecReload");
});

test("brokers that start together wait for nobody at the first boot, but a roll is still one after another", () => {
  const { plan: together } = planOf(hosts(3), { broker: () => ({ startOrder: "together" }) });
  expect(together.locals["broker-2-control"]).toContain("\nboots_after=''\n");
  expect(plan.locals["broker-2-control"]).toContain("\nboots_after='10.0.0.11:1883'\n");
  expect(together.resource.terraform_data["broker-2-configuration"].depends_on).toContain("terraform_data.broker-1");
});

describe("connections", () => {
  const connectionOf = (target: ReturnType<typeof hosts>, id = "broker-1-preflight") =>
    planOf(target).plan.resource.terraform_data[id].provisioner[0]["remote-exec"].connection;

  test("as root with the keys of the agent, to whoever answers", () => {
    expect(
      connectionOf(hosts(0, { ssh: {}, brokers: { "broker-1": host(11, { hostKey: "unchecked" }) } })),
    ).toMatchSnapshot();
  });

  test("through a bastion, as the hosts say", () => {
    const bastion = { address: "bastion.example.com", hostKey: HOST_KEY, user: "jump", port: 2222 };
    const brokers = { "broker-1": host(11, { user: "admin", port: 2022, privateKeyFile: "/keys/broker-1" }) };
    expect(connectionOf(hosts(0, { ssh: { user: "deploy", bastion }, brokers }))).toMatchSnapshot();
  });

  test("out of a resource's own input, for a destroy", () => {
    const destroy = resources.installed.provisioner.find((step) => step["remote-exec"]?.when === "destroy");
    expect(destroy?.["remote-exec"].connection).toMatchSnapshot();
  });
});

test("endpoints are where people reach the hosts, through the virtual address if there is one", () => {
  expect(deployment.endpoints).toMatchSnapshot();
  const virtual = planOf(hosts(3, { virtualAddress: { address: "192.0.2.20/24", interface: "eth0" } })).deployment;
  expect(virtual.endpoints.filter(({ name, boundTo }) => name === "mqtt" && boundTo.endsWith(":883"))).toEqual([
    { name: "mqtt", url: "mqtt://192.0.2.20:883", audience: "clients", boundTo: "10.0.0.21:883" },
    { name: "mqtt", url: "mqtt://192.0.2.20:883", audience: "clients", boundTo: "10.0.0.22:883" },
  ]);
});

test("fails if two programs meet at a port of one host, or something of the stack is there already", () => {
  const target = hosts(1, { balancers: { "balancer-1": host(11) } });
  const platform = platformOf(Target.vms(target))!;
  const meet = (port: number, neighbours: Parameters<typeof platform.checkWorkloads>[1] = []) => {
    const placement = platform.place("dev-mqtt", [
      { workload: "broker", count: 1 },
      { workload: "balancer", count: 1 },
    ]);
    const ports = [{ name: "mqtt", number: port, audience: "clients" as const }];
    return platform
      .checkWorkloads(workloadsAt(placement, { pool: () => ({ ports }) }), neighbours)
      .map(({ path, value, message }) => `${path} = ${value}: ${message}`);
  };
  expect(meet(884)).toEqual([]);
  expect(meet(1883)).toEqual([
    'target.balancers.balancer-1 = "10.0.0.11:1883": is wanted by broker-1 (mqtt) and by balancer-1 (mqtt): give one of them another host, or change a listener\'s port',
  ]);
  const neighbour = {
    deployment: "other",
    name: "ws",
    url: "",
    audience: "clients" as const,
    boundTo: "10.0.0.11:884",
  };
  expect(meet(884, [neighbour])).toEqual([expect.stringContaining("is wanted by other (ws) and by balancer-1 (mqtt)")]);
});

test("fails if a program is in no package", () => {
  const platform = platformOf(Target.vms(hosts(1)))!;
  const placement = platform.place("dev-mqtt", [{ workload: "broker", count: 1 }]);
  const [broker] = workloadsAt(placement);
  expect(platform.checkWorkloads([{ ...broker, package: undefined }], [])).toEqual([
    {
      path: "target",
      value: '"rabbitmq"',
      message: "is in no package that servers could install; use another target for it",
    },
  ]);
});

test("software is said as the host will get it", () => {
  const url = "https://example.com/broker.deb";
  const platform = (packages: object) => platformOf(Target.vms(hosts(1, { packages: packages as never })))!;
  const [broker, pool] = workloadsAt(platform({}).place("dev-mqtt", []));
  expect(platform({}).softwareOf(broker)).toBe("broker-server 3.10");
  expect(platform({}).softwareOf(pool)).toBe("pool (2.6 or later)");
  expect(platform({ rabbitmq: { url, sha256: "a".repeat(64) } }).softwareOf(broker)).toBe(url);
});

describe("hosts that set themselves up", () => {
  const stack = new TerraformStack(Testing.app(), "dev");
  const cluster = new MqttCluster(stack, "mqtt", {
    ...fullProps(),
    target: Target.vms(
      hosts(3, {
        balancers: { "balancer-1": host(21) },
        sessionStore: host(31),
        monitoring: host(31),
        provisionedBy: "userData",
      }),
    ),
  });

  test("are given no resources but the rules for secrets", () => {
    expect(Object.keys(JSON.parse(Testing.synth(stack)).resource.terraform_data)).toEqual([
      expect.stringMatching(/^mqtt_secret-rules/),
    ]);
  });

  test("get one script for all of their instances", () => {
    for (const instance of ["prometheus", "session-store", "alertmanager"]) {
      new TerraformOutput(stack, instance, { value: cluster.userData(instance) });
    }
    const { output, locals } = JSON.parse(Testing.synth(stack)) as Record<string, Record<string, { value: string }>>;
    const scripts = Object.values(output).map(({ value }) => value);
    expect(scripts).toEqual(scripts.map(() => expect.stringMatching(/^\$\{local\.[\w-]+\}$/)));
    expect(new Set(scripts).size).toBe(1);
    const script = locals[scripts[0].slice("${local.".length, -1)] as unknown as string;
    expect(script.match(/^sh .* boot .*$/gm)).toMatchSnapshot();
  });
});
