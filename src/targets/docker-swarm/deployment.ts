import { Network } from "@cdktf/provider-docker/lib/network";
import { DockerProvider } from "@cdktf/provider-docker/lib/provider";
import {
  Service,
  type ServiceTaskSpec,
  type ServiceTaskSpecContainerSpec,
  type ServiceTaskSpecContainerSpecConfigs,
  type ServiceTaskSpecContainerSpecSecrets,
} from "@cdktf/provider-docker/lib/service";
import type { TerraformResource } from "cdktf";
import type { Construct } from "constructs";
import type { DockerSwarmOptions } from "../../definition/docker-swarm";
import { imageOf } from "../../definition/images";
import { forInstance } from "../../formats/references";
import { escapeTemplate } from "../../formats/terraform";
import type { Placement } from "../../placement/placement";
import type { HealthCheck, Instance, Workload, WorkloadName } from "../../workload";
import { engineProvider, environmentOf, goDuration, secondsUntilUnhealthy } from "../docker-engine";
import { fingerprint } from "../fingerprint";
import { ownNetwork } from "../own-network";
import { runAs } from "../run-as";
import { StackSecrets } from "../stack-secrets";
import { inStartOrder } from "../start-order";
import { type Provisioner, terraformData } from "../terraform-data";
import { SwarmFiles } from "./files";
import { firstProcessFile, secondsForOthers, stopGraceSeconds, withFirstProcess } from "./first-process";
import { healthTimeoutSeconds, swarmHealth } from "./health";
import { isPinned, roleOf } from "./hosts";
import { publishedPorts } from "./published-ports";
import { SELF, type Self, SwarmScript } from "./swarm-script";

/** Images may have to be fetched, and programs that wait for others have their turn. */
const PATIENCE_SECONDS = 180;

/** How long a new task is watched for: one that ends within it takes the service back to what it was. */
const MONITOR_SECONDS = 15;

/**
 * Turns workloads into services of one task each:
 *
 *   preflight             the swarm can do it; before anything is changed
 *   data[<instance>]      destroyed: what it kept is removed from its host
 *   <instance>            the service, after the one before it: so a change is rolled
 *   updated-<instance>    the swarm has watched it for long enough
 *   placed[<instance>]    destroyed: it leaves its cluster and stops, before anything of it is removed
 *
 * An instance that keeps data and gets another host is a new one: it leaves, its data is removed, and it begins anew there.
 * Destroy steps run only while their block is in the plan, so there is one for all.
 */
export class DockerSwarmDeployment {
  private readonly provider: DockerProvider;
  private readonly secrets: StackSecrets;
  private readonly script: SwarmScript;
  private readonly labels: { label: string; value: string }[];

  public constructor(
    private readonly scope: Construct,
    private readonly placement: Placement,
    private readonly options: DockerSwarmOptions,
    private readonly workloads: readonly Workload[],
  ) {
    // An alias keeps clear of a Docker provider that the stack may already have.
    this.provider = new DockerProvider(scope, "docker", { alias: placement.cluster, ...engineProvider(options) });
    this.secrets = new StackSecrets(scope);
    this.script = new SwarmScript(placement.cluster, options, workloads);
    this.labels = [{ label: "mqtt-cluster.name", value: placement.cluster }];
  }

  public get secretVariables(): string[] {
    return this.secrets.names;
  }

  /** Services first, by workload and ordinal. */
  public run(): TerraformResource[] {
    const preflight = this.preflight();
    const network = this.network(preflight);
    const files = new SwarmFiles(this.scope, this.provider, this.placement.cluster, this.secrets, [preflight]);
    const data = this.data(preflight);
    const services: Service[] = [];
    const updated = new Map<WorkloadName, TerraformResource[]>();
    for (const workload of inStartOrder(this.workloads)) {
      const before = workload.startsAfter.flatMap((name) => updated.get(name) ?? []);
      const done: TerraformResource[] = [];
      for (const instance of workload.instances) {
        const task = this.task(workload, instance, network, files);
        // One after another, whatever is changed: a failure leaves the rest untouched.
        const dependsOn = [preflight, network, data, ...before, ...done.slice(-1)];
        const service = this.service(workload, instance, task, dependsOn, isPinned(workload) ? data : undefined);
        services.push(service);
        done.push(this.updated(instance, service, task));
      }
      updated.set(workload.name, done);
    }
    return [
      ...services,
      ...[...updated.values()].flat(),
      this.placed(services),
      data,
      network,
      ...files.resources,
      preflight,
      ...(this.secrets.names.length > 0 ? [this.secrets.checkInPlan()] : []),
    ];
  }

  private preflight(): TerraformResource {
    const step = this.script.preflight();
    return terraformData(this.scope, "preflight", {
      triggers: fingerprint(JSON.stringify(step)),
      provisioners: [step],
    });
  }

  private network(preflight: TerraformResource): Network {
    const { encryptNetwork } = this.options;
    const { name, subnet } = ownNetwork(this.options, this.placement.cluster);
    return new Network(this.scope, "network", {
      provider: this.provider,
      dependsOn: [preflight],
      name,
      driver: "overlay",
      // For whoever looks into it with a container of their own.
      attachable: true,
      options: encryptNetwork ? { encrypted: "" } : undefined,
      ipamConfig: subnet ? [{ subnet }] : undefined,
      labels: this.labels,
    });
  }

  private data(preflight: TerraformResource): TerraformResource {
    return this.forEachPinned("data", [preflight], {
      create: this.script.checkNoData(SELF),
      destroy: this.script.removeData(SELF),
    });
  }

  private placed(services: readonly Service[]): TerraformResource {
    return this.forEachPinned("placed", services, { destroy: this.script.leave(SELF) });
  }

  private forEachPinned(
    id: string,
    dependsOn: readonly TerraformResource[],
    { create, destroy }: { readonly create?: Provisioner; readonly destroy: Provisioner },
  ): TerraformResource {
    const entries = this.workloads
      .filter(isPinned)
      .flatMap((workload) =>
        workload.instances.map((instance): [string, Self] => [instance.name, this.selfOf(workload, instance)]),
      );
    const input = Object.keys(SELF).map((key) => [key, `\${each.value.${key}}`]);
    // Also for none: the last one that goes finds its destroy step only in a block that is still there.
    return terraformData(this.scope, id, {
      forEach: Object.fromEntries(entries),
      input: Object.fromEntries(input),
      triggers: ["${each.value.constraint}", "${each.value.volumes}"],
      dependsOn,
      provisioners: [...(create ? [create] : []), { ...destroy, when: "destroy" }],
    });
  }

  private selfOf(workload: Workload, instance: Instance): Self {
    return {
      cluster: this.placement.cluster,
      instance: instance.name,
      host: instance.host,
      constraint: roleOf(workload, instance, this.options).host.constraint,
      volumes: workload.data.map(({ name }) => this.volume(instance, name)).join(" "),
    };
  }

  private volume(instance: Instance, directory: string): string {
    return `${this.placement.cluster}-${instance.name}-${directory}`;
  }

  private service(
    workload: Workload,
    instance: Instance,
    taskSpec: ServiceTaskSpec,
    dependsOn: readonly TerraformResource[],
    data: TerraformResource | undefined,
  ): Service {
    const { health } = workload;
    const roll = {
      parallelism: 1,
      delay: "0s",
      monitor: duration(MONITOR_SECONDS),
      maxFailureRatio: "0.0",
      // The port of a host, and data, are for one at a time.
      order: "stop-first",
    };
    return new Service(this.scope, instance.name, {
      provider: this.provider,
      dependsOn: [...dependsOn],
      name: `${this.placement.cluster}-${instance.name}`,
      labels: [...this.labels, { label: "mqtt-cluster.workload", value: workload.name }],
      taskSpec,
      mode: { replicated: { replicas: 1 } },
      updateConfig: { ...roll, failureAction: "rollback" },
      rollbackConfig: { ...roll, failureAction: "pause" },
      endpointSpec: {
        // Connections to a virtual address would outlive who answered there.
        mode: "dnsrr",
        ports: publishedPorts(this.options, workload).map(({ name, number }) => ({
          name,
          protocol: "tcp",
          targetPort: number,
          publishedPort: number,
          // Through the swarm's own mesh every client would have the address of a host.
          publishMode: "host",
        })),
      },
      convergeConfig: {
        delay: "1s",
        timeout: `${PATIENCE_SECONDS + stopGraceSeconds(workload) + (health ? secondsUntilUnhealthy(health) : 0)}s`,
      },
      ...(data && { lifecycle: { replaceTriggeredBy: [`${addressInPlan(data)}["${instance.name}"].id`] } }),
    });
  }

  private updated(instance: Instance, service: Service, task: ServiceTaskSpec): TerraformResource {
    const { configs, secrets, ...container } = task.containerSpec;
    const files = [
      ...((configs ?? []) as ServiceTaskSpecContainerSpecConfigs[]).map(({ configId }) => configId),
      ...((secrets ?? []) as ServiceTaskSpecContainerSpecSecrets[]).map(({ secretId }) => secretId),
    ];
    return terraformData(this.scope, `updated-${instance.name}`, {
      triggers: [
        fingerprint(JSON.stringify({ ...task, networksAdvanced: undefined, containerSpec: container })),
        ...files,
      ],
      dependsOn: [service],
      provisioners: [this.script.awaitUpdate(`${this.placement.cluster}-${instance.name}`)],
    });
  }

  private task(workload: Workload, instance: Instance, network: Network, files: SwarmFiles): ServiceTaskSpec {
    const { cpus, memoryMiB } = workload.process;
    return {
      containerSpec: this.container(workload, instance, files),
      ...((cpus || memoryMiB) && {
        resources: {
          limits: {
            ...(cpus && { nanoCpus: Math.round(cpus * 1e9) }),
            ...(memoryMiB && { memoryBytes: memoryMiB * 1024 ** 2 }),
          },
        },
      }),
      restartPolicy: { condition: "any", delay: "5s", window: "0s" },
      placement: { constraints: [roleOf(workload, instance, this.options).host.constraint] },
      networksAdvanced: [{ name: network.id, aliases: [instance.host] }],
      logDriver: { name: "json-file", options: { "max-size": "10m", "max-file": "3" } },
    };
  }

  private container(workload: Workload, instance: Instance, files: SwarmFiles): ServiceTaskSpecContainerSpec {
    const { process, health, membership } = workload;
    const [user, group] = runAs(workload, this.options).map(String);
    const first = firstProcessFile(workload);
    const withFirst: Workload = first
      ? { ...workload, files: [...workload.files, { ...first, mode: 0o444, onChange: "restart" }] }
      : workload;
    const command = first
      ? withFirstProcess(workload, instance, process.command ?? process.entryPoint)
      : process.command;
    const words = (list: readonly string[]) => list.map((word) => escapeTemplate(forInstance(word, instance)));
    return {
      image: imageOf(this.options, workload),
      hostname: instance.host,
      user: `${user}:${group}`,
      command: command && words(command),
      args: process.args.length > 0 ? words(process.args) : undefined,
      env: Object.fromEntries(environmentOf(process.environment, instance)),
      ...files.of(withFirst, instance, { user, group }),
      mounts: workload.data.map(({ name, path }) => ({
        type: "volume",
        source: this.volume(instance, name),
        target: path,
        volumeOptions: { labels: this.labels },
      })),
      stopSignal: membership ? "SIGTERM" : process.stopSignal,
      stopGracePeriod: duration(stopGraceSeconds(workload)),
      healthcheck: health && this.healthcheck(workload, health, instance),
      capDrop: ["ALL"],
      labels: this.labels,
    };
  }

  private healthcheck(workload: Workload, health: HealthCheck, instance: Instance) {
    const waits = workload.membership ? secondsForOthers(workload, instance) : 0;
    return {
      test: swarmHealth(workload, health, instance).map(escapeTemplate),
      interval: duration(health.intervalSeconds),
      timeout: duration(healthTimeoutSeconds(workload, health)),
      retries: health.retries,
      startPeriod: duration(health.startPeriodSeconds + waits),
    };
  }
}

/** As the provider reads durations of services back; see goDuration. */
function duration(seconds: number): string {
  return goDuration(seconds).replace(/m0s$/, "m").replace(/h0m$/, "h");
}

/** Where Terraform takes no expression. */
function addressInPlan({ terraformResourceType, friendlyUniqueId }: TerraformResource): string {
  return `${terraformResourceType}.${friendlyUniqueId}`;
}
