import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TerraformStack } from "cdktf";
import { expectOnlyNamedUsers, expectToReachEverybody } from "../clients";
import { BACKEND } from "../cluster";
import { failure } from "../failures";
import { underLoad } from "../load";
import {
  AT_ONCE_SECONDS,
  longStep,
  NodeDownAlert,
  ownAddressTowards,
  receiveWebhooks,
  report,
  TAKES_ITS_TIME,
} from "../support";
import { containersOf, expectMembers, inspected, replacedSince, untilAllIsWell, untilInPool } from "./actions";
import {
  balancers,
  brokersOn,
  CLUSTER,
  cluster,
  FIVE,
  monitoring,
  onHost,
  plantedIn,
  remains,
  THREE,
  type Variant,
  WEBHOOK_PORT,
} from "./bed";
import { ClusterUnderTest, MINUTE } from "./cluster-under-test";
import { describeOnSwarm, type Host, host } from "./hosts";
import { hostsThatFail } from "./hosts-that-fail";
import { endSoon, neverHealthy, withUnknownKey } from "./spoilt";

/** Broker 3 on the host that has nothing else to do. */
const MOVED = { ...THREE, 3: 4 };

describeOnSwarm("RabbitMQ behind two HAProxy on a swarm", () => {
  const notifications = receiveWebhooks(WEBHOOK_PORT);
  const tested = new ClusterUnderTest();
  const { deployment, mqtt, load } = tested;
  const change = (different: Variant) => tested.change(different);
  const noChanges = () => tested.noChanges();

  /** Of brokers that have left. */
  const leftOf45 = async () =>
    (await remains()).filter((left) => new RegExp(`broker-[45][.-]| on ${host(4).name}$`).test(left));

  /** Applies what no broker can run with; what is said of it. */
  async function stopsAtTheFirstBroker(what: string, make: (stack: TerraformStack) => void): Promise<string> {
    const before = await containersOf(...brokersOn(THREE));
    const { said, seconds } = await underLoad(what, load, async () => {
      const refusal = await tested.refused(make);
      await untilAllIsWell(brokersOn(THREE));
      return refusal;
    });
    report(`${what}: apply fails after`, seconds);
    expect(await replacedSince(before, ...brokersOn(THREE))).toEqual(["broker-1"]);
    return said;
  }

  test("every broker is a member as every other one sees it, on a host of its own", async () => {
    await untilAllIsWell(brokersOn(THREE), MINUTE);
    await expectMembers(brokersOn(THREE));
  });

  test("a second plan changes nothing", noChanges);

  test(
    "no secret is synthesised, nor shown by what docker inspects, processes or logs",
    async () => {
      const files = filesUnder(deployment.project.stackFolder).map((file) => readFileSync(file, "utf8"));
      expect(files.length).toBeGreaterThan(0);
      expect(plantedIn(files.join("\n"))).toEqual([]);
      const everybody = [...brokersOn(THREE), ...balancers(), ...monitoring()];
      expect(plantedIn(await inspected(everybody))).toEqual([]);
      // Or the search would find nothing anywhere.
      const [first] = brokersOn(THREE);
      expect(plantedIn(await first.run("cat", "/etc/rabbitmq/definitions.json")).length).toBeGreaterThan(1);
      expect(await first.run("stat", "-c", "%a", "/etc/rabbitmq/definitions.json")).toBe("400");
    },
    MINUTE,
  );

  test("wrong passwords, anonymous clients and other topics are refused", () => expectOnlyNamedUsers(mqtt));

  test("brokers see clients' own addresses", async () => {
    const client = await mqtt.connect(BACKEND);
    const list = 'PATH="/usr/lib/rabbitmq/bin:$PATH" rabbitmqctl -q list_mqtt_connections user peer_host';
    const connections = await brokersOn(THREE)[0].run("sh", "-c", list);
    expect(connections.split("\n")).toContain(`backend\t${ownAddressTowards(host(1).address)}`);
    await client.endAsync();
  });

  test("a message reaches subscribers on every node", () => expectToReachEverybody(mqtt));

  const [, , victim] = brokersOn(THREE);
  const alert = new NodeDownAlert(notifications, victim.name);

  test(
    "clients of a killed broker are back at once, its alert arrives, and the swarm starts it again",
    async () => {
      const container = (await victim.container()) as string;
      await alert.forgetEarlier();
      // It would be back within seconds, and an alert that is over when Alertmanager's next turn comes is never sent.
      const availability = (wanted: string) => host(1).updateNode(victim.host, "--availability", wanted);
      let killed = 0;
      const fail = async () => {
        killed = Date.now();
        await victim.host.docker("kill", container);
        await availability("drain");
      };
      try {
        await failure(mqtt, "broker killed", { fail }, AT_ONCE_SECONDS);
        await alert.arrives();
        report("broker killed: alert received after", (Date.now() - killed) / 1000);
      } finally {
        await availability("active");
      }
      const allowed = Date.now();
      await untilAllIsWell(brokersOn(THREE));
      report("broker killed: member again after it may be", (Date.now() - allowed) / 1000);
    },
    6 * MINUTE,
  );

  test(
    "a move that would take data for nothing is refused, and nothing is changed",
    async () => {
      const everybody = [...brokersOn(THREE), ...balancers(), ...monitoring()];
      const before = await containersOf(...everybody);
      const two = await tested.refused(cluster({ ...tested.variant, brokers: { 1: 1, 2: 4, 3: 5 } }));
      expect(two.said).toContain(
        "target.brokers: broker-2 broker-3 are to move, which leaves no majority of 3 with its data: one at a time",
      );
      const id = await host(1).docker("node", "inspect", "-f", "{{.ID}}", host(3).name);
      const byId = (one: Host) => (one === host(3) ? { ...onHost(one), constraint: `node.id==${id}` } : onHost(one));
      const same = await tested.refused(cluster({ ...tested.variant, named: byId }));
      expect(same.said).toContain(
        `target.brokers.broker-3.constraint: node.id==${id} is the same host as node.hostname==${host(3).name}`,
      );
      expect(await replacedSince(before, ...everybody)).toEqual([]);
      await change({});
      await noChanges();
    },
    4 * MINUTE,
  );

  test("the alert of the killed broker came, and so does its end", () => alert.isResolved(), 3 * MINUTE);

  test(
    "a changed setting is rolled out broker by broker, and nothing is lost",
    async () => {
      const everybody = [...brokersOn(THREE), ...balancers(), ...monitoring()];
      const before = await containersOf(...everybody);
      report("changed setting: apply", await underLoad("changed setting", load, () => change({ maxInflight: 21 })));
      expect(await replacedSince(before, ...everybody)).toEqual(["broker-1", "broker-2", "broker-3"]);
      await expectMembers(brokersOn(THREE));
      await noChanges();
    },
    6 * MINUTE,
  );

  longStep(
    undefined,
    "a setting with which a broker ends soon after it has become a member stops at the first one, too",
    async () => {
      const said = await stopsAtTheFirstBroker("short-lived broker", (stack) => {
        cluster({ ...tested.variant, maxInflight: 22 })(stack);
        for (const { name } of brokersOn(THREE)) {
          endSoon(stack, name);
        }
      });
      expect(said).toContain(`${CLUSTER}-broker-1 started and ended soon after, so the swarm took it back`);
      await change({});
      await noChanges();
    },
    8 * MINUTE,
  );

  longStep(
    undefined,
    "a growth that fails half-way and is taken back leaves nobody behind",
    async () => {
      const before = await containersOf(...brokersOn(THREE));
      const { said } = await tested.refused((stack) => {
        cluster({ ...tested.variant, brokers: FIVE })(stack);
        neverHealthy(stack, "broker-5");
      });
      expect(said).toContain("did not converge");
      const known = await brokersOn(THREE)[0].members();
      expect(known.running).toContain("broker-4");
      report("growth that failed taken back: apply", await change({ brokers: THREE }));
      expect(await replacedSince(before, ...brokersOn(THREE))).toEqual([]);
      await expectMembers(brokersOn(THREE));
      expect(await leftOf45()).toEqual([]);
      await noChanges();
    },
    8 * MINUTE,
  );

  test(
    "two more brokers join without a restart of the others",
    async () => {
      const before = await containersOf(...brokersOn(THREE));
      const seconds = await underLoad("3 → 5 brokers", { ...load, fewest: 3 }, () => change({ brokers: FIVE }));
      report("3 → 5 brokers: apply", seconds);
      expect(await replacedSince(before, ...brokersOn(THREE))).toEqual([]);
      await untilInPool(brokersOn(FIVE));
      await expectMembers(brokersOn(FIVE));
      await noChanges();
    },
    8 * MINUTE,
  );

  test(
    "two brokers leave, keep nothing and are known to nobody",
    async () => {
      const before = await containersOf(...brokersOn(THREE));
      const watched = brokersOn(FIVE);
      const seconds = await underLoad("5 → 3 brokers", { ...load, watched, fewest: 3 }, () =>
        change({ brokers: THREE }),
      );
      report("5 → 3 brokers: apply", seconds);
      expect(await replacedSince(before, ...brokersOn(THREE))).toEqual([]);
      await untilInPool(brokersOn(THREE));
      await expectMembers(brokersOn(THREE));
      expect(await leftOf45()).toEqual([]);
      await noChanges();
    },
    8 * MINUTE,
  );

  longStep(
    undefined,
    "a broker moves to another host and begins anew there",
    async () => {
      const stay = brokersOn({ 1: 1, 2: 2 });
      const before = await containersOf(...stay);
      const anew = brokersOn({ 3: 4 }).map(({ address, mqttPort, metricsPort }) => ({
        name: "moved",
        address,
        mqttPort,
        metricsPort,
      }));
      const watched = [...brokersOn(THREE), ...anew];
      const seconds = await underLoad("broker moves", { ...load, watched }, () => change({ brokers: MOVED }));
      report("broker moves to another host: apply", seconds);
      expect(await replacedSince(before, ...stay)).toEqual([]);
      await untilInPool(brokersOn(MOVED));
      await expectMembers(brokersOn(MOVED));
      expect((await remains()).filter((left) => new RegExp(`broker-3.* on ${host(3).name}`).test(left))).toEqual([]);
      await noChanges();
    },
    8 * MINUTE,
  );

  hostsThatFail(tested);

  // The last one: without its second part, what is destroyed is half of one definition and half of another.
  test(
    "a broken setting stops at the first broker, which goes back, and so can the definition",
    async () => {
      const said = await stopsAtTheFirstBroker("broken setting", (stack) => {
        cluster(tested.variant)(stack);
        withUnknownKey(stack, "broker-rabbitmq.conf");
      });
      expect(said).toMatch(/rollback completed.*broker-1/);
      await expectMembers(brokersOn(THREE));
      if (TAKES_ITS_TIME) {
        // What was before is there still, under its name: see SwarmFiles.
        report("broken setting: apply of the one before", await change({}));
        await noChanges();
      }
    },
    8 * MINUTE,
  );
});

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => !path.includes("/.terraform") && statSync(path).isFile());
}
