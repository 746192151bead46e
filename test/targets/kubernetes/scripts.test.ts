/** The scripts of pods, in a real shell, with folders of the test in place of theirs. */
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Secret } from "../../../src";
import { basicAuth } from "../../../src/formats/references";
import {
  checkSecretsCommand,
  freshDataCommand,
  layOutCommand,
  namedCommand,
  templatesOf,
} from "../../../src/targets/kubernetes/files";
import { STOP, stopScript } from "../../../src/targets/kubernetes/stop-script";
import type { ConfigFile, Membership, Workload } from "../../../src/workload";
import { testPlacement } from "../../support/definitions";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";
import { until } from "../../support/servers";
import { hostedBroker } from "../../support/workloads";

const ROOT = "/run/mqtt-cluster";

function workload(files: readonly ConfigFile[], changes: Partial<Workload> = {}): Workload {
  return { ...hostedBroker(testPlacement()), files, ...changes };
}

function file(name: string, content: string, changes: Partial<ConfigFile> = {}): ConfigFile {
  return { path: `/etc/broker/${name}`, content, mode: 0o444, onChange: "restart", ...changes };
}

const BASE = temporaryFolder();

/** A pod's folders, and its scripts as a config map has them. */
class Pod {
  private readonly folder = mkdtempSync(join(BASE, "pod-"));

  public constructor(private readonly made: Workload) {
    for (const name of ["templates", "secrets", "files"]) {
      mkdirSync(join(this.folder, name));
    }
    this.bring(made);
  }

  /** As the kubelet does with a changed config map. */
  public bring(changed: Workload): void {
    for (const [key, text] of Object.entries(templatesOf(changed))) {
      writeFileSync(join(this.folder, "templates", key), this.local(text));
    }
  }

  public secret(source: string, name: string, value: string): void {
    writeFile(this.folder, `secrets/${source}/${name}`, value);
  }

  public run(command: readonly string[]) {
    const [program, ...args] = command.map((word) => this.local(word));
    return run(program, args);
  }

  public layOut() {
    return this.run(layOutCommand(this.made) as string[]);
  }

  public read(name: string): string {
    return readFileSync(join(this.folder, "files", name), "utf8");
  }

  public mode(name: string): number {
    return statSync(join(this.folder, "files", name)).mode & 0o777;
  }

  public local(text: string): string {
    return text.replaceAll(ROOT, this.folder);
  }
}

describe("files are laid out", () => {
  const secret = Secret.variable("password");
  const held = Secret.kubernetes("mqtt-users", "sensors");
  const made = workload([
    file("plain.conf", "a = ${x} %{y} & \\1\n"),
    file("users.conf", `a = "${secret}" b = "${held}"\nBasic ${basicAuth("emqx", held)}\n`, { mode: 0o400 }),
    file(".cookie", `${secret}`, { mode: 0o400 }),
  ]);

  test("with secrets in them, for their program alone", () => {
    const pod = new Pod(made);
    pod.secret("variable", "password", "Abc.~+/=-def1");
    pod.secret("kubernetes", "mqtt-users/sensors", "Sensors0123456");
    expect(pod.layOut()).toEqual({ status: 0, output: "" });
    expect(pod.read("plain.conf")).toBe("a = ${x} %{y} & \\1\n");
    const credentials = Buffer.from("emqx:Sensors0123456").toString("base64");
    expect(pod.read("users.conf")).toBe(`a = "Abc.~+/=-def1" b = "Sensors0123456"\nBasic ${credentials}\n`);
    expect(pod.read(".cookie")).toBe("Abc.~+/=-def1");
    expect(["plain.conf", "users.conf", ".cookie"].map((name) => pod.mode(name))).toEqual([0o444, 0o400, 0o400]);
  });

  test("again, when a pod is started again", () => {
    const pod = new Pod(made);
    pod.secret("variable", "password", "Abcdefghij12");
    pod.secret("kubernetes", "mqtt-users/sensors", "Sensors0123456");
    expect([pod.layOut().status, pod.layOut().status]).toEqual([0, 0]);
  });

  test("a secret that is missing, or no good, is named and not shown", () => {
    const pod = new Pod(made);
    pod.secret("kubernetes", "mqtt-users/sensors", "Sensors0123456");
    pod.secret("variable", "password", "hunter2 hunter2");
    expect(pod.layOut()).toEqual({
      status: 1,
      output:
        "the secret password may have letters, digits and . _ ~ + / = - only, and begins with a letter or digit\n",
    });
    pod.secret("variable", "password", "Abcdefghij12");
    pod.secret("kubernetes", "mqtt-users/sensors", "");
    expect(pod.layOut()).toEqual({
      status: 1,
      output: "the key sensors of the Kubernetes secret mqtt-users is not there or empty\n",
    });
  });

  test("all secrets are looked at before anything is made", () => {
    const pod = new Pod(made);
    pod.secret("kubernetes", "a/short", "short");
    expect(pod.run(checkSecretsCommand(["kubernetes/a/short", "kubernetes/b/none"]))).toEqual({
      status: 1,
      output:
        "the key short of the Kubernetes secret a must have at least 12 characters\n" +
        "the key none of the Kubernetes secret b is not there or empty\n",
    });
  });
});

describe("changed files are followed", () => {
  const read = (content: string) => file("pool.conf", content, { onChange: "reload", check: ["grep", "-q", "good"] });
  const list = (content: string) => file("members.list", content, { onChange: "nothing" });
  const parts = (pool: string, members: string) =>
    workload([read(pool), list(members), file("fixed.conf", "a\n")], { reloadSignal: "SIGUSR2" });

  test("read again when the program's checker takes them, left as they were when it does not", async () => {
    const pod = new Pod(parts("good 1\n", "one\n"));
    expect(pod.layOut().status).toBe(0);
    // The checker sees the file in its place.
    const script = pod
      .local(templatesOf(parts("good 1\n", "one\n"))["mqtt-cluster.follow.sh"])
      .replace("grep -q good", `grep -q good ${pod.local(`${ROOT}/files/pool.conf`)}`)
      .replace('kill -s "$1" 1', 'echo "signal $1"');
    const follower = spawn("sh", ["-c", script], { detached: true });
    let said = "";
    follower.stdout.on("data", (data) => {
      said += data;
    });
    try {
      pod.bring(parts("good 2\n", "one\n"));
      await until("a good file is reloaded", () => said.includes("signal USR2"));
      expect(pod.read("pool.conf")).toBe("good 2\n");
      expect(pod.mode("pool.conf")).toBe(0o444);

      pod.bring(parts("bad\n", "one\ntwo\n"));
      await until("a bad one is refused", () => said.includes("refused"));
      await until("the list is new", () => pod.read("members.list") === "one\ntwo\n");
      expect(pod.read("pool.conf")).toBe("good 2\n");

      pod.bring(parts("good 3\n", "one\ntwo\n"));
      await until("the next good one is reloaded", () => pod.read("pool.conf") === "good 3\n");
      await until("and the program told", () => said.split("signal USR2").length === 3);
      // Neither was refused twice, nor the list worth a signal.
      expect(said.split("refused")).toHaveLength(2);
    } finally {
      // With what it sleeps by.
      process.kill(-(follower.pid as number), "SIGKILL");
    }
  }, 60_000);
});

describe("before a member stops", () => {
  const said = (words: string) => ["sh", "-c", `echo ${words}`];
  const membership = (answer: string): Membership => ({
    sees: [],
    forget: [],
    drain: said("drained"),
    leave: ["sh", "-c", 'echo "left $0"', "<<instance:host>>"],
    httpsGet: ["sh", "-c", `test "$0" = https://api/scale && echo '${answer}'`],
  });
  const options = { scaleUrl: "https://api/scale", waitSeconds: 0, dataFolder: mkdtempSync(join(BASE, "data-")) };
  const mark = join(options.dataFolder, ".mqtt-cluster-left");
  const stop = (answer: string, pod: string) => {
    rmSync(mark, { force: true });
    return run("env", [`POD_NAME=${pod}`, "sh", "-c", stopScript(membership(answer), ".svc", options)]).output;
  };
  const scale = (replicas: number) => `{"kind":"Scale","spec":{"replicas":${replicas}},"status":{"replicas":5}}`;

  test("one that is to stay sends its clients away", () => {
    expect(stop(scale(3), "dev-mqtt-broker-2")).toContain("drained");
    expect(stop(scale(3), "dev-mqtt-broker-2")).not.toContain("left");
  });

  test.each(["dev-mqtt-broker-3", "dev-mqtt-broker-11"])("%s of three leaves for good", (pod) => {
    expect(stop(scale(3), pod)).toContain(`left ${pod}.svc`);
    expect(existsSync(mark)).toBe(true);
  });

  test("an answer in lines of their own, as some clients get it, says the same", () => {
    const pretty = JSON.stringify(JSON.parse(scale(3)), undefined, 2);
    expect(stop(pretty, "dev-mqtt-broker-3")).toContain("left dev-mqtt-broker-3.svc");
    expect(stop(pretty, "dev-mqtt-broker-2")).toContain("drained");
    expect(existsSync(mark)).toBe(false);
  });

  test("one that has left begins anew when its pod is made again, any other goes on", () => {
    const pod = new Pod(workload([file("a.conf", "a")]));
    const folder = mkdtempSync(join(BASE, "data-"));
    writeFile(folder, "mnesia/table", "old");
    writeFile(folder, ".joined-cluster", "");
    writeFile(folder, "lost+found/part", "");
    expect(pod.run(freshDataCommand(folder))).toEqual({ status: 0, output: "" });
    expect(readdirSync(folder).sort()).toEqual([".joined-cluster", "lost+found", "mnesia"]);
    writeFile(folder, ".mqtt-cluster-left", "");
    expect(pod.run(freshDataCommand(folder))).toEqual({ status: 0, output: "" });
    expect(readdirSync(folder)).toEqual(["lost+found"]);
  });

  test.each(["", '{"kind":"Status","code":404}', '{"kind":"Scale","spec":{},"status":{"replicas":5}}'])(
    "when in doubt (%s) it stays a member",
    (answer) => {
      expect(stop(answer, "dev-mqtt-broker-4")).toContain("drained");
      expect(stop(answer, "dev-mqtt-broker-4")).not.toContain("left");
    },
  );
});

describe("a member waits until others find it", () => {
  const pod = new Pod(workload([file("a.conf", "a")]));
  const programs = mkdtempSync(join(BASE, "programs-"));
  const asked = join(programs, "asked");

  function start(path: string) {
    const command = namedCommand("broker-1.svc", "10.0.0.7").map((word) => pod.local(word));
    const { status, output } = run("/usr/bin/env", [`PATH=${path}`, "/bin/sh", ...command.slice(1)]);
    return { status, output };
  }

  /** @param answer Of servers of names, to the question of this number. */
  function startNamed(answer: string) {
    rmSync(asked, { force: true });
    writeProgram("getent", `echo "$2" >>${asked}; number=$(wc -l <${asked}); ${answer}`);
    writeProgram("sleep", "");
    return { ...start(`${programs}:${process.env.PATH}`), questions: readFileSync(asked, "utf8").trim().split("\n") };
  }

  function writeProgram(name: string, text: string): void {
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  test("by all servers of names, and not by what its own host knows", () => {
    const { status, output, questions } = startNamed(
      "[ $number != 1 ] || exit 2; [ $number != 3 ] || { echo 10.0.0.70 x; exit; }; echo 10.0.0.7  x",
    );
    expect({ status, output }).toEqual({ status: 0, output: "" });
    expect(questions).toEqual(Array.from({ length: 6 }, () => "broker-1.svc."));
  });

  test("a minute long, and says so", () => {
    const { status, output, questions } = startNamed("echo 10.0.0.70 x");
    expect({ status, output }).toEqual({
      status: 0,
      output: "mqtt-cluster: nobody is told that broker-1.svc is 10.0.0.7; starts all the same\n",
    });
    expect(questions).toHaveLength(60);
  });

  test("unless its image has nothing to ask with, which is said", () => {
    expect(start("/nowhere")).toEqual({
      status: 0,
      output: "mqtt-cluster: the image has no getent, so broker-1.svc starts whether or not others find it\n",
    });
  });
});

describeWithPrograms(["shellcheck"], "scripts of pods", () => {
  const folder = temporaryFolder();
  const made = workload([
    file("pool.conf", "a", { onChange: "reload", check: ["true"] }),
    file("users.conf", `${Secret.variable("password")}`, { mode: 0o400 }),
  ]);
  const scripts: Record<string, string> = {
    ...templatesOf(made),
    [STOP]: stopScript(hostedBroker(testPlacement()).membership as Membership, ".svc", {
      scaleUrl: "https://api/scale",
      waitSeconds: 5,
      dataFolder: "/data",
    }),
  };

  test.each(Object.keys(scripts).filter((name) => name.endsWith(".sh")))("%s", (name) => {
    const path = writeFile(folder, name, scripts[name]);
    expect(run("shellcheck", ["--shell=sh", "--exclude=SC2154,SC2317,SC2034", path])).toEqual({
      status: 0,
      output: "",
    });
  });
});
