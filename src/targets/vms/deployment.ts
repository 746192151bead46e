import {
  type RemoteExecProvisioner,
  type SSHProvisionerConnection,
  TerraformLocal,
  type TerraformResource,
} from "cdktf";
import type { Construct } from "constructs";
import { MOST_BROKERS } from "../../definition/host-maps";
import { shellCommand } from "../../formats/shell";
import { escapeTemplate } from "../../formats/terraform";
import type { Package, Workload, WorkloadName } from "../../workload";
import { fingerprint } from "../fingerprint";
import { StackSecrets } from "../stack-secrets";
import { inStartOrder } from "../start-order";
import { type Provisioner, terraformData } from "../terraform-data";
import { connectionTo, connectionToSelf, type HostLogin } from "./connection";
import { changeEffect, commonPart, controlScript, type HostedInstance, instancePart } from "./control-script";
import { filesScript } from "./files-script";
import { partsReadAtStart, unitFile } from "./unit";

/** An instance, and how Terraform reaches its host. */
export interface ReachableInstance extends HostedInstance {
  readonly login: HostLogin;
}

/**
 * Turns instances into resources. Each has up to five, because Terraform runs the destroy steps of a resource also when it is
 * replaced, so what leaves or uninstalls must be apart from what changes:
 *
 *   <instance>-preflight       the host can do it; before anything is changed anywhere
 *   installed[<instance>]      packages and folders are there; destroyed: everything of the instance is removed
 *   <instance>-member          destroyed: it leaves its cluster, one after another
 *   <instance>-configuration   its files are in place, after the program itself has checked them
 *   <instance>                 it runs with them, as the others and the balancers see it
 *
 * Destroy steps run only while their block is in the plan. A host that is taken out of the definition takes its blocks with it,
 * so `installed` is one block for all, and there is a block for every broker that may ever have been.
 */
export class VmsDeployment {
  private readonly secrets: StackSecrets;
  /** Scripts stand in the plan once, though two resources upload them. */
  private common: TerraformLocal | undefined;
  private readonly controls = new Map<string, TerraformLocal>();
  private readonly bootScripts = new Map<string, TerraformLocal>();

  public constructor(
    private readonly scope: Construct,
    private readonly instances: readonly ReachableInstance[],
  ) {
    this.secrets = new StackSecrets(scope, "file");
  }

  public get secretVariables(): string[] {
    return this.secrets.names;
  }

  /** What runs, by workload and ordinal, first. */
  public run(): TerraformResource[] {
    const preflights = this.instances.map((hosted) => this.preflight(hosted));
    const installed = this.installed(preflights);
    const members = this.members(installed);
    const running = new Map<WorkloadName, TerraformResource[]>();
    const configurations: TerraformResource[] = [];
    for (const hosted of this.inStartOrder()) {
      const { workload, instance } = hosted;
      const before = workload.startsAfter.flatMap((name) => running.get(name) ?? []);
      const predecessors = running.get(workload.name) ?? [];
      const member = members.get(instance.name);
      const configuration = this.configuration(hosted, [
        installed,
        ...(member ? [member] : []),
        ...before,
        // One after another, whatever is changed: a failure leaves the rest untouched.
        ...predecessors.slice(-1),
      ]);
      configurations.push(configuration);
      running.set(workload.name, [...predecessors, this.program(hosted, configuration)]);
    }
    return [
      ...[...running.values()].flat(),
      ...configurations,
      ...members.values(),
      installed,
      ...preflights,
      ...this.secretRules(),
    ];
  }

  private inStartOrder(): ReachableInstance[] {
    const workloads = inStartOrder([...new Set(this.instances.map(({ workload }) => workload))]);
    return workloads.flatMap((workload) => this.instances.filter((hosted) => hosted.workload === workload));
  }

  /** For hosts that set themselves up: the variables in their scripts, and no more. */
  public secretRules(): TerraformResource[] {
    for (const { workload } of this.instances) {
      this.secrets.fingerprint(filesScript(workload.files));
    }
    return this.secrets.names.length > 0 ? [this.secrets.checkInPlan()] : [];
  }

  /**
   * The script that a host can do everything with at its first boot. A local value of the stack: cdktf takes no text with
   * quotes in it as an argument of Terraform's functions, and this one is to be compressed.
   */
  public userData(host: string): string {
    const hosted = this.instances.filter(({ instance }) => instance.host === host);
    const [{ instance }] = hosted;
    const script =
      this.bootScripts.get(host) ??
      new TerraformLocal(this.scope, `${instance.name}-user-data`, this.bootScript(hosted));
    this.bootScripts.set(host, script);
    return script.asString;
  }

  private bootScript(hosted: readonly ReachableInstance[]): string {
    const write = (name: string, end: string, text: string) => `cat >"$folder/${name}" <<'${end}'\n${text}${end}`;
    const parts = hosted.flatMap((one) => {
      const { name } = one.instance;
      return [
        write("instance", "END-OF-INSTANCE", escapeTemplate(instancePart(one))),
        write("files", "END-OF-FILES-SCRIPT", this.secrets.resolve(filesScript(one.workload.files))),
        `cat "$folder/instance" "$folder/common" >"$folder/${name}"`,
        `sh "$folder/${name}" boot "$folder/files"`,
      ];
    });
    return `${[
      "#!/bin/sh",
      "set -eu",
      "umask 077",
      "folder=$(mktemp -d)",
      "trap 'rm -rf \"$folder\"' EXIT",
      write("common", "END-OF-COMMON-PART", escapeTemplate(withoutComments(commonPart()))),
      ...parts,
    ].join("\n")}\n`;
  }

  private controlOf(hosted: ReachableInstance): string {
    const { name } = hosted.instance;
    this.common ??= new TerraformLocal(this.scope, "control", escapeTemplate(commonPart()));
    const script =
      this.controls.get(name) ??
      new TerraformLocal(this.scope, `${name}-control`, escapeTemplate(instancePart(hosted)));
    this.controls.set(name, script);
    return `${script.asString}${this.common.asString}`;
  }

  private preflight(hosted: ReachableInstance): TerraformResource {
    return terraformData(this.scope, `${hosted.instance.name}-preflight`, {
      triggers: { control: fingerprint(controlScript(hosted)), address: hosted.address },
      provisioners: brought(connectionTo(hosted.login), uploadsOf(hosted), "preflight", {
        control: this.controlOf(hosted),
      }),
    });
  }

  private installed(preflights: readonly TerraformResource[]): TerraformResource {
    const connection = connectionToSelf();
    const self = "${self.input.cluster}/${self.input.instance}";
    const entries = this.instances.map((hosted) => [
      hosted.instance.name,
      {
        cluster: hosted.cluster,
        instance: hosted.instance.name,
        host: hosted.instance.host,
        login: escapeStrings(hosted.login),
        control: this.controlOf(hosted),
      },
    ]);
    const input = ["cluster", "instance", "login"].map((key) => [key, `\${each.value.${key}}`]);
    const uploads = `${UPLOADS}-\${self.input.cluster}-\${self.input.instance}`;
    const steps = brought(connection, uploads, "install", { control: "${each.value.control}" });
    return terraformData(this.scope, "installed", {
      forEach: Object.fromEntries(entries),
      input: Object.fromEntries(input),
      triggers: ["${each.value.host}"],
      dependsOn: preflights,
      provisioners: [
        // Terraform skips the destroy steps of what failed when it was made. Whatever is missing after a failure, the
        // configuration's step does again, and fails.
        ...steps.map((step) => ({ ...step, onFailure: "continue" as const })),
        {
          type: "remote-exec",
          when: "destroy",
          connection,
          inline: [
            ...ifPresent(`${CONTROLS}/${self}`, asRoot([`${CONTROLS}/${self}`, "uninstall"])),
            `rm -rf "${uploads}"`,
          ],
        },
      ],
    });
  }

  /** For every name that a member may have; those of no instance have a count of zero, and wait for a destroy. */
  private members(installed: TerraformResource): Map<string, TerraformResource> {
    const members = new Map<string, TerraformResource>();
    const present = this.instances.filter(({ workload }) => workload.membership);
    const workload = present[0]?.workload;
    for (let ordinal = 1; workload && ordinal <= MOST_BROKERS; ordinal++) {
      const name = `${workload.name}-${ordinal}`;
      const hosted = present.find(({ instance }) => instance.name === name);
      const before = [...members.values()].slice(-1);
      const member = terraformData(this.scope, `${name}-member`, {
        count: hosted ? 1 : 0,
        input: hosted && {
          cluster: hosted.cluster,
          instance: name,
          host: hosted.instance.host,
          login: escapeStrings(hosted.login),
        },
        triggers: hosted ? [hosted.instance.host] : [],
        // Destroyed in the opposite order, one at a time: two that leave at once could take the majority with them.
        dependsOn: [installed, ...before],
        provisioners: this.farewell(workload, name),
      });
      members.set(name, member);
    }
    return members;
  }

  /** Steps of leaving. They may use what the plan knows of others, and of the one that leaves only `self`. */
  private farewell(workload: Workload, name: string): Provisioner[] {
    const self = "${self.input.cluster}/${self.input.instance}";
    const peer = ["${self.input.instance}", "${self.input.host}"];
    // All of them: one that was added in the same plan is not a member yet, and has nothing to tell.
    const remaining = this.instances.filter(
      ({ workload: other, instance }) => other.name === workload.name && instance.name !== name,
    );
    const here = (command: string): Provisioner => ({
      type: "remote-exec",
      when: "destroy",
      connection: connectionToSelf(),
      inline: ifPresent(`${CONTROLS}/${self}`, asRoot([`${CONTROLS}/${self}`, command])),
    });
    const there = (other: ReachableInstance, command: string): Provisioner => ({
      ...onHost(other, ifPresent(control(other), asRoot([control(other), command, ...peer]))),
      when: "destroy",
    });
    return [
      ...this.poolsOf(workload).map((pool) => there(pool, "drain")),
      here("drain-self"),
      ...(workload.membership?.release ? remaining.map((other) => there(other, "release")) : []),
      here("stop"),
      ...remaining.map((other) => there(other, "forget")),
    ];
  }

  private configuration(hosted: ReachableInstance, dependsOn: readonly TerraformResource[]): TerraformResource {
    const script = controlScript(hosted);
    const files = filesScript(hosted.workload.files);
    return terraformData(this.scope, `${hosted.instance.name}-configuration`, {
      triggers: {
        files: fingerprint(files),
        control: fingerprint(script),
        secrets: this.secrets.fingerprint(files) ?? "none",
        host: hosted.instance.host,
      },
      dependsOn,
      provisioners: brought(connectionTo(hosted.login), uploadsOf(hosted), "place", {
        control: this.controlOf(hosted),
        files: this.secrets.resolve(files),
      }),
    });
  }

  private program(hosted: ReachableInstance, configuration: TerraformResource): TerraformResource {
    const { workload, instance, cluster, folders, download } = hosted;
    const others = workload.membership
      ? this.instances.filter((other) => other.workload === workload && other !== hosted)
      : [];
    const pools = this.poolsOf(workload);
    const tell = (other: ReachableInstance, command: string) =>
      onHost(other, asRoot([control(other), command, instance.name, instance.host]));
    const restarting = workload.files.filter(
      ({ onChange }) => onChange !== "nothing" && changeEffect(workload, onChange) === "restart",
    );
    const text = filesScript(restarting);
    const { name, version } = workload.package as Package;
    return terraformData(this.scope, instance.name, {
      triggers: {
        files: fingerprint(text),
        unit: fingerprint(partsReadAtStart(unitFile(cluster, workload, instance, folders))),
        package: download?.sha256 ?? [name, ...(version ? [version] : [])].join(" "),
        secrets: this.secrets.fingerprint(text) ?? "none",
        host: hosted.instance.host,
      },
      dependsOn: [configuration],
      provisioners: [
        ...(others.length > 0 ? [onHost(hosted, asRoot([control(hosted), "revive"]))] : []),
        ...others.map((other) => onHost(other, asRoot([control(other), "others-ready"]))),
        // Before anybody's clients are sent away: a balancer that cannot be reached stops it here.
        ...pools.map((pool) => onHost(pool, ["true"])),
        ...pools.map((pool) => tell(pool, "drain")),
        onHost(hosted, asRoot([control(hosted), "start"])),
        ...others.map((other) => tell(other, "sees")),
        ...pools.map((pool) => tell(pool, "admit")),
      ],
    });
  }

  private poolsOf({ name }: Workload): ReachableInstance[] {
    return this.instances.filter(({ workload }) => workload.pool?.of === name);
  }
}

/** How folders begin that scripts arrive in, in the home folder of whoever logs in. */
const UPLOADS = ".mqtt-cluster";
/** Where control scripts stay. */
const CONTROLS = "/usr/local/lib/mqtt-cluster";

function control({ cluster, instance }: HostedInstance): string {
  return `${CONTROLS}/${cluster}/${instance.name}`;
}

function uploadsOf({ cluster, instance }: HostedInstance): string {
  return `${UPLOADS}-${cluster}-${instance.name}`;
}

function onHost({ login }: ReachableInstance, inline: string[]): RemoteExecProvisioner {
  return { type: "remote-exec", connection: connectionTo(login), inline };
}

/**
 * Has a host run the control script that it is brought, on the other files that it is brought. Nobody else there can read
 * them, whatever mode they arrive with, and none stays.
 */
function brought(
  connection: SSHProvisionerConnection,
  folder: string,
  command: "preflight" | "install" | "place",
  { control, ...others }: { readonly control: string; readonly files?: string },
): Provisioner[] {
  const path = (name: string) => `${folder}/${name}`;
  const words = ["sh", path("control"), command, ...Object.keys(others).map(path)];
  return [
    {
      type: "remote-exec",
      connection,
      inline: ["set -eu", "umask 077", `mkdir -p "${folder}"`, `chmod 700 "${folder}"`],
    },
    ...Object.entries({ control, ...others }).map(
      ([name, content]): Provisioner => ({ type: "file", connection, destination: path(name), content }),
    ),
    { type: "remote-exec", connection, inline: [`trap 'rm -rf "${folder}"' EXIT`, ...asRoot(words)] },
  ];
}

function asRoot(words: readonly string[]): string[] {
  const command = words.map((word) => (word.includes("${") ? `"${word}"` : shellCommand([word]))).join(" ");
  return [
    "set -eu",
    `if [ "$(id -u)" = 0 ]; then sudo=; else sudo="sudo -n"; $sudo true || { echo "$(id -un) may not run sudo without a password on $(hostname)" >&2; exit 1; }; fi`,
    `$sudo ${command}`,
  ];
}

function ifPresent(file: string, commands: readonly string[]): string[] {
  return [`if [ -e "${file}" ]; then`, ...commands, "fi"];
}

/** Some clouds count every byte. */
function withoutComments(script: string): string {
  return script.replace(/^\s*# (?!shellcheck ).*\n/gm, "");
}

function escapeStrings<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_key, inner) =>
    typeof inner === "string" ? escapeTemplate(inner) : inner,
  );
}
