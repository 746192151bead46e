import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DOCKER_CLI, type DockerSwarmOptions } from "../../definition/docker-swarm";
import { imageOf } from "../../definition/images";
import { PEER_HOST, PEER_NAME } from "../../formats/references";
import { quotedShellWord, shellCommand, shellWord } from "../../formats/shell";
import { escapeTemplate } from "../../formats/terraform";
import type { Workload } from "../../workload";
import { ownNetwork } from "../own-network";
import type { Provisioner } from "../terraform-data";
import { isPinned, roleOf } from "./hosts";
import { publishedPorts } from "./published-ports";

/** Has the command that docker:cli is; what it is asked to do engines have known since 20.10. */
const DOCKER_CLI_IMAGE = "docker:28-cli";

/** Of control/, in their order. */
const PREFLIGHT = ["hosts.sh", "preflight.sh"];
const ALL = [...PREFLIGHT, "leaving.sh"];

/** A firewall that drops idle connections would leave a step waiting for ever: a broker that leaves says nothing for minutes. */
const KEEP_ALIVE = ["-o", "ServerAliveInterval=15"];

const scripts = new Map<string, string>();

function scriptOf(file: string): string {
  const script = scripts.get(file) ?? readFileSync(join(__dirname, "control", file), "utf8");
  scripts.set(file, script);
  return script;
}

/** What is done on a manager with the docker command: Terraform's provider can neither look at hosts nor reach into containers. */
export class SwarmScript {
  public constructor(
    private readonly cluster: string,
    private readonly options: DockerSwarmOptions,
    private readonly workloads: readonly Workload[],
  ) {}

  /** Fails, and says all that is wrong, when the swarm cannot run the workloads. */
  public preflight(): Provisioner {
    return this.step(PREFLIGHT, "preflight");
  }

  /** When a service has been made or changed: fails when the swarm takes it back to what it was. */
  public awaitUpdate(service: string): Provisioner {
    return this.run(scriptOf("updated.sh"), `await_update ${service}`);
  }

  /**
   * Before the service of an instance that keeps data is removed, or replaced on another host.
   *
   * @param self References of Terraform to what the instance was made with.
   */
  public leave(self: Self): Provisioner {
    const { cluster, instance, constraint, host } = self;
    return this.step(
      ALL,
      [
        `cluster=${cluster}`,
        `check_rest ${instance} ${constraint}`,
        this.ofMember(instance, `leave ${instance} ${host}`, `stop_instance ${instance}`),
      ].join("\n"),
    );
  }

  /** Before an instance is made that keeps data. */
  public checkNoData(self: Self): Provisioner {
    return this.step(ALL, `cluster=${self.cluster}\ncheck_no_data ${self.instance} ${self.constraint} ${self.volumes}`);
  }

  /** When an instance that kept data is gone. */
  public removeData(self: Self): Provisioner {
    const { cluster, instance, constraint, host, volumes } = self;
    return this.step(
      ALL,
      [
        `cluster=${cluster}`,
        this.ofMember(instance, `strike_off_once_more ${instance} ${host}`, ":"),
        `remove_data ${instance} ${constraint} ${volumes}`,
      ].join("\n"),
    );
  }

  /** One command for members, and another one for everything else. */
  private ofMember(instance: string, command: string, otherwise: string): string {
    const members = this.workloads.filter(({ membership }) => membership).map(({ name }) => `${name}-*`);
    return [
      `case ${instance} in`,
      ...members.map((pattern) => `  ${pattern}) ${command} ;;`),
      `  *) ${otherwise} ;;`,
      "esac",
    ].join("\n");
  }

  private step(files: readonly string[], call: string): Provisioner {
    return this.run([this.head(), ...files.map(scriptOf)].join("\n"), call);
  }

  private run(script: string, call: string): Provisioner {
    return {
      type: "local-exec",
      command: `printf '%s' "$SCRIPT" | ${escapeTemplate(this.shell())}`,
      // Terraform shows the command when it fails, and prints it before: the script would hide what it says.
      // Read whole before anything of it runs, which might read on where the shell does.
      environment: { SCRIPT: `${escapeTemplate(script)}\n{\n${call}\n} </dev/null\n` },
      quiet: true,
    };
  }

  /** Where the docker command reaches the manager. */
  private shell(): string {
    const { host, sshOptions = [] } = this.options;
    const ssh = /^ssh:\/\/(?:([^@]+)@)?([^:]+)(?::(\d+))?$/.exec(host);
    if (!ssh) {
      return `DOCKER_HOST=${shellWord(host)} sh -s`;
    }
    const [, user, name, port] = ssh;
    const login = [...(user ? ["-l", user] : []), ...(port ? ["-p", port] : [])];
    return shellCommand(["ssh", ...sshOptions, ...KEEP_ALIVE, ...login, "--", name, "sh -s"]);
  }

  /** What the script must know of this cluster. */
  private head(): string {
    const { host, managers, engineSocket, registryLogin } = this.options;
    const { name: network, subnet = "" } = ownNetwork(this.options, this.cluster);
    const values = {
      cluster: this.cluster,
      engine: host,
      network,
      subnet,
      tools: imageOf(this.options, { program: DOCKER_CLI, image: DOCKER_CLI_IMAGE }),
      socket: engineSocket,
      managers: String(managers),
      registry_auth: registryLogin ? "--with-registry-auth" : "",
    };
    return [
      ...Object.entries(values).map(([name, value]) => `${name}=${quotedShellWord(value)}`),
      `forget() { ${this.forget()}; }`,
      "# INSTANCE OPTION CONSTRAINT pinned|free CPUS PORTS IMAGE",
      "wanted() {",
      "  cat <<'END-OF-WANTED'",
      ...this.wanted(),
      "END-OF-WANTED",
      "}",
    ].join("\n");
  }

  private wanted(): string[] {
    return this.workloads.flatMap((workload) => {
      const ports = publishedPorts(this.options, workload).map(({ number }) => number);
      return workload.instances.map((instance) => {
        const { path, host } = roleOf(workload, instance, this.options);
        return [
          instance.name,
          path,
          host.constraint,
          isPinned(workload) ? "pinned" : "free",
          workload.process.cpus ?? "-",
          ports.join(",") || "-",
          imageOf(this.options, workload),
        ].join(" ");
      });
    });
  }

  /** Prints the words of the command by which a member strikes off another one, whose host and name are given. */
  private forget(): string {
    const words = this.workloads.flatMap(({ membership }) => membership?.forget ?? []);
    const known: Record<string, string> = { [PEER_HOST]: '"$1"', [PEER_NAME]: '"$2"' };
    const command = words.map((word) => (word in known ? word : shellWord(word))).join(" ");
    const parts = command.split(new RegExp(`(${PEER_HOST}|${PEER_NAME})`)).filter((part) => part !== "");
    return `echo ${parts.map((part) => known[part] ?? quotedShellWord(part)).join("")}`;
  }
}

/** References of Terraform in a step of one of many: `${self.input.instance}` when it is destroyed. */
export interface Self {
  readonly cluster: string;
  readonly instance: string;
  readonly host: string;
  readonly constraint: string;
  readonly volumes: string;
}

export const SELF: Self = {
  cluster: "${self.input.cluster}",
  instance: "${self.input.instance}",
  host: "${self.input.host}",
  constraint: "${self.input.constraint}",
  volumes: "${self.input.volumes}",
};
