import { createHash } from "node:crypto";
import { posix } from "node:path";
import { Container, type ContainerConfig, type ContainerHealthcheck } from "@cdktf/provider-docker/lib/container";
import { Image } from "@cdktf/provider-docker/lib/image";
import { Network } from "@cdktf/provider-docker/lib/network";
import { DockerProvider } from "@cdktf/provider-docker/lib/provider";
import { Volume } from "@cdktf/provider-docker/lib/volume";
import type { TerraformResource } from "cdktf";
import type { Construct } from "constructs";
import type { DockerOptions } from "../../definition/docker";
import { imageOf } from "../../definition/images";
import { forInstance } from "../../formats/references";
import { escapeTemplate } from "../../formats/terraform";
import type { Placement } from "../../placement/placement";
import type { ConfigFile, HealthCheck, Instance, Process, Workload, WorkloadName } from "../../workload";
import { engineProvider, environmentOf, goDuration, probeCommand, secondsUntilUnhealthy } from "../docker-engine";
import { ownNetwork } from "../own-network";
import { StackSecrets } from "../stack-secrets";
import { inStartOrder } from "../start-order";
import type { PublishedPort } from "./published-ports";

/** Microseconds in which a container may use `cpuQuota` microseconds of processor time; Docker's own default. */
const CPU_PERIOD = 100_000;

/** Where files wait that their program must own; see `startCommand`. */
const STAGING = "/run/staged";

/** Turns workloads into the resources of Terraform's Docker provider. */
export class DockerDeployment {
  private readonly provider: DockerProvider;
  private readonly network: Network;
  private readonly secrets: StackSecrets;
  private readonly images = new Map<string, Image>();
  private readonly volumes: Volume[] = [];

  public constructor(
    private readonly scope: Construct,
    private readonly placement: Placement,
    private readonly options: DockerOptions,
  ) {
    // An alias keeps clear of a Docker provider that the stack may already have.
    this.provider = new DockerProvider(scope, "docker", {
      alias: placement.cluster,
      ...engineProvider(options),
    });
    this.network = new Network(scope, "network", {
      provider: this.provider,
      name: ownNetwork(options, placement.cluster).name,
      driver: "bridge",
      ipamConfig: options.subnet ? [{ subnet: options.subnet }] : undefined,
      labels: [{ label: "mqtt-cluster.name", value: placement.cluster }],
    });
    this.secrets = new StackSecrets(scope);
  }

  public get secretVariables(): string[] {
    return this.secrets.names;
  }

  /** Containers first, by workload and ordinal. */
  public run(workloads: readonly Workload[], ports: readonly PublishedPort[]): TerraformResource[] {
    const containers = new Map<WorkloadName, Container[]>();
    for (const workload of inStartOrder(workloads)) {
      const before = workload.startsAfter.flatMap((name) => containers.get(name) ?? []);
      const started: Container[] = [];
      for (const instance of workload.instances) {
        const waitsFor = workload.startOrder === "one-by-one" ? [...before, ...started.slice(-1)] : before;
        const published = ports.filter((port) => port.instance === instance.name);
        started.push(this.container(workload, instance, published, waitsFor));
      }
      containers.set(workload.name, started);
    }
    const rules = this.secrets.names.length > 0 ? [this.secrets.checkInPlan()] : [];
    return [...[...containers.values()].flat(), this.network, ...this.volumes, ...this.images.values(), ...rules];
  }

  private container(
    workload: Workload,
    instance: Instance,
    ports: readonly PublishedPort[],
    dependsOn: readonly Container[],
  ): Container {
    const { process, health } = workload;
    const healthcheck = health && dockerHealthcheck(health, instance);
    return new Container(this.scope, instance.name, {
      provider: this.provider,
      dependsOn: dependsOn.length > 0 ? [...dependsOn] : undefined,
      name: `${this.placement.cluster}-${instance.name}`,
      image: this.image(workload).imageId,
      hostname: instance.host,
      networksAdvanced: [{ name: this.network.name, aliases: [instance.host] }],
      ports: ports.map(({ containerPort, hostPort, address }) => ({
        internal: containerPort,
        external: hostPort,
        ip: address,
        protocol: "tcp",
      })),
      ...startCommand(workload, instance),
      env: environmentOf(process.environment, instance)
        .map((pair) => pair.join("="))
        .sort(),
      upload: workload.files.map((file) => this.upload(file)),
      volumes: workload.data.map((directory) => ({
        containerPath: directory.path,
        volumeName: this.volume(instance, directory.name).name,
      })),
      ...limits(process),
      healthcheck,
      // A container that is not healthy in time fails the apply, and what depends on it is not started.
      ...(health && { wait: true, waitTimeout: secondsUntilUnhealthy(health) + 60 }),
      // Without a grace the provider kills: brokers lose what they had not written.
      destroyGraceSeconds: process.stopGraceSeconds,
      stopTimeout: process.stopGraceSeconds,
      stopSignal: process.stopSignal,
      restart: "unless-stopped",
      logDriver: "json-file",
      logOpts: { "max-size": "10m", "max-file": "3" },
      labels: [
        { label: "mqtt-cluster.name", value: this.placement.cluster },
        { label: "mqtt-cluster.workload", value: workload.name },
        { label: "mqtt-cluster.program", value: workload.program },
        // The provider reports a changed health check as done and leaves the container as it was; a changed label replaces it.
        ...(healthcheck ? [{ label: "mqtt-cluster.health-check", value: fingerprint(healthcheck) }] : []),
      ],
    });
  }

  private image(workload: Workload): Image {
    const reference = imageOf(this.options, workload);
    let image = this.images.get(reference);
    if (!image) {
      image = new Image(this.scope, `image-${workload.program}`, {
        provider: this.provider,
        name: reference,
        keepLocally: true,
      });
      this.images.set(reference, image);
    }
    return image;
  }

  private volume(instance: Instance, directory: string): Volume {
    const volume = new Volume(this.scope, `${instance.name}-${directory}`, {
      provider: this.provider,
      name: `${this.placement.cluster}-${instance.name}-${directory}`,
      labels: [{ label: "mqtt-cluster.name", value: this.placement.cluster }],
    });
    this.volumes.push(volume);
    return volume;
  }

  private upload(file: ConfigFile) {
    return {
      file: file.mustBeOwnedByProgram ? stagedPath(file) : file.path,
      content: this.secrets.resolve(file.content),
      // Uploaded files belong to the superuser whatever the image's user is, who must be able to read them. Inside a
      // container nobody else is there.
      permissions: `0${(file.mode | 0o044).toString(8)}`,
    };
  }
}

function stagedPath(file: ConfigFile): string {
  return posix.join(STAGING, posix.basename(file.path));
}

/**
 * Docker cannot give an uploaded file to the program's user. What the program insists on owning is uploaded beside, and
 * copied by the program's own user before it starts.
 */
function startCommand({ program, process, files }: Workload, instance: Instance): Partial<ContainerConfig> {
  const owned = files.filter((file) => file.mustBeOwnedByProgram);
  const args = process.args.map((arg) => escapeTemplate(forInstance(arg, instance)));
  const command = process.command?.map((word) => escapeTemplate(forInstance(word, instance)));
  if (owned.length === 0) {
    return { entrypoint: command, command: args.length > 0 ? args : undefined };
  }
  if (!command) {
    throw new Error(`${program} has files that it must own and no command of its own to start it with`);
  }
  const copies = owned.map((file) => {
    const mode = file.mode.toString(8);
    return `mkdir -p ${posix.dirname(file.path)} && cp -f ${stagedPath(file)} ${file.path} && chmod ${mode} ${file.path}`;
  });
  return {
    entrypoint: ["sh", "-ec", `umask 077\n${copies.join("\n")}\numask 022\nexec "$@"`, program],
    command: [...command, ...args],
  };
}

function limits(process: Process): Partial<ContainerConfig> {
  return {
    user: process.user,
    ulimit: [{ name: "nofile", soft: process.openFiles, hard: process.openFiles }],
    // Swap would only turn a broker that is out of memory into one that is out of time.
    // Not `cpus`: the provider (3.6.2) crashes on it.
    ...(process.cpus && { cpuPeriod: CPU_PERIOD, cpuQuota: Math.round(process.cpus * CPU_PERIOD) }),
    ...(process.memoryMiB && { memory: process.memoryMiB, memorySwap: process.memoryMiB }),
    // Images that start as the superuser and change the user themselves need what is dropped here.
    ...(process.user && { capabilities: { drop: ["ALL"] }, securityOpts: ["no-new-privileges:true"] }),
  };
}

function dockerHealthcheck(health: HealthCheck, instance: Instance): ContainerHealthcheck {
  return {
    test: ["CMD", ...probeCommand(health).map((word) => escapeTemplate(forInstance(word, instance)))],
    interval: goDuration(health.intervalSeconds),
    timeout: goDuration(health.timeoutSeconds),
    retries: health.retries,
    startPeriod: goDuration(health.startPeriodSeconds),
  };
}

function fingerprint(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 12);
}
