import type { TerraformStack } from "cdktf";
import { Balancer, Broker, type DockerSwarmTargetProps, Target } from "../../../src";
import { temporaryFolder } from "../../support/programs";
import { until } from "../../support/servers";
import { type Finished, TerraformProject } from "../../support/terraform";
import { deployOn } from "../cluster";
import { expectSuccess, unwrapped } from "../support";
import { onHost, remains, STACK, swarm, VARIABLES } from "./bed";
import { describeOnSwarm, host } from "./hosts";

const LABEL = "mqtt-e2e";
const STRANGER = `${STACK}-stranger`;

interface Case {
  readonly what: string;
  readonly target?: () => Partial<DockerSwarmTargetProps>;
  /** Of every broker. */
  readonly cpus?: number;
  /** Makes the swarm a bad one, and a good one again. */
  readonly prepare?: () => Promise<unknown>;
  readonly restore?: () => Promise<unknown>;
  readonly says: () => readonly (string | RegExp)[];
}

const label = (number: number) => host(1).updateNode(host(number), "--label-add", `${LABEL}=one`);
const unlabel = (number: number) => host(1).updateNode(host(number), "--label-rm", LABEL);
const labelled = { constraint: `node.labels.${LABEL}==one` };

const CASES: Case[] = [
  {
    what: "an engine that is a worker",
    target: () => ({ host: host(5).engine }),
    says: () => [`target.host: ${host(5).engine} is a worker of its swarm`],
  },
  {
    what: "too few managers, a label that no host has, a drained host and two brokers on one host, all at once",
    target: () => ({
      managers: 7,
      brokers: {
        "broker-1": onHost(host(1)),
        "broker-2": labelled,
        "broker-3": { constraint: "node.labels.no-such-label==1" },
      },
      monitoring: onHost(host(4)),
    }),
    prepare: () => Promise.all([label(1), host(1).updateNode(host(4), "--availability", "drain")]),
    restore: () => Promise.all([unlabel(1), host(1).updateNode(host(4), "--availability", "active")]),
    says: () => [
      /target\.managers: the swarm has \d, and 7 are wanted/,
      "target.brokers.broker-3: no host has node.labels.no-such-label==1",
      `target.monitoring: ${host(4).name} is drain`,
      `target.brokers.broker-2: ${host(1).name} is taken by target.brokers.broker-1: the two would die together`,
    ],
  },
  {
    what: "a label that two hosts have, for what keeps data",
    target: () => ({ brokers: { "broker-1": onHost(host(3)), "broker-2": labelled, "broker-3": onHost(host(5)) } }),
    prepare: () => Promise.all([label(1), label(2)]),
    restore: () => Promise.all([unlabel(1), unlabel(2)]),
    says: () => [/target\.brokers\.broker-2: \S+, \S+ have node\.labels\.mqtt-e2e==one; the data of broker-2/],
  },
  {
    what: "a port that another service shows on the same host",
    prepare: () => startStranger(),
    restore: () => host(1).docker("service", "rm", STRANGER),
    says: () => [`port 1883 of ${host(1).name} is taken by the service ${STRANGER}`],
  },
  {
    what: "a network that somebody has made, by its name and by its addresses",
    target: () => ({ network: STRANGER, subnet: "172.31.200.128/26" }),
    prepare: () => host(1).docker("network", "create", "-d", "overlay", "--subnet", "172.31.200.0/24", STRANGER),
    restore: () => host(1).docker("network", "rm", STRANGER),
    says: () => [
      `target.network: there is a network ${STRANGER} already`,
      `target.subnet: 172.31.200.128/26 overlaps with 172.31.200.0/24, which the network ${STRANGER} has`,
    ],
  },
  {
    what: "more CPUs than a host has",
    cpus: 200,
    says: () =>
      [1, 2, 3].map(
        (number) =>
          new RegExp(`target\\.brokers\\.broker-${number}: ${host(number).name} has \\d+ CPUs, and 200 are wanted`),
      ),
  },
  {
    what: "an image that no host can have",
    target: () => ({ images: { rabbitmq: "mqtt-e2e/no-such-image:1" } }),
    says: () =>
      [1, 2, 3].map(
        (number) =>
          `target.brokers.broker-${number}: ${host(number).name} cannot have the image mqtt-e2e/no-such-image:1`,
      ),
  },
  ...(process.env.E2E_DOCKER_HOST
    ? [
        {
          what: "an engine that is in no swarm",
          target: () => ({ host: process.env.E2E_DOCKER_HOST }),
          says: () => [`target.host: ${process.env.E2E_DOCKER_HOST} is in no swarm: docker swarm init there`],
        },
      ]
    : []),
];

async function startStranger(): Promise<void> {
  const onFirst = ["--constraint", `node.hostname==${host(1).name}`];
  const port = ["--publish", "published=1883,target=1883,mode=host"];
  await host(1).docker(
    ...["service", "create", "--detach", "--quiet", "--name", STRANGER, ...onFirst, ...port],
    ...["--entrypoint", "sleep", "haproxy:2.6-alpine", "600"],
  );
  await until("the other service runs", async () => {
    const running = await host(1).docker("service", "ps", "--format", "{{.CurrentState}}", STRANGER);
    return running.startsWith("Running");
  });
}

describeOnSwarm("What a swarm cannot do is named before anything is changed", () => {
  const folder = temporaryFolder();

  async function tryOut({ what, target, cpus }: Case): Promise<Finished> {
    const project = new TerraformProject(`${folder}/${what.replaceAll(" ", "-").slice(0, 30)}`, STACK);
    project.synthesise(cluster(target?.() ?? {}, cpus));
    project.writeSecrets(VARIABLES);
    expectSuccess(await project.init());
    const applied = await project.apply();
    if (applied.status === 0) {
      await project.destroy();
    }
    return applied;
  }

  test.each(CASES)(
    "$what",
    async (one) => {
      const { prepare, restore, says } = one;
      await prepare?.();
      try {
        const { status, output } = await tryOut(one);
        expect(status).toBe(1);
        for (const said of says()) {
          expect(unwrapped(output)).toMatch(said);
        }
        expect(await remains()).toEqual([]);
      } finally {
        await restore?.();
      }
    },
    120_000,
  );
});

function cluster(different: Partial<DockerSwarmTargetProps>, cpus?: number) {
  return (stack: TerraformStack) => {
    const target = Target.dockerSwarm({
      ...swarm(),
      brokers: Object.fromEntries([1, 2, 3].map((number) => [`broker-${number}`, onHost(host(number))])),
      balancers: { "balancer-1": onHost(host(1)) },
      ...different,
    });
    const { monitoring } = different;
    deployOn(
      target,
      stack,
      { broker: Broker.rabbitmq({ version: "3.10", cpus }), balancer: Balancer.haproxy({ version: "2.6" }) },
      monitoring && { webhook: "http://127.0.0.1:9", version: "2.42.0", alertmanagerVersion: "0.25.0" },
    );
  };
}
