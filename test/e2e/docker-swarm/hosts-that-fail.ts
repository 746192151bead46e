/** What becomes of the cluster when hosts fail, with 30 clients. */
import { setTimeout as wait } from "node:timers/promises";
import { outage } from "../../support/mqtt";
import { until } from "../../support/servers";
import { queueMessage } from "../clients";
import { BACKEND } from "../cluster";
import { end, failure } from "../failures";
import { underLoad } from "../load";
import { longStep, report, SILENT_SECONDS, stepUnless } from "../support";
import { containersOf, expectMembers, untilAllIsWell } from "./actions";
import { BALANCERS, brokersOn, CLUSTER, clientsUrl, cluster, remains, THREE, VARIABLES } from "./bed";
import { type ClusterUnderTest, MINUTE } from "./cluster-under-test";
import { HOSTS, type Host, host, LACKS_POWER } from "./hosts";

/** Steps of a suite. */
export function hostsThatFail(tested: ClusterUnderTest): void {
  const { deployment, mqtt, load } = tested;
  /** Of the broker whose host has no balancer. */
  const thirdHost = () => (tested.variant.brokers ?? THREE)[3];

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
    await untilAllIsWell(tested.placed);
    report(`${what}: all is well again after the host is back`, (Date.now() - mended) / 1000);
  }

  stepUnless(
    LACKS_POWER,
    "clients of a broker whose host loses its power are back",
    () => hostFails("host off", thirdHost, ["off", "on"], SILENT_SECONDS),
    8 * MINUTE,
  );

  longStep(
    LACKS_POWER,
    "clients of a broker whose host is cut off are back",
    () => hostFails("host cut off", thirdHost, ["cut", "plug"], SILENT_SECONDS),
    8 * MINUTE,
  );

  longStep(
    LACKS_POWER,
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
      await untilAllIsWell(tested.placed);
      report("balancer's host off: all is well again after the host is back", (Date.now() - mended) / 1000);
      expect(seconds).toBeLessThan(30);
      await tested.noChanges();
    },
    8 * MINUTE,
  );

  longStep(
    LACKS_POWER,
    "everything comes back by itself when all hosts lose their power at once, with what was queued",
    async () => {
      const queue = await queueMessage(mqtt, "blackout");
      // RabbitMQ 3.10 has a new queue's log on disc at once, and its name only later: the log of no known queue is thrown away.
      await wait(10_000);
      await Promise.all(HOSTS.map((one) => one.act("off")));
      const mended = Date.now();
      await Promise.all(HOSTS.map((one) => one.act("on")));
      await untilAllIsWell(tested.placed, 8 * MINUTE);
      report("all hosts off: all is well again after they are back", (Date.now() - mended) / 1000);
      expect(await queue.delivered()).toEqual(["kept"]);
      await tested.noChanges();
    },
    12 * MINUTE,
  );

  longStep(
    LACKS_POWER,
    "another node cookie comes into force while all brokers are stopped, and they keep their data",
    async () => {
      const queue = await queueMessage(mqtt, "cookie");
      const services = tested.placed.map(({ service }) => `${service}=0`);
      await host(1).docker("service", "scale", "--detach", ...services);
      const containers = async () => Object.values(await containersOf(...tested.placed));
      await until(
        "all brokers have stopped",
        async () => (await containers()).every((id) => id === "none"),
        5 * MINUTE,
      );
      deployment.project.writeSecrets({ ...VARIABLES, swarm_mqtt_node_cookie: "AnotherCookie012345678" });
      report("another node cookie: the apply", await tested.change({}));
      await untilAllIsWell(tested.placed);
      expect(await queue.delivered()).toEqual(["kept"]);
      await tested.noChanges();
    },
    10 * MINUTE,
  );

  longStep(
    LACKS_POWER,
    "a host that is lost for good is given up, and another one takes its place",
    async () => {
      const before = tested.placed;
      const was = tested.variant.brokers ?? THREE;
      const lost = host(thirdHost());
      await lost.act("off");
      await until("the swarm has missed it", async () => (await stateOf(lost)) === "down", MINUTE);
      const watched = brokersOn({ 1: 1, 2: 2 });
      // Until then nobody can subscribe.
      await until("brokers have missed theirs", async () => (await watched[0].members()).running.length === 2, MINUTE);
      const seconds = await underLoad("lost host", { ...load, watched }, () =>
        tested.change({ brokers: { ...THREE, 3: 5 } }),
      );
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
      const { said } = await tested.refused(cluster({ ...tested.variant, brokers: was }));
      expect(said).toContain(`docker volume rm ${volume}`);
      await lost.docker("volume", "rm", volume);
      report("lost host: the apply that brings its broker back", await tested.change({ brokers: was }));
      await expectMembers(before);
      await tested.noChanges();
    },
    12 * MINUTE,
  );
}

/** As the swarm sees it; unknown while it has no leader. */
function stateOf({ name }: Host): Promise<string> {
  return host(1)
    .docker("node", "inspect", "-f", "{{.Status.State}}", name)
    .catch(() => "unknown");
}
