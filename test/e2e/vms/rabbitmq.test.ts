import { MqttClients } from "../../support/mqtt";
import { until } from "../../support/servers";
import { BACKEND, SENSORS } from "../cluster";
import { type Failure, failure, keepConnected } from "../failures";
import { underLoad } from "../load";
import { askRedis } from "../questions";
import {
  AT_ONCE_SECONDS,
  Deployment,
  expectNothingToChange,
  expectSuccess,
  longStep,
  NodeDownAlert,
  receiveWebhooks,
  report,
} from "../support";
import { backAgain, expectInPool, holder, holders, restartedSince, spoil, startOf } from "./actions";
import {
  allSeenByAll,
  balancers,
  broker,
  brokers,
  bystanders,
  CLIENTS_URL,
  cluster,
  HOSTS_NEEDED,
  membersSeenBy,
  type Placed,
  plantBackendPassword,
  removeBackendPassword,
  STACK,
  sessionStore,
  VARIABLES,
  type Variant,
  WEBHOOK_PORT,
} from "./bed";
import { describeOnHosts, lacks, stepWith } from "./hosts";
import { differences, type Inventory, takeInventory } from "./inventory";
import { plantedIn, textsOn } from "./secrets";

const MINUTE = 60_000;

describeOnHosts("RabbitMQ behind two HAProxy on servers over SSH", HOSTS_NEEDED, () => {
  let before: Inventory;
  beforeAll(async () => {
    await plantBackendPassword();
    before = await takeInventory();
  }, MINUTE);
  const notifications = receiveWebhooks(WEBHOOK_PORT);
  const deployment = new Deployment(STACK, VARIABLES, cluster(), async () =>
    differences(before, await takeInventory()),
  );
  afterAll(removeBackendPassword);
  const mqtt = new MqttClients(CLIENTS_URL);
  /** What is deployed. */
  let now: Variant = {};

  /** Applies what differs from the present variant. */
  async function change(different: Variant): Promise<number> {
    now = { ...now, ...different };
    return (await deployment.change(cluster(now))).seconds;
  }

  async function expectMembers(...placed: Placed[]): Promise<void> {
    expect(await membersSeenBy(placed)).toEqual(allSeenByAll(placed));
  }

  const noChanges = () => expectNothingToChange(deployment.project);

  const alert = new NodeDownAlert(notifications, broker(3).name);

  test("every broker is a member as every other one sees it, and the rest is healthy", async () => {
    await expectMembers(...brokers(1, 2, 3));
    for (const placed of bystanders()) {
      expect([placed.name, await placed.isHealthy()]).toEqual([placed.name, true]);
    }
  });

  test("clients are let in with the right password only", async () => {
    expect(await mqtt.refusal(SENSORS)).toBe("accepted");
    expect(await mqtt.refusal({ ...SENSORS, password: "wrong" })).toMatch(/not authorized|bad user ?name/i);
    expect(await mqtt.refusal({})).toMatch(/not authorized|bad user ?name/i);
  });

  test("a second plan changes nothing", noChanges);

  test(
    "secrets are in no plan, no state, no process and no log, and in private files only",
    async () => {
      const { variables: _given, ...plan } = await deployment.project.planJson();
      expect(plantedIn(JSON.stringify(plan))).toEqual([]);
      expect(plantedIn(deployment.project.state())).toEqual([]);
      for (const placed of [...brokers(1, 2, 3), ...bystanders()]) {
        const { visible, files } = await textsOn(placed.host);
        expect([placed.name, plantedIn(visible)]).toEqual([placed.name, []]);
        expect(files.filter(({ mode, text }) => !/^[46]00$/.test(mode) && plantedIn(text).length > 0)).toEqual([]);
      }
      const { files } = await textsOn(broker(1).host);
      // Or the search would find nothing anywhere.
      expect(files.filter(({ text }) => plantedIn(text).length > 0).length).toBeGreaterThan(1);
    },
    MINUTE,
  );

  test("a secret that only the hosts hold is in the broker's file, which is the broker's alone", async () => {
    for (const { host } of brokers(1, 2, 3)) {
      const file = (await host.run("ls /etc/mqtt-cluster/*/broker/definitions.json")).trim();
      expect(await host.run(`stat -c '%a %U' ${file}`)).toBe("400 rabbitmq");
      expect((await host.run(`cat ${file}`)).includes(BACKEND.password)).toBe(true);
    }
  });

  test("the session store lets in whoever has a password, and nobody else", async () => {
    const ask = (...commands: string[]) => askRedis(sessionStore().address, commands);
    expect(await ask("PING")).toMatch(/NOAUTH/);
    const password = VARIABLES.vms_sessions_redis_monitor_password;
    expect(await ask(`AUTH monitor ${password}x`)).toMatch(/WRONGPASS/);
    expect(await ask(`AUTH monitor ${password}`, "PING")).toMatch(/\+PONG/);
  });

  test(
    "clients of a killed broker are back, and its alert comes",
    async () => {
      await alert.forgetEarlier();
      const killed = Date.now();
      await failure(mqtt, "broker killed", { fail: () => broker(3).signal("SIGKILL") }, AT_ONCE_SECONDS);
      // It would be back within seconds, and an alert that is over when Alertmanager's next turn comes is never sent.
      await broker(3).host.run(`systemctl stop ${broker(3).unit}`);
      await alert.arrives();
      report("broker killed: alert received after", (Date.now() - killed) / 1000);
      await broker(3).host.run(`systemctl start ${broker(3).unit}`);
      await backAgain(...brokers(1, 2, 3));
    },
    5 * MINUTE,
  );

  test(
    "clients of a hung broker are back while it hangs",
    async () => {
      const [fail, mend] = (["SIGSTOP", "SIGCONT"] as const).map((signal) => () => broker(2).signal(signal));
      await failure(mqtt, "broker hung", { fail, mend }, 40);
      await backAgain(...brokers(1, 2, 3));
    },
    5 * MINUTE,
  );

  stepWith(
    ["power"],
    "clients of a broker that is cut off are back while it is away",
    async () => {
      await failure(mqtt, "broker cut off", cutOff(broker(1)), 40);
      await backAgain(...brokers(1, 2, 3));
    },
    5 * MINUTE,
  );

  stepWith(
    ["virtualAddress"],
    "clients of a killed balancer are back on the same address",
    async () => {
      const active = await holder();
      await failure(mqtt, "balancer killed", { fail: () => active.signal("SIGKILL") }, 15);
      await until("the balancer is healthy again", () => active.isHealthy(), MINUTE);
    },
    2 * MINUTE,
  );

  stepWith(
    ["power", "virtualAddress"],
    "clients of a balancer that is cut off are back on the same address",
    async () => {
      const active = await holder();
      await failure(mqtt, "balancer cut off", cutOff(active), 30);
      await active.host.answers();
      await until("one host alone has the address", async () => (await holders()).length === 1, MINUTE);
    },
    4 * MINUTE,
  );

  test("the alert of the killed broker came, and so does its end", () => alert.isResolved(), 3 * MINUTE);

  test(
    "a changed setting is rolled out broker by broker, and nothing is lost",
    async () => {
      const started = await startOf(...brokers(1, 2, 3), ...balancers());
      const seconds = await underLoad(
        "changed setting",
        { url: CLIENTS_URL, watched: brokers(1, 2, 3), fewest: 2 },
        () => change({ maxInflight: 21 }),
      );
      report("changed setting: apply", seconds);
      expect(await restartedSince(started)).toEqual(["broker-1", "broker-2", "broker-3"]);
      await noChanges();
    },
    5 * MINUTE,
  );

  test(
    "a changed balancer is reloaded without a client noticing",
    async () => {
      const started = await startOf(...brokers(1, 2, 3), ...balancers());
      const clients = await keepConnected(mqtt);
      report("changed balancer: apply", await change({ drainTimeout: "20m" }));
      expect(await clients.lost()).toBe(0);
      expect(await restartedSince(started)).toEqual([]);
      for (const { host } of balancers()) {
        expect(await host.run("cat /etc/mqtt-cluster/*/balancer/haproxy.cfg")).toContain("hard-stop-after 1200s");
      }
    },
    2 * MINUTE,
  );

  test(
    "a file that its program refuses reaches neither the program nor its folder",
    async () => {
      const [first] = balancers();
      const look = async () => [
        await first.host.run(
          `cat /etc/mqtt-cluster/*/balancer/haproxy.cfg | cksum; systemctl show ${first.unit} -p MainPID`,
        ),
        await startOf(...balancers()),
      ];
      const present = await look();
      deployment.project.synthesise((stack) => {
        cluster(now)(stack);
        spoil(stack, "balancer-1-configuration", "frontend mqtt", "frontend mqtt mqtt");
      });
      const refused = await deployment.project.apply();
      expect(refused.status).toBe(1);
      expect(refused.output).toMatch(/balancer-1 .*check of the files: refused/);
      expect(await look()).toEqual(present);
      report("refused file: apply fails after", refused.seconds);
      await change({});
      expect(await restartedSince(present[1] as Record<string, string>)).toEqual([]);
    },
    2 * MINUTE,
  );

  test(
    "two more brokers join without a restart of the others",
    async () => {
      const started = await startOf(...brokers(1, 2, 3), ...balancers());
      const seconds = await underLoad("3 → 5 brokers", { url: CLIENTS_URL, watched: brokers(1, 2, 3), fewest: 3 }, () =>
        change({ brokers: [1, 2, 3, 4, 5] }),
      );
      report("3 → 5 brokers: apply", seconds);
      expect(await restartedSince(started)).toEqual([]);
      await expectMembers(...brokers(1, 2, 3, 4, 5));
      await expectInPool(...brokers(1, 2, 3, 4, 5));
      await noChanges();
    },
    6 * MINUTE,
  );

  test(
    "two brokers leave, keep nothing and are known to nobody",
    async () => {
      const started = await startOf(...brokers(1, 3, 5), ...balancers());
      const seconds = await underLoad(
        "5 → 3 brokers",
        { url: CLIENTS_URL, watched: brokers(1, 2, 3, 4, 5), fewest: 3 },
        () => change({ brokers: [1, 3, 5] }),
      );
      report("5 → 3 brokers: apply", seconds);
      expect(await restartedSince(started)).toEqual([]);
      await expectMembers(...brokers(1, 3, 5));
      await expectInPool(...brokers(1, 3, 5));
      const left = [broker(2).host, broker(4).host];
      expect(differences(before, await takeInventory(left))).toEqual([]);
      await noChanges();
    },
    6 * MINUTE,
  );

  longStep(
    undefined,
    "a roll that is interrupted, comes to a broker that does not start, and is killed goes on from where it was",
    async () => {
      const started = await startOf(...brokers(1, 3, 5));
      const blocker = `/run/systemd/system/${broker(3).unit}.d`;
      await broker(3).host.run(
        `mkdir -p ${blocker}; printf '[Service]\\nExecStartPre=/bin/false\\n' >${blocker}/broken.conf; systemctl daemon-reload`,
      );
      const { project } = deployment;
      await underLoad("roll with mishaps", { url: CLIENTS_URL, watched: brokers(1, 3, 5), fewest: 2 }, async () => {
        now = { ...now, maxInflight: 22 };
        project.synthesise(cluster(now));
        const interrupted = await project.interruptedApply(/broker-1_\w+: Creating/, "SIGINT");
        expect([interrupted.status, interrupted.output]).toEqual([1, expect.stringMatching(/interrupt/i)]);
        const stopped = await project.apply();
        report("roll with mishaps: apply that a broker stops", stopped.seconds);
        expect([stopped.status, stopped.output]).toEqual([1, expect.stringMatching(/broker-3 \([^)]*\): start: /)]);
        expect(await restartedSince(started)).toEqual(["broker-1", "broker-3"]);
        await broker(3).host.run(`rm -r ${blocker}; systemctl daemon-reload`);
        expect((await project.interruptedApply(/broker-5_\w+: Creating/, "SIGKILL")).status).toBeNull();
        report("roll with mishaps: last apply", await change({}));
      });
      expect(await restartedSince(started)).toEqual(["broker-1", "broker-3", "broker-5"]);
      await expectMembers(...brokers(1, 3, 5));
      await noChanges();
    },
    6 * MINUTE,
  );

  stepWith(
    ["power"],
    "everything comes back by itself when hosts reboot",
    async () => {
      const rebooted = [broker(1), sessionStore()];
      const power = (action: "off" | "on") => Promise.all(rebooted.map(({ host }) => host.power(action)));
      await power("off");
      const booted = Date.now();
      await power("on");
      await backAgain(...brokers(1, 3, 5));
      for (const placed of bystanders()) {
        await until(`${placed.name} is healthy`, () => placed.isHealthy(), 60_000);
      }
      report("reboot of a broker and of the monitoring: all back after", (Date.now() - booted) / 1000);
      await noChanges();
    },
    5 * MINUTE,
  );

  longStep(
    lacks("power"),
    "a host that is lost for good is given up, and another one takes its place",
    async () => {
      await broker(5).host.power("cut");
      // As docs/vms.md says: Terraform forgets it, the others strike it off.
      expectSuccess(await deployment.project.forget(/broker-5(?!\d)/));
      await broker(1).operate(`forget broker-5 ${broker(5).address}`);
      report("lost host: the apply with another one in its place", await change({ brokers: [1, 2, 3] }));
      await expectMembers(...brokers(1, 2, 3));
      await broker(5).host.power("on");
      await broker(5).host.answers();
      await broker(5).operate("uninstall");
      expect(differences(before, await takeInventory([broker(5).host]))).toEqual([]);
      await noChanges();
    },
    6 * MINUTE,
  );
});

function cutOff({ host }: Placed): Failure {
  return { fail: () => host.power("unplug"), mend: () => host.power("plug") };
}
