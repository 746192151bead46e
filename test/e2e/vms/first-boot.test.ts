import { Fn, TerraformOutput, type TerraformStack } from "cdktf";
import { Balancer, Broker, MqttBalancer, Target } from "../../../src";
import { MqttClients } from "../../support/mqtt";
import { until } from "../../support/servers";
import { BACKEND, deployOn, SENSORS, USER_SECRETS } from "../cluster";
import { Deployment, report } from "../support";
import { allSeenByAll, BALANCER_HOSTS, BROKER_HOSTS, CLIENTS_URL, membersSeenBy, Placed, virtualAddress } from "./bed";
import { BED, describeOnHosts, type Host } from "./hosts";
import { differences, type Inventory, takeInventory } from "./inventory";

const MINUTE = 60_000;
const STACK = "boot";
const PLACED = [1, 2, 3].map((number) => new Placed(`broker-${number}`, BROKER_HOSTS[number - 1], `${STACK}-mqtt`));
const SECRETS = { ...USER_SECRETS, boot_mqtt_node_cookie: "PlantedCookie0123456789" };

/** Brokers that nobody reaches over SSH, and balancers for "somebody's" brokers. */
function selfMadeBrokers(stack: TerraformStack): void {
  const ssh = { user: BED.user, privateKeyFile: BED.key };
  const named = (role: string, hosts: readonly Host[]) =>
    Object.fromEntries(hosts.map(({ address, hostKey }, index) => [`${role}-${index + 1}`, { address, hostKey }]));
  const target = Target.vms({
    ssh,
    brokers: named(
      "broker",
      PLACED.map(({ host }) => host),
    ),
    provisionedBy: "userData",
  });
  const cluster = deployOn(target, stack, {
    broker: Broker.rabbitmq({ version: "3.10", nodes: PLACED.length }),
    balancer: Balancer.none(),
  });
  for (const { name } of PLACED) {
    new TerraformOutput(stack, name, { value: Fn.base64gzip(cluster.userData(name)), sensitive: true });
  }
  new MqttBalancer(stack, "edge", {
    brokers: { hosts: PLACED.map(({ address }) => address) },
    balancer: Balancer.haproxy({ replicas: BALANCER_HOSTS.length }),
    clients: { maxConnections: 1_000, maxKeepalive: "1m" },
    target: Target.vms({ ssh, balancers: named("balancer", BALANCER_HOSTS), virtualAddress }),
  });
}

describeOnHosts("RabbitMQ on servers that set themselves up, behind balancers of their own", 7, () => {
  let before: Inventory;
  beforeAll(async () => {
    before = await takeInventory();
  }, MINUTE);
  // Terraform knows nothing of the brokers, so what they were given is taken back by hand.
  afterAll(async () => {
    await Promise.all(PLACED.map((placed) => placed.operate("uninstall")));
  }, MINUTE);
  const deployment = new Deployment(STACK, SECRETS, selfMadeBrokers, async () =>
    differences(before, await takeInventory()),
  );
  const mqtt = new MqttClients(CLIENTS_URL);

  test(
    "three hosts that boot at the same time become a cluster",
    async () => {
      const booted = Date.now();
      await Promise.all(PLACED.map(({ name, host }) => boot(host, deployment.project.outputs()[name] as string)));
      const all = allSeenByAll(PLACED);
      await until(
        "all are members",
        async () => JSON.stringify(await membersSeenBy(PLACED)) === JSON.stringify(all),
        MINUTE,
      );
      report("boot: three hosts that set themselves up are a cluster after", (Date.now() - booted) / 1000);
    },
    5 * MINUTE,
  );

  test(
    "a host that runs its script once more is none the worse for it",
    async () => {
      const [first] = PLACED;
      const started = await first.startedAs();
      await boot(first.host, deployment.project.outputs()[first.name] as string);
      expect(await first.startedAs()).toBe(started);
    },
    MINUTE,
  );

  test(
    "the balancers find them, and let nobody in who has no password",
    async () => {
      await until("a client is let in", async () => (await mqtt.refusal(SENSORS)) === "accepted", 30_000);
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
    const plan = await deployment.project.plan();
    expect(plan.status === 0 ? "no changes" : plan.output).toBe("no changes");
  });
});

/** What cloud-init does with user data: the superuser runs it, with hardly any environment. */
function boot(host: Host, userData: string): Promise<string> {
  const script = "/run/user-data";
  return host.run(
    `umask 077; echo ${userData} | base64 -d | gunzip >${script}; cd /; ` +
      `env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh ${script}; status=$?; rm ${script}; exit $status`,
  );
}
