/** What runs inside of containers, in a real shell, with small programs in place of brokers; and what shellcheck says. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { TerraformStack, Testing } from "cdktf";
import { Broker, MqttCluster, Secret, SessionStore, Target } from "../../../src";
import { INSTANCE_HOST } from "../../../src/formats/references";
import { firstProcessFile, withFirstProcess } from "../../../src/targets/docker-swarm/first-process";
import { DID_START } from "../../../src/targets/docker-swarm/health";
import type { Membership, Workload } from "../../../src/workload";
import { users } from "../../support/bad-input";
import { fullProps, testPlacement } from "../../support/definitions";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";
import { until } from "../../support/servers";
import { hostedBroker } from "../../support/workloads";
import { deploy, hostNamed, hosts, type Plan } from "./deploy";

const LEAVES = "/tmp/mqtt-cluster-leaves";
const BASE = temporaryFolder();

const membership: Membership = {
  sees: [],
  forget: [],
  drain: ["sh", "-c", "echo drained"],
  leave: ["sh", "-c", 'echo "left $0"', `broker@${INSTANCE_HOST}`],
  httpsGet: [],
};

/** Ends with status 7 when it is asked to by its own signal, and with 8 by another one. */
const PROGRAM = "trap 'echo stopped; exit 7' USR1; trap 'exit 8' TERM; echo started; while :; do sleep 0.05; done";

function broker(changes: Partial<Membership> = {}): Workload {
  const made = hostedBroker(testPlacement());
  return {
    ...made,
    process: { ...made.process, stopSignal: "SIGUSR1" },
    data: [{ name: "data", path: "/opt/broker/data" }],
    membership: { ...membership, ...changes },
  };
}

interface Start {
  readonly changes?: Partial<Membership>;
  /** Of the instance. */
  readonly ordinal?: 1 | 2;
  readonly turnSeconds?: number;
  readonly program?: string;
  /** The shell rests before every command. */
  readonly slow?: boolean;
}

/** A host with the data of one instance, where its containers are. */
class Host {
  private readonly folder = mkdtempSync(join(BASE, "host-"));
  private readonly containers: Container[] = [];

  public constructor() {
    for (const name of ["data", "bin"]) {
      mkdirSync(join(this.folder, name));
    }
    // Names are known as soon as a test says so.
    chmodSync(writeFile(this.folder, "bin/getent", `#!/bin/sh\n[ -e "${this.folder}/known-$2" ]\n`), 0o755);
  }

  public touch(name: string): void {
    writeFile(this.folder, name, "");
  }

  public start({ changes, ordinal = 1, turnSeconds, program = PROGRAM, slow }: Start = {}): Container {
    const workload = broker(changes);
    const { path, content } = firstProcessFile(workload) as { path: string; content: string };
    const script = content
      .replaceAll(LEAVES, join(this.folder, "leaves"))
      .replaceAll(DID_START, join(this.folder, "did-start"))
      .replaceAll(workload.data[0].path, join(this.folder, "data"))
      .replace("timeout -s KILL 60 ", "timeout -s KILL 1 ")
      .replace(`grace=${workload.process.stopGraceSeconds}\n`, "grace=1\n")
      .replace("sleep 5\n", "sleep 0.1\n");
    const words = withFirstProcess(workload, workload.instances[ordinal - 1], ["sh", "-c", program]);
    expect(words.slice(0, 2)).toEqual(["sh", path]);
    const [, , host, seconds, ...rest] = words;
    const place = writeFile(this.folder, "first-process", script);
    const container = new Container(
      ["sh", ...(slow ? ["-x"] : []), place, host, String(turnSeconds ?? seconds), ...rest],
      join(this.folder, `log-${this.containers.length}`),
      { ...process.env, PATH: `${this.folder}/bin:${process.env.PATH}`, PS4: "$(sleep 0.1)" },
    );
    this.containers.push(container);
    return container;
  }

  public end(): void {
    for (const container of this.containers) {
      container.kill();
    }
  }
}

/** Its first process and all that this one starts. */
class Container {
  private readonly first: ChildProcess;
  public readonly status: Promise<number | null>;

  /** @param place Of its log: what it says last is read there as soon as it has ended, which a pipe does not promise. */
  public constructor(
    [command, ...words]: string[],
    private readonly place: string,
    env: NodeJS.ProcessEnv,
  ) {
    const log = openSync(place, "a");
    this.first = spawn(command, words, { detached: true, env, stdio: ["ignore", log, log] });
    closeSync(log);
    this.status = new Promise((resolve) => this.first.once("exit", resolve));
  }

  /** Without what a shell may say of whom it has seen killed. */
  public get log(): string[] {
    return readFileSync(this.place, "utf8")
      .split("\n")
      .filter((line) => line !== "" && line !== "Killed");
  }

  public async says(line: string): Promise<void> {
    await until(line, () => this.log.includes(line));
  }

  /** As the engine does. */
  public stop(): Promise<number | null> {
    this.first.kill("SIGTERM");
    return this.status;
  }

  public kill(): void {
    try {
      process.kill(-(this.first.pid as number), "SIGKILL");
    } catch {
      // Nothing is left of it.
    }
  }
}

describeWithPrograms(["flock", "timeout"], "the first process of a member", () => {
  const all: Host[] = [];
  const host = () => {
    const made = new Host();
    all.push(made);
    return made;
  };
  afterAll(() => all.map((made) => made.end()));
  const started = async (made: Host, start?: Start) => {
    const container = made.start(start);
    await container.says("started");
    return container;
  };

  test("hands its program's own signal on, and its exit status back", async () => {
    const container = await started(host());
    expect(await container.stop()).toBe(7);
    expect(container.log).toEqual(["started", "stopped"]);
  });

  test("ends when its program does, with its status", async () => {
    expect(await host().start({ program: "exit 3" }).status).toBe(3);
  });

  test("stopped at any moment, it hands the signal on, or has not started its program", async () => {
    const stops = Array.from({ length: 40 }, async (_, moment) => {
      const container = host().start({ slow: true });
      await new Promise((resolve) => setTimeout(resolve, moment * 50));
      const status = await container.stop();
      return container.log.includes("started") ? status : "not started";
    });
    expect(new Set(await Promise.all(stops))).toEqual(new Set(["not started", 7]));
  });

  test("sends clients away before a stop, if it had any", async () => {
    const made = host();
    const container = await started(made);
    made.touch("did-start");
    expect(await container.stop()).toBe(7);
    expect(container.log).toEqual(["started", "mqtt-cluster: sends its clients away", "drained", "stopped"]);
  });

  test.each([
    ["that fails", "exit 1"],
    ["that never ends", "exec sleep 60"],
  ])("stops all the same after a farewell %s", async (_what, drain) => {
    const made = host();
    const container = await started(made, { changes: { drain: ["sh", "-c", drain] } });
    made.touch("did-start");
    expect(await container.stop()).toBe(7);
    expect(container.log.slice(-2)).toEqual(["mqtt-cluster: some clients are left", "stopped"]);
  });

  test("a program that does not stop is killed when its own time is over", async () => {
    const program = "trap 'echo hangs' USR1; echo started; while :; do sleep 0.05; done";
    const container = await started(host(), { program });
    expect(await container.stop()).toBe(137);
    expect(container.log).toEqual(["started", "hangs"]);
  });

  test("a second signal does not cut the farewell short", async () => {
    const made = host();
    const container = await started(made, { changes: { drain: ["sh", "-c", "sleep 0.5; echo drained"] } });
    made.touch("did-start");
    container.stop();
    await container.says("mqtt-cluster: sends its clients away");
    expect(await container.stop()).toBe(7);
    expect(container.log.slice(1)).toEqual(["mqtt-cluster: sends its clients away", "drained", "stopped"]);
  });

  test("a member that nobody else is there for has no farewell", async () => {
    const made = host();
    const container = await started(made, { changes: { drain: undefined } });
    made.touch("did-start");
    expect(await container.stop()).toBe(7);
    expect(container.log).toEqual(["started", "mqtt-cluster: sends its clients away", "stopped"]);
  });

  test("leaves for good when it is told to, as often as it takes", async () => {
    const made = host();
    const leave = ["sh", "-c", '[ -e "$1" ] || { touch "$1"; echo "not yet"; exit 1; }; echo "left $0"'];
    const container = await started(made, {
      changes: { leave: [...leave, `broker@${INSTANCE_HOST}`, join(mkdtempSync(join(BASE, "leave-")), "tried")] },
    });
    made.touch("did-start");
    made.touch("leaves");
    // Nothing waits for the program then.
    expect(await container.stop()).toBe(137);
    expect(container.log.slice(1)).toEqual([
      "mqtt-cluster: leaves for good",
      "not yet",
      "left broker@broker-1.dev-mqtt.internal",
      "mqtt-cluster: has left",
    ]);
  });

  test("waits for the end of the container before it, which has the same data", async () => {
    const made = host();
    const first = await started(made);
    const second = made.start();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(second.log).toEqual([]);
    expect(await first.stop()).toBe(7);
    await second.says("started");
    expect(await second.stop()).toBe(7);
  });

  test("ends at once when it is stopped while it waits for that", async () => {
    const made = host();
    const first = await started(made);
    const second = made.start();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await second.stop()).toBe(143);
    expect(second.log).toEqual([]);
    // And is not in the way of the next one.
    await first.stop();
    expect(await (await started(made)).stop()).toBe(7);
  });

  test("the second member waits until it sees another one", async () => {
    const made = host();
    const container = made.start({ ordinal: 2 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(container.log).toEqual([]);
    made.touch("known-broker-3.dev-mqtt.internal");
    await container.says("started");
    expect(container.log).toEqual(["started"]);
  });

  test("at the end of its turn it starts all the same", async () => {
    const container = await started(host(), { ordinal: 2, turnSeconds: 1 });
    expect(container.log).toEqual(["mqtt-cluster: sees nobody, and starts all the same", "started"]);
  });

  test("ends at once when it is stopped before its turn", async () => {
    const container = host().start({ ordinal: 2 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await container.stop()).toBe(143);
    expect(container.log).toEqual([]);
  });
});

test("only members have a first process of their own, and they say what it starts", () => {
  expect(firstProcessFile({ ...broker(), membership: undefined })).toBeUndefined();
  expect(() => withFirstProcess(broker(), broker().instances[0], undefined)).toThrow("does not say what starts it");
});

test("later members have later turns, and ask the same three, whoever is added", () => {
  const words = (brokers: number, ordinal: number) => {
    const workload = hostedBroker(testPlacement({ broker: brokers }));
    return withFirstProcess(workload, workload.instances[ordinal - 1], ["x"]).slice(2, 5);
  };
  const name = (ordinal: number) => `broker-${ordinal}.dev-mqtt.internal`;
  expect(words(3, 2)).toEqual([name(2), "90", `${name(1)} ${name(3)}`]);
  expect(words(5, 2)).toEqual(words(3, 2));
  expect(words(5, 5)).toEqual([name(5), "180", `${name(1)} ${name(2)} ${name(3)}`]);
  expect(words(1, 1)).toEqual([name(1), "0", ""]);
  // What is left of three, and waits for nobody.
  const left = hostedBroker(testPlacement({ broker: 3 }));
  const alone = { ...left, instances: left.instances.slice(2) };
  expect(withFirstProcess(alone, alone.instances[0], ["x"]).slice(2, 5)).toEqual([name(3), "0", ""]);
});

describeWithPrograms(["shellcheck"], "shellcheck", () => {
  const folder = temporaryFolder();
  const clusterPlan = (definition: Parameters<typeof fullProps>[0], sessionStore = hostNamed("back")): Plan => {
    const stack = new TerraformStack(Testing.app(), "dev");
    new MqttCluster(stack, "mqtt", {
      ...fullProps({ ...users({}), ...definition }),
      target: Target.dockerSwarm(
        hosts(3, {
          balancers: { "balancer-1": hostNamed("front1") },
          monitoring: hostNamed("back"),
          sessionStore: definition?.sessionStore ? undefined : sessionStore,
        }),
      ),
    });
    return JSON.parse(Testing.synth(stack));
  };
  const PLANS: Record<string, Plan> = {
    "some program": deploy().plan,
    "some program behind SSH": deploy(hosts(3, { host: "ssh://deploy@swarm" })).plan,
    EMQX: clusterPlan({}),
    "EMQX 5.10": clusterPlan(
      { broker: Broker.emqx({ version: "5.10.4", license: Secret.variable("license") }) },
      hostNamed("back"),
    ),
    RabbitMQ: clusterPlan({ broker: Broker.rabbitmq(), sessionStore: SessionStore.builtIn() }),
  };

  /** As it arrives at a shell: Terraform's part of it done. */
  const asRun = (text: string) =>
    text
      .replace(/(?<!\$)\$\{self\.input\.(\w+)\}/g, '"$$1"')
      .replace(/([$%])\1\{/g, "$1{")
      .replace(/^ssh .*\n([\s\S]*)END-OF-MQTT-CLUSTER-SCRIPT\n$/, "$1");

  const firsts = Object.entries(PLANS).map(([title, { locals }]): [string, string] => {
    const [[, text]] = Object.entries(locals).filter(([id]) => id.includes("first-process"));
    return [`the first process of ${title}`, asRun(text)];
  });
  // What is called differs from step to step, and what the steps are told from plan to plan.
  const steps = Object.entries(PLANS).flatMap(([title, { resource }], plan) =>
    Object.entries(resource.terraform_data)
      .filter(([id]) => plan === 0 || id.includes("preflight"))
      .flatMap(([id, { provisioner = [] }]) =>
        (provisioner as { "local-exec": { environment: { SCRIPT: string } } }[]).map(
          ({ "local-exec": { environment } }, index): [string, string] => [
            `step ${index + 1} of ${id.replace(/_[0-9A-F]{8}$/, "")} for ${title}`,
            asRun(environment.SCRIPT),
          ],
        ),
      ),
  );

  test.each([...firsts, ...steps])("has nothing against %s", (_title, script) => {
    expect(run("shellcheck", ["--shell=sh", "--exclude=SC2016,SC2154", writeFile(folder, "script", script)])).toEqual({
      status: 0,
      output: "",
    });
  });
});
