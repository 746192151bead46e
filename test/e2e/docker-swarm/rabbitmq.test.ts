import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { TerraformStack } from "cdktf";
import { MqttClients, outage } from "../../support/mqtt";
import { until } from "../../support/servers";
import { expectOnlyNamedUsers, expectToReachEverybody, queueMessage } from "../clients";
import { BACKEND } from "../cluster";
import { end, failure } from "../failures";
import { underLoad } from "../load";
import { Deployment, expectNothingToChange, ownAddressTowards, receiveWebhooks, report, statusesOf } from "../support";
import { containersOf, expectMembers, inspected, replacedSince, untilAllIsWell, untilInPool } from "./actions";
import {
  BALANCERS,
  balancers,
  brokersOn,
  CLUSTER,
  clientsUrl,
  cluster,
  FIVE,
  monitoring,
  onHost,
  plantedIn,
  remains,
  STACK,
  THREE,
  VARIABLES,
  type Variant,
  WEBHOOK_PORT,
} from "./bed";
import { describeOnSwarm, HOSTS, type Host, host, longStep, stepWithPower } from "./hosts";
import { endSoon, neverHealthy, withUnknownKey } from "./spoilt";

const MINUTE = 60_000;
/** Broker 3 on the host that has nothing else to do. */
const MOVED = { ...THREE, 3: 4 };

describeOnSwarm("RabbitMQ behind two HAProxy on a swarm", () => {
  const notifications = receiveWebhooks(WEBHOOK_PORT);
  const deployment = new Deployment(STACK, VARIABLES, cluster(), remains);
  const mqtt = new MqttClients(() => clientsUrl());
  const load = { url: clientsUrl(), watched: brokersOn(THREE), fewest: 2 };

  /** What is deployed. */
  let now: Variant = {};

  /** Applies what differs from the present variant. */
  async function change(different: Variant): Promise<number> {
    now = { ...now, ...different };
    return (await deployment.change(cluster(now))).seconds;
  }

  /** What an apply says that is refused. */
  async function refused(make: (stack: TerraformStack) => void): Promise<{ said: string; seconds: number }> {
    deployment.project.synthesise(make);
    const { status, output, seconds } = await deployment.project.apply();
    expect(status).toBe(1);
    return { said: output.replace(/\n[│ ]*/g, " "), seconds };
  }

  const placed = () => brokersOn(now.brokers ?? THREE);
  /** Of the broker whose host has no balancer. */
  const thirdHost = () => (now.brokers ?? THREE)[3];

  /** Of brokers that have left. */
  const leftOf45 = async () =>
    (await remains()).filter((left) => new RegExp(`broker-[45][.-]| on ${host(4).name}$`).test(left));

  const noChanges = () => expectNothingToChange(deployment.project);

  test("every broker is a member as every other one sees it, on a host of its own", async () => {
    await untilAllIsWell(brokersOn(THREE), 30_000);
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

  test(
    "clients of a killed broker are back within two seconds, its alert arrives, and the swarm starts it again",
    async () => {
      const [, , victim] = brokersOn(THREE);
      const container = (await victim.container()) as string;
      notifications.length = 0;
      // It would be back within seconds, and an alert that is over when Alertmanager's next turn comes is never sent.
      const availability = (wanted: string) =>
        host(1).docker("node", "update", "--availability", wanted, victim.host.name);
      let killed = 0;
      const fail = async () => {
        killed = Date.now();
        await victim.host.docker("kill", container);
        await availability("drain");
      };
      const alerts = () => statusesOf(notifications, "RabbitmqNodeDown", victim.name);
      try {
        await failure(mqtt, "broker killed", { fail }, 2);
        await until("the alert arrives", () => alerts().length > 0, 90_000);
        report("broker killed: alert received after", (Date.now() - killed) / 1000);
      } finally {
        await availability("active");
      }
      const allowed = Date.now();
      await untilAllIsWell(brokersOn(THREE));
      report("broker killed: member again after it may be", (Date.now() - allowed) / 1000);
      await until("the alert is resolved", () => alerts().includes("resolved"), 90_000);
      expect(alerts()).toEqual(["firing", "resolved"]);
    },
    6 * MINUTE,
  );

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

  test(
    "a broken setting stops at the first broker, which goes back, and so can the definition",
    async () => {
      const before = await containersOf(...brokersOn(THREE));
      await underLoad("broken setting", load, async () => {
        const { said, seconds } = await refused((stack) => {
          cluster(now)(stack);
          withUnknownKey(stack, "broker-rabbitmq.conf");
        });
        report("broken setting: apply fails after", seconds);
        expect(said).toMatch(/rollback completed.*broker-1/);
        await untilAllIsWell(brokersOn(THREE));
      });
      expect(await replacedSince(before, ...brokersOn(THREE))).toEqual(["broker-1"]);
      await expectMembers(brokersOn(THREE));
      // What was before is there still, under its name: see SwarmFiles.
      report("broken setting: apply of the one before", await change({}));
      await noChanges();
    },
    8 * MINUTE,
  );

  longStep(
    "a setting with which a broker ends soon after it has become a member stops at the first one, too",
    async () => {
      const before = await containersOf(...brokersOn(THREE));
      await underLoad("short-lived broker", load, async () => {
        const { said, seconds } = await refused((stack) => {
          cluster({ ...now, maxInflight: 22 })(stack);
          for (const { name } of brokersOn(THREE)) {
            endSoon(stack, name);
          }
        });
        report("short-lived broker: apply fails after", seconds);
        expect(said).toContain(`${CLUSTER}-broker-1 started and ended soon after, so the swarm took it back`);
        await untilAllIsWell(brokersOn(THREE));
      });
      expect(await replacedSince(before, ...brokersOn(THREE))).toEqual(["broker-1"]);
      await change({});
      await noChanges();
    },
    8 * MINUTE,
  );

  test(
    "a move that would take data for nothing is refused, and nothing is changed",
    async () => {
      const everybody = [...brokersOn(THREE), ...balancers(), ...monitoring()];
      const before = await containersOf(...everybody);
      const two = await refused(cluster({ ...now, brokers: { 1: 1, 2: 4, 3: 5 } }));
      expect(two.said).toContain(
        "target.brokers: broker-2 broker-3 are to move, which leaves no majority of 3 with its data: one at a time",
      );
      const id = await host(1).docker("node", "inspect", "-f", "{{.ID}}", host(3).name);
      const byId = (one: Host) => (one === host(3) ? { ...onHost(one), constraint: `node.id==${id}` } : onHost(one));
      const same = await refused(cluster({ ...now, named: byId }));
      expect(same.said).toContain(
        `target.brokers.broker-3.constraint: node.id==${id} is the same host as node.hostname==${host(3).name}`,
      );
      expect(await replacedSince(before, ...everybody)).toEqual([]);
      await change({});
      await noChanges();
    },
    4 * MINUTE,
  );

  longStep(
    "a growth that fails half-way and is taken back leaves nobody behind",
    async () => {
      const before = await containersOf(...brokersOn(THREE));
      const { said } = await refused((stack) => {
        cluster({ ...now, brokers: FIVE })(stack);
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

  /** Lets a host fail under 30 clients, and expects everything to be well when it is back. */
  async function hostFails(
    what: string,
    which: () => number,
    [harm, mend]: ["off", "on"] | ["cut", "plug"],
    within: number,
  ) {
    const one = which();
    let mended = 0;
    const restore = async () => {
      mended = Date.now();
      await host(one).act(mend);
    };
    await failure(mqtt, what, { fail: () => host(one).act(harm), mend: restore }, within);
    await untilAllIsWell(placed());
    report(`${what}: all is well again after the host is back`, (Date.now() - mended) / 1000);
  }

  stepWithPower(
    "clients of a broker whose host loses its power are back",
    () => hostFails("host off", thirdHost, ["off", "on"], 10),
    8 * MINUTE,
  );

  longStep(
    "clients of a broker whose host is cut off are back",
    () => hostFails("host cut off", thirdHost, ["cut", "plug"], 20),
    8 * MINUTE,
  );

  longStep(
    "clients that know both balancers are back when the host of theirs loses its power",
    async () => {
      const servers = [1, 0].map((balancer) => new URL(clientsUrl(balancer)));
      const both = {
        servers: servers.map(({ hostname }) => ({ host: hostname, port: 1883, protocol: "mqtt" as const })),
      };
      const clients = await Promise.all(
        Array.from({ length: 30 }, () => mqtt.connect({ ...BACKEND, ...both, keepalive: 5, connectTimeout: 1_000 })),
      );
      const lost = host(BALANCERS[1]);
      const { lost: number, seconds } = await outage(clients, () => lost.act("off"));
      report(`balancer's host off: last of ${number} lost clients back after`, seconds);
      await end(clients);
      const mended = Date.now();
      await lost.act("on");
      await untilAllIsWell(placed());
      report("balancer's host off: all is well again after the host is back", (Date.now() - mended) / 1000);
      expect(seconds).toBeLessThan(30);
      await noChanges();
    },
    8 * MINUTE,
  );

  longStep(
    "everything comes back by itself when all hosts lose their power at once, with what was queued",
    async () => {
      const queue = await queueMessage(mqtt, "blackout");
      // RabbitMQ 3.10 has a new queue's log on disc at once, and its name only later: the log of no known queue is thrown away.
      await wait(10_000);
      await Promise.all(HOSTS.map((one) => one.act("off")));
      const mended = Date.now();
      await Promise.all(HOSTS.map((one) => one.act("on")));
      await untilAllIsWell(placed(), 8 * MINUTE);
      report("all hosts off: all is well again after they are back", (Date.now() - mended) / 1000);
      expect(await queue.delivered()).toEqual(["kept"]);
      await noChanges();
    },
    12 * MINUTE,
  );

  longStep(
    "another node cookie comes into force while all brokers are stopped, and they keep their data",
    async () => {
      const queue = await queueMessage(mqtt, "cookie");
      const services = placed().map(({ service }) => `${service}=0`);
      await host(1).docker("service", "scale", "--detach", ...services);
      const containers = async () => Object.values(await containersOf(...placed()));
      await until(
        "all brokers have stopped",
        async () => (await containers()).every((id) => id === "none"),
        5 * MINUTE,
      );
      deployment.project.writeSecrets({ ...VARIABLES, swarm_mqtt_node_cookie: "AnotherCookie012345678" });
      report("another node cookie: the apply", await change({}));
      await untilAllIsWell(placed());
      expect(await queue.delivered()).toEqual(["kept"]);
      await noChanges();
    },
    10 * MINUTE,
  );

  longStep(
    "a host that is lost for good is given up, and another one takes its place",
    async () => {
      const before = placed();
      const was = now.brokers ?? THREE;
      const lost = host(thirdHost());
      await lost.act("off");
      await until("the swarm has missed it", async () => (await stateOf(lost)) === "down", MINUTE);
      const watched = brokersOn({ 1: 1, 2: 2 });
      // Until then nobody can subscribe.
      await until("brokers have missed theirs", async () => (await watched[0].members()).running.length === 2, MINUTE);
      const seconds = await underLoad("lost host", { ...load, watched }, () => change({ brokers: { ...THREE, 3: 5 } }));
      report("lost host: the apply with another one in its place", seconds);
      const present = brokersOn({ ...THREE, 3: 5 });
      await expectMembers(present);
      await lost.act("on");
      await until("it is back", async () => (await stateOf(lost)) === "ready", MINUTE);
      const left = async () => (await remains()).filter((one) => one.endsWith(` on ${lost.name}`));
      const volume = `${CLUSTER}-broker-3-data`;
      await until(
        "its container is gone",
        async () => (await left()).join() === `volume ${volume} on ${lost.name}`,
        MINUTE,
      );

      // Whoever gives the host a broker again is told of what it still has.
      now = { ...now, brokers: was };
      const { said } = await refused(cluster(now));
      expect(said).toContain(`docker volume rm ${volume}`);
      await lost.docker("volume", "rm", volume);
      report("lost host: the apply that brings its broker back", await change({}));
      await expectMembers(before);
      await noChanges();
    },
    12 * MINUTE,
  );
});

/** As the swarm sees it; unknown while it has no leader. */
function stateOf({ name }: Host): Promise<string> {
  return host(1)
    .docker("node", "inspect", "-f", "{{.Status.State}}", name)
    .catch(() => "unknown");
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => !path.includes("/.terraform") && statSync(path).isFile());
}
