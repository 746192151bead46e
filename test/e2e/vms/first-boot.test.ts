import { Fn, TerraformOutput, type TerraformStack } from "cdktf";
import { Balancer, Broker, MqttBalancer, Target } from "../../../src";
import { MqttClients } from "../../support/mqtt";
import { temporaryFolder } from "../../support/programs";
import { TerraformProject } from "../../support/terraform";
import { BACKEND, deployOn, SENSORS, USER_SECRETS } from "../cluster";
import { Deployment, expectSuccess, report } from "../support";
import { allSeenByAll, BALANCER_HOSTS, BROKER_HOSTS, CLIENTS_URL, membersSeenBy, Placed, virtualAddress } from "./bed";
import { BED, describeOnHosts, type Host } from "./hosts";
import { differences, type Inventory, takeInventory } from "./inventory";

const MINUTE = 60_000;
const STACK = "boot";
const PLACED = [1, 2, 3].map((number) => new Placed(`broker-${number}`, BROKER_HOSTS[number - 1], `${STACK}-mqtt`));
const SECRETS = { ...USER_SECRETS, boot_mqtt_node_cookie: "PlantedCookie0123456789" };

const SSH = { user: BED.user, privateKeyFile: BED.key };
const named = (role: string, hosts: readonly Host[]) =>
  Object.fromEntries(hosts.map(({ address, hostKey }, index) => [`${role}-${index + 1}`, { address, hostKey }]));

/** Brokers that Terraform does not log in to. */
function selfMadeBrokers(stack: TerraformStack): void {
  const hosts = named("broker", BROKER_HOSTS.slice(0, PLACED.length));
  const cluster = deployOn(Target.vms({ ssh: SSH, brokers: hosts, provisionedBy: "userData" }), stack, {
    broker: Broker.rabbitmq({ version: "3.10", nodes: PLACED.length }),
    balancer: Balancer.none(),
  });
  for (const { name } of PLACED) {
    new TerraformOutput(stack, name, { value: Fn.base64gzip(cluster.userData(name)), sensitive: true });
  }
}

/** For them, as for brokers of somebody else. */
function balancers(stack: TerraformStack): void {
  new MqttBalancer(stack, "mqtt", {
    brokers: { hosts: PLACED.map(({ address }) => address) },
    balancer: Balancer.haproxy({ replicas: BALANCER_HOSTS.length }),
    clients: { maxConnections: 1_000, maxKeepalive: "1m" },
    target: Target.vms({ ssh: SSH, balancers: named("balancer", BALANCER_HOSTS), virtualAddress }),
  });
}

describeOnHosts("RabbitMQ on servers that set themselves up, behind balancers of their own", 7, () => {
  const project = new TerraformProject(temporaryFolder(), STACK);
  let before: Inventory;
  beforeAll(async () => {
    before = await takeInventory();
    project.synthesise(selfMadeBrokers);
    project.writeSecrets(SECRETS);
    expectSuccess(await project.init());
    expectSuccess(await project.apply());
    const booted = Date.now();
    await Promise.all(PLACED.map(boot));
    report("boot: three hosts that boot at the same time have set themselves up after", (Date.now() - booted) / 1000);
  }, 5 * MINUTE);
  // Terraform knows nothing of the brokers, so what they were given is taken back by hand.
  afterAll(() => Promise.all(PLACED.map((placed) => placed.operate("uninstall"))), MINUTE);
  const deployment = new Deployment("edge", {}, balancers, async () => differences(before, await takeInventory()));
  const mqtt = new MqttClients(CLIENTS_URL);

  /** What cloud-init does with user data: the superuser runs it, with hardly any environment. */
  function boot({ name, host }: Placed): Promise<string> {
    const script = "/run/user-data";
    return host.run(
      `umask 077; echo ${project.outputs()[name]} | base64 -d | gunzip >${script}; cd /; ` +
        `env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh ${script}; status=$?; rm ${script}; exit $status`,
    );
  }

  test("every broker is a member as every other one sees it", async () => {
    expect(await membersSeenBy(PLACED)).toEqual(allSeenByAll(PLACED));
  });

  test(
    "a host that runs its script once more is none the worse for it",
    async () => {
      const [first] = PLACED;
      const started = await first.startedAs();
      await boot(first);
      expect(await first.startedAs()).toBe(started);
    },
    MINUTE,
  );

  test(
    "clients with a password reach each other through the balancers",
    async () => {
      expect(await mqtt.refusal({ ...SENSORS, password: "wrong" })).toMatch(/not authorized|bad user ?name/i);
      const backend = await mqtt.connect(BACKEND);
      const arrived = new Promise((resolve) => backend.on("message", (_, payload) => resolve(payload.toString())));
      await backend.subscribeAsync("sensors/sensors/#", { qos: 1 });
      await (await mqtt.connect(SENSORS)).publishAsync("sensors/sensors/t", "21", { qos: 1 });
      expect(await arrived).toBe("21");
    },
    MINUTE,
  );

  test("a second plan changes nothing", async () => {
    for (const one of [project, deployment.project]) {
      const plan = await one.plan();
      expect(plan.status === 0 ? "no changes" : plan.output).toBe("no changes");
    }
  });
});
