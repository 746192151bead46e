import { MqttClients } from "../../support/mqtt";
import { until } from "../../support/servers";
import { BACKEND, SENSORS } from "../cluster";
import { failure, keepConnected } from "../failures";
import { underLoad } from "../load";
import { askRedis } from "../questions";
import {
  DeployedStack,
  Deployment,
  expectNothingToChange,
  longStep,
  NodeDownAlert,
  receiveWebhooks,
  report,
  SILENT_SECONDS,
  stepUnless,
} from "../support";
import {
  componentsWithToken,
  expectMembers,
  haproxyConfigs,
  haproxyWorkers,
  nodeWith,
  restartedSince,
  startOf,
  unhardened,
  untilAllIsWell,
  untilInPool,
  withoutSecrets,
} from "./actions";
import {
  BARE,
  BARE_VARIABLES,
  backendPassword,
  backendPasswordIn,
  bareCluster,
  brokers,
  CLUSTER,
  clientsAddress,
  clientsUrl,
  cluster,
  findClientsService,
  lookAround,
  NAMESPACE,
  nodes,
  PODS,
  plantedIn,
  SESSIONS,
  VARIABLES,
  type Variant,
  WEBHOOK_PORT,
} from "./bed";
import { failureOnWays, type WayFigures } from "./connects";
import { BED, describeOnKubernetes, kubectl, LACKS_NODES, nodeAction, stepForComparison } from "./kubectl";
import { isReady } from "./pods";
import { layOutVolumes, removeVolumes } from "./volumes";

const MINUTE = 60_000;

describeOnKubernetes("RabbitMQ behind two HAProxy on Kubernetes", () => {
  beforeAll(async () => {
    await lookAround();
    await NAMESPACE.make(backendPassword(NAMESPACE));
    const claims = [brokers(5), brokers(3, BARE)].map((set) => set.map(({ claim }) => claim));
    await layOutVolumes(NAMESPACE.name, claims, nodes());
    await PODS.start();
  }, 3 * MINUTE);
  const notifications = receiveWebhooks(WEBHOOK_PORT);

  // Side by side, because time is dear: the second cluster is there for comparison.
  const bare = new DeployedStack("bare", BARE_VARIABLES, bareCluster, () => []);
  let bareMade: Promise<void> = Promise.resolve();
  let bareGone: Promise<void> = Promise.resolve();
  if (BED.compares) {
    beforeAll(() => {
      bareMade = bare.create();
      bareMade.catch(() => {});
    });
    afterAll(() => {
      bareGone = bareMade.catch(() => {}).then(() => bare.destroy());
      bareGone.catch(() => {});
    });
  }
  const deployment = new Deployment("kube", VARIABLES, cluster(), async () => {
    await bareGone;
    return NAMESPACE.remains();
  });
  beforeAll(() => findClientsService(CLUSTER));
  afterAll(async () => {
    await PODS.stop();
    await NAMESPACE.remove();
    await removeVolumes(NAMESPACE.name);
  }, 3 * MINUTE);
  const mqtt = new MqttClients(() => clientsUrl());
  const websocket = new MqttClients(() => `ws://${clientsAddress()}:8083/ws`);
  const bareMqtt = new MqttClients(() => clientsUrl(BARE));
  async function bareReady(): Promise<void> {
    await bareMade;
    await findClientsService(BARE);
  }

  /** What is deployed. */
  let now: Variant = {};

  /** Applies what differs from the present variant. */
  async function change(different: Variant): Promise<number> {
    now = { ...now, ...different };
    return (await deployment.change(cluster(now))).seconds;
  }

  const noChanges = () => expectNothingToChange(deployment.project);

  test("every broker is a member as every other one sees it, and the rest is healthy", async () => {
    await expectMembers(brokers(3));
    const unready = [CLUSTER, SESSIONS].flatMap((deployed) => PODS.of(deployed)).filter((pod) => !isReady(pod));
    expect(unready.map(({ metadata }) => metadata.name)).toEqual([]);
    await untilInPool(brokers(3));
  });

  test("clients are let in with the right password only", async () => {
    expect(await mqtt.refusal(SENSORS)).toBe("accepted");
    expect(await mqtt.refusal({ ...SENSORS, password: "wrong" })).toMatch(/not authorized|bad user ?name/i);
    expect(await mqtt.refusal({})).toMatch(/not authorized|bad user ?name/i);
    expect(await websocket.refusal(BACKEND)).toBe("accepted");
  });

  test("a second plan changes nothing", noChanges);

  test(
    "secrets are in Kubernetes' secrets, and in no plan, state, object, process or log beside them",
    async () => {
      const { project } = deployment;
      const { variables: _given, ...plan } = await project.planJson();
      const state = JSON.parse(project.state());
      expect(plantedIn(JSON.stringify(withoutSecrets(plan)))).toEqual([]);
      expect(plantedIn(JSON.stringify(withoutSecrets(state)))).toEqual([]);
      expect(backendPasswordIn(JSON.stringify([plan, state]))).toEqual([]);

      const kinds = "pods,configmaps,statefulsets,deployments,jobs,services,serviceaccounts,roles,events";
      expect(plantedIn(await NAMESPACE.kubectl("get", kinds, "-o", "json"))).toEqual([]);
      for (const placed of brokers(3)) {
        const processes = await placed.run("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
        expect([placed.name, plantedIn(processes)]).toEqual([placed.name, []]);
      }
      const pods = [CLUSTER, SESSIONS].flatMap((deployed) => PODS.of(deployed));
      for (const { metadata } of pods) {
        const log = await NAMESPACE.kubectl("logs", metadata.name, "--all-containers");
        expect([metadata.name, plantedIn(log)]).toEqual([metadata.name, []]);
      }
      // Or the search would find nothing anywhere.
      expect(plantedIn(await NAMESPACE.kubectl("get", "secrets", "-o", "json")).length).toBeGreaterThan(2);
    },
    3 * MINUTE,
  );

  test("every container is as harmless as can be, and who does not need the API has no way to it", async () => {
    await PODS.refresh();
    const pods = [CLUSTER, SESSIONS].flatMap((deployed) => PODS.of(deployed));
    expect(pods).toHaveLength(3 + 2 + 1 + 1 + 1);
    expect(unhardened(pods)).toEqual([]);
    expect(componentsWithToken(pods)).toEqual(["broker"]);
  });

  test("the session store lets in whoever has a password, and nobody else", async () => {
    const [{ status }] = PODS.of(SESSIONS, "session-store");
    const ask = (...commands: string[]) => askRedis(status.podIP as string, commands);
    expect(await ask("PING")).toMatch(/NOAUTH/);
    const password = VARIABLES.kube_sessions_redis_monitor_password;
    expect(await ask(`AUTH monitor ${password}x`)).toMatch(/WRONGPASS/);
    expect(await ask(`AUTH monitor ${password}`, "PING")).toMatch(/\+PONG/);
  });

  stepForComparison(
    "brokers without a balancer are members, too",
    async () => {
      await bareReady();
      await expectMembers(brokers(3, BARE));
      expect(await bareMqtt.refusal(SENSORS)).toBe("accepted");
    },
    5 * MINUTE,
  );

  const [, , victim] = brokers(3);
  const alert = new NodeDownAlert(notifications, victim.name);

  test(
    "a deleted broker comes back as the same member with its data, and its alert comes",
    async () => {
      const mounts = victim.pod?.spec.containers[0].volumeMounts ?? [];
      const marker = `${mounts.find(({ name }) => name === "data")?.mountPath}/e2e-marker`;
      await victim.run("touch", marker);
      const claim = await claimOf(victim.podName);
      const node = victim.pod?.spec.nodeName as string;
      await alert.forgetEarlier();
      // It would be back within seconds, and an alert that is over when Alertmanager's next turn comes is never sent.
      await kubectl("cordon", node);
      let deleted = 0;
      try {
        const fail = () => {
          deleted = Date.now();
          return NAMESPACE.kubectl("delete", "pod", victim.podName, "--wait=false");
        };
        await failure(mqtt, "broker pod deleted", { fail }, 15);
        await alert.arrives();
        report("broker pod deleted: alert received after", (Date.now() - deleted) / 1000);
      } finally {
        await kubectl("uncordon", node);
      }
      const allowed = Date.now();
      await untilAllIsWell();
      report("broker pod deleted: member again after it may be", (Date.now() - allowed) / 1000);
      await victim.run("ls", marker);
      expect(await claimOf(victim.podName)).toBe(claim);
    },
    6 * MINUTE,
  );

  test(
    "a changed balancer is reloaded in place without a client noticing",
    async () => {
      const started = await startOf("broker", "balancer");
      const workers = await haproxyWorkers();
      const clients = await keepConnected(mqtt);
      report("changed balancer: apply", await change({ drainTimeout: "20m" }));
      const applied = Date.now();
      const isReloaded = async () => {
        const present = await haproxyWorkers();
        return Object.keys(workers).every((pod) => present[pod] !== workers[pod]);
      };
      await until("every balancer has reloaded", isReloaded, 150_000);
      report("changed balancer: reloaded after the apply", (Date.now() - applied) / 1000);
      expect(await clients.lost()).toBe(0);
      for (const config of await haproxyConfigs()) {
        expect(config).toContain("hard-stop-after 1200s");
      }
      expect(await restartedSince(started)).toEqual([]);
      await noChanges();
    },
    4 * MINUTE,
  );

  test("the alert of the deleted broker came, and so does its end", () => alert.isResolved(), 3 * MINUTE);

  test(
    "a changed setting is rolled out broker by broker, and nothing is lost",
    async () => {
      const started = await startOf("broker", "balancer");
      const load = { url: clientsUrl(), watched: brokers(3), fewest: 2 };
      const seconds = await underLoad("changed setting", load, () => change({ maxInflight: 21 }));
      report("changed setting: apply", seconds);
      expect(await restartedSince(started)).toEqual(brokers(3).map(({ podName }) => podName));
      await untilInPool(brokers(3));
      await expectMembers(brokers(3));
      await noChanges();
    },
    6 * MINUTE,
  );

  test(
    "two more brokers join without a restart of anything",
    async () => {
      const started = await startOf("broker", "balancer");
      const load = { url: clientsUrl(), watched: brokers(3), fewest: 3 };
      const seconds = await underLoad("3 → 5 brokers", load, () => change({ brokers: 5 }));
      report("3 → 5 brokers: apply", seconds);
      const applied = Date.now();
      await untilInPool(brokers(5));
      report("3 → 5 brokers: balancers know them after the apply", (Date.now() - applied) / 1000);
      await expectMembers(brokers(5));
      expect(await restartedSince(started)).toEqual([]);
      await noChanges();
    },
    8 * MINUTE,
  );

  test(
    "two brokers leave and are known to nobody",
    async () => {
      const started = await startOf("broker", "balancer");
      const leaving = brokers(5).slice(3);
      const staying = Object.fromEntries(
        Object.entries(started).filter(([name]) => !leaving.some(({ podName }) => podName === name)),
      );
      const load = { url: clientsUrl(), watched: brokers(5), fewest: 3 };
      const seconds = await underLoad("5 → 3 brokers", load, async () => {
        const applying = await change({ brokers: 3 });
        await until("they are gone", () => leaving.every(({ pod }) => !pod), 2 * MINUTE);
        return applying;
      });
      report("5 → 3 brokers: apply", seconds);
      await expectMembers(brokers(3));
      await untilInPool(brokers(3));
      expect(await restartedSince(staying)).toEqual([]);
      await noChanges();
    },
    8 * MINUTE,
  );

  stepForComparison(
    "brokers of names that had left begin anew, on the claims of before",
    async () => {
      const claims = () =>
        Promise.all(
          brokers(5)
            .slice(3)
            .map(({ podName }) => claimOf(podName)),
        );
      const before = await claims();
      await change({ brokers: 5 });
      await expectMembers(brokers(5));
      expect(await claims()).toEqual(before);
      await change({ brokers: 3 });
      await until(
        "they are gone",
        () =>
          brokers(5)
            .slice(3)
            .every(({ pod }) => !pod),
        2 * MINUTE,
      );
      await expectMembers(brokers(3));
      await untilInPool(brokers(3));
    },
    8 * MINUTE,
  );

  /** Lets a node fail, and expects everything to be well when it is back. */
  async function nodeFails(
    what: string,
    node: string,
    [harm, mend]: ["off", "on"] | ["cut", "plug"],
  ): Promise<WayFigures> {
    const ways = [{ name: "HAProxy", url: clientsUrl(), mqtt }];
    if (BED.compares) {
      await bareReady();
      ways.push({ name: "plain service", url: clientsUrl(BARE), mqtt: bareMqtt });
    }
    let mended = 0;
    const [behindBalancer] = await failureOnWays(what, ways, {
      fail: () => nodeAction(harm, node),
      mend: async () => {
        mended = Date.now();
        await nodeAction(mend, node);
      },
    });
    await untilAllIsWell();
    report(`${what}: all is well again after the node is back`, (Date.now() - mended) / 1000);
    return behindBalancer;
  }

  stepUnless(
    LACKS_NODES,
    "clients of a broker whose node loses its power are back, and new ones let in, while it is away",
    async () => {
      expectBalancersToHaveNoticed(await nodeFails("node off", nodeWith("no balancer"), ["off", "on"]));
    },
    8 * MINUTE,
  );

  longStep(
    LACKS_NODES,
    "clients of a broker whose node is cut off are back, and new ones let in, while it is away",
    async () => {
      expectBalancersToHaveNoticed(await nodeFails("node cut off", nodeWith("no balancer"), ["cut", "plug"]));
    },
    8 * MINUTE,
  );

  stepForComparison(
    "clients are back when a balancer's node loses its power",
    async () => {
      await nodeFails("balancer's node off", nodeWith("balancer"), ["off", "on"]);
    },
    8 * MINUTE,
  );

  stepForComparison(
    "clients are back when a balancer's node is cut off",
    async () => {
      await nodeFails("balancer's node cut off", nodeWith("balancer"), ["cut", "plug"]);
    },
    8 * MINUTE,
  );
});

/** Kubernetes itself needs 40 s and more. */
function expectBalancersToHaveNoticed({ backAfter, refusedUntil }: WayFigures): void {
  expect(backAfter).toBeLessThan(SILENT_SECONDS);
  expect(refusedUntil).toBeLessThan(SILENT_SECONDS);
}

/** Which storage a pod has, whatever its name. */
async function claimOf(podName: string): Promise<string> {
  const { metadata } = await NAMESPACE.read<{ metadata: { uid: string } }>("persistentvolumeclaim", `data-${podName}`);
  return metadata.uid;
}
