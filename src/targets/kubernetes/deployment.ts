import { ConfigMapV1 } from "@cdktf/provider-kubernetes/lib/config-map-v1";
import { DeploymentV1 } from "@cdktf/provider-kubernetes/lib/deployment-v1";
import { NetworkPolicyV1 } from "@cdktf/provider-kubernetes/lib/network-policy-v1";
import { PodDisruptionBudgetV1 } from "@cdktf/provider-kubernetes/lib/pod-disruption-budget-v1";
import { KubernetesProvider } from "@cdktf/provider-kubernetes/lib/provider";
import { ServiceV1 } from "@cdktf/provider-kubernetes/lib/service-v1";
import { StatefulSetV1 } from "@cdktf/provider-kubernetes/lib/stateful-set-v1";
import type { TerraformResource } from "cdktf";
import type { Construct } from "constructs";
import type { KubernetesOptions } from "../../definition/kubernetes-schema";
import type { Placement } from "../../placement/placement";
import type { ConfigFile, CustomObject, Workload, WorkloadName } from "../../workload";
import { fingerprint } from "../fingerprint";
import { StackSecrets } from "../stack-secrets";
import { inStartOrder } from "../start-order";
import { Accounts } from "./accounts";
import { keyOf, needsRestart, templatesOf } from "./files";
import { Foundation } from "./foundation";
import type { Helm } from "./helm";
import { lookUp, type NeededDefinition } from "./lookups";
import { isMadeHere } from "./made-here";
import { blocks, escaped, type Making, metadata, secretsOf } from "./making";
import { isKnownByName, type Names } from "./names";
import { flowsOf } from "./network-policies";
import { claim, forgetSeconds, hostSuffix, type PodInput, podParts, podSpec } from "./pod";
import { rolloutSeconds } from "./rollout";
import { clientsService, headlessService, internalService, isForClients } from "./services";
import { STOP, stopScript } from "./stop-script";

/** Turns workloads into the resources of Terraform's Kubernetes and Helm providers. */
export class KubernetesDeployment {
  private readonly making: Making;
  private readonly secrets: StackSecrets;
  private loadedHelm: Helm | undefined;
  private readonly accounts: Accounts;
  private readonly foundation: Foundation;
  /** What is there beside the pods. */
  private readonly others: TerraformResource[] = [];
  private readonly running = new Map<WorkloadName, TerraformResource>();

  public constructor(
    scope: Construct,
    private readonly placement: Placement,
    private readonly options: KubernetesOptions,
    private readonly names: Names,
  ) {
    const { kubeconfig: configPath, context: configContext } = options;
    // An alias keeps clear of a provider that the stack may already have.
    const provider = new KubernetesProvider(scope, "kubernetes", {
      alias: placement.cluster,
      configPath,
      configContext,
      // Google's Kubernetes writes into every service, and each plan would want it gone.
      ignoreAnnotations: ["^cloud\\.google\\.com/"],
    });
    this.making = { scope, provider, options, names };
    this.secrets = new StackSecrets(scope, "kubernetes");
    this.accounts = new Accounts(this.making);
    this.foundation = new Foundation(this.making, this.secrets, this.accounts);
  }

  public get secretVariables(): string[] {
    return this.secrets.names;
  }

  /** What runs pods first, by workload. */
  public run(workloads: readonly Workload[], objects: readonly CustomObject[]): TerraformResource[] {
    lookUp(this.making, this.neededDefinitions(workloads, objects));
    this.foundation.make(workloads);
    for (const workload of inStartOrder(workloads)) {
      this.running.set(workload.name, this.deploy(workload, workloads, objects));
    }
    if (objects.length > 0) {
      this.others.push(this.helm.objects("objects", this.names.of("objects"), objects, this.foundation.resources));
    }
    return [
      ...workloads.map(({ name }) => this.running.get(name) as TerraformResource),
      ...this.others,
      ...this.accounts.resources,
      ...this.foundation.resources,
      ...(this.secrets.names.length > 0 ? [this.secrets.checkInPlan()] : []),
    ];
  }

  /** Loaded only now: few need its provider, which is an optional dependency. */
  private get helm(): Helm {
    if (!this.loadedHelm) {
      const { Helm: Loaded } = require("./helm") as typeof import("./helm");
      this.loadedHelm = new Loaded(this.making.scope, this.placement.cluster, this.options);
    }
    return this.loadedHelm;
  }

  private neededDefinitions(workloads: readonly Workload[], objects: readonly CustomObject[]): NeededDefinition[] {
    const resource = workloads.find(({ customResource }) => customResource)?.customResource;
    const kinds = new Map(objects.map(({ kind, definition }) => [kind, definition]));
    return [
      ...(resource && !this.options.installOperator
        ? [
            {
              kind: resource.kind,
              definition: resource.definition,
              remedy: `Install the operator (chart ${resource.operator.name} ${resource.operator.version}), set target.installOperator, or set target.lookUp to false if the same apply installs it elsewhere.`,
            },
          ]
        : []),
      ...[...kinds].map(([kind, definition]) => ({
        kind,
        definition,
        remedy: "Install the Prometheus operator, or use Monitoring.prometheus().",
      })),
    ];
  }

  /** @returns what an apply waits for until the workload's pods are ready. */
  private deploy(
    workload: Workload,
    workloads: readonly Workload[],
    objects: readonly CustomObject[],
  ): TerraformResource {
    const before = workload.startsAfter.flatMap((name) => this.running.get(name) ?? []);
    const beside = [...this.configuration(workload), ...this.services(workload)];
    this.others.push(...beside, ...this.protection(workload, workloads, objects.length > 0));
    const input = this.podInput(workload);
    const dependsOn = [...this.foundation.resources, ...this.accounts.resources, ...beside, ...before];
    if (workload.chart) {
      return this.helm.release(workload.chart, workload, podParts(input), dependsOn);
    }
    if (workload.customResource) {
      return this.helm.customResource(workload.customResource, podParts(input), dependsOn);
    }
    return workload.data.length > 0
      ? this.statefulSet(workload, input, dependsOn)
      : this.deployment(workload, input, dependsOn);
  }

  private podInput(workload: Workload): PodInput {
    return {
      workload,
      names: this.names,
      options: this.options,
      secrets: secretsOf(workload),
      annotations: this.checksums(workload),
      serviceAccount: this.accounts.nameFor(workload, this.foundation.resources),
    };
  }

  /** One for each file, so that a plan shows which of them replaces the pods. */
  private checksums(workload: Workload): Record<string, string> {
    return Object.fromEntries(
      workload.files
        .filter((file) => needsRestart(workload, file))
        .map((file) => {
          const secret = this.secrets.fingerprint(file.content);
          return [`checksum/${annotationOf(file)}`, fingerprint(file.content) + (secret ? `-${secret}` : "")];
        }),
    );
  }

  private configuration(workload: Workload): ConfigMapV1[] {
    const { membership, name } = workload;
    const data = {
      ...templatesOf(workload),
      ...(membership && isMadeHere(workload)
        ? {
            [STOP]: stopScript(membership, hostSuffix({ names: this.names, workload }), {
              scaleUrl: this.scaleUrl(name),
              // Balancers find out by themselves, while it sends its clients away.
              waitSeconds: workload.ports.some(isForClients) ? forgetSeconds(this.options) : 0,
              dataFolder: workload.data[0].path,
            }),
          }
        : {}),
    };
    return Object.keys(data).length === 0
      ? []
      : [
          new ConfigMapV1(this.making.scope, `${name}-files`, {
            provider: this.making.provider,
            dependsOn: [...this.foundation.resources],
            metadata: metadata(this.making, this.names.of(name), this.names.labels(name, workload.program)),
            data: escaped(data),
          }),
        ];
  }

  private scaleUrl(workload: WorkloadName): string {
    const { namespace } = this.options;
    const set = `namespaces/${namespace}/statefulsets/${this.names.of(workload)}`;
    return `https://kubernetes.default.svc/apis/apps/v1/${set}/scale`;
  }

  private services(workload: Workload): ServiceV1[] {
    const { name, program, ports } = workload;
    const make = (id: string, service: string, spec: ReturnType<typeof headlessService>) =>
      new ServiceV1(this.making.scope, id, {
        provider: this.making.provider,
        dependsOn: [...this.foundation.resources],
        metadata: {
          ...metadata(this.making, service, this.names.labels(name, program)),
          ...(Object.keys(spec.annotations ?? {}).length > 0 && { annotations: spec.annotations }),
        },
        spec: spec.spec,
        waitForLoadBalancer: spec.waitForLoadBalancer,
        timeouts: spec.timeouts,
      });
    // A workload with one instance has one service, and its pod no name that anybody asks for.
    const hasManyNames = name === "broker" || !isKnownByName(name);
    return [
      ...(hasManyNames && !workload.chart
        ? [make(`${name}-headless-service`, this.names.headlessService(name), headlessService(workload, this.names))]
        : []),
      ...(name !== "broker" && ports.some((port) => !isForClients(port))
        ? [make(`${name}-service`, this.names.of(name), internalService(workload, this.names))]
        : []),
      ...(ports.some(isForClients)
        ? [make("clients-service", this.names.of("clients"), clientsService(workload, this.names, this.options))]
        : []),
    ];
  }

  private protection(
    workload: Workload,
    workloads: readonly Workload[],
    isWatchedFromOutside: boolean,
  ): TerraformResource[] {
    const { hardening } = this.options;
    const { name, program, instances, data } = workload;
    const named = metadata(this.making, this.names.of(name), this.names.labels(name, program));
    const podSelector = { matchLabels: this.names.selector(name) };
    return [
      // Two for one pod would let nobody take it away; others have one of their own.
      ...(hardening.disruptionBudgets && isMadeHere(workload) && (instances.length > 1 || data.length > 0)
        ? [
            new PodDisruptionBudgetV1(this.making.scope, `${name}-disruption-budget`, {
              provider: this.making.provider,
              dependsOn: [...this.foundation.resources],
              metadata: named,
              spec: { maxUnavailable: "1", selector: podSelector },
            }),
          ]
        : []),
      ...(hardening.networkPolicies
        ? [
            new NetworkPolicyV1(this.making.scope, `${name}-network-policy`, {
              provider: this.making.provider,
              dependsOn: [...this.foundation.resources],
              metadata: named,
              spec: {
                podSelector,
                policyTypes: ["Ingress", "Egress"],
                ...flowsOf(workload, {
                  workloads,
                  names: this.names,
                  options: this.options,
                  readsApi: workloads.filter((one) => this.accounts.readsApi(one)).map((one) => one.name),
                  isWatchedFromOutside,
                }),
              },
            }),
          ]
        : []),
    ];
  }

  private statefulSet(workload: Workload, input: PodInput, dependsOn: TerraformResource[]): TerraformResource {
    const { name, program, instances, data, startOrder, membership } = workload;
    const { storage, minReady } = this.options;
    const labels = this.names.labels(name, program);
    return new StatefulSetV1(this.making.scope, name, {
      provider: this.making.provider,
      dependsOn,
      metadata: metadata(this.making, this.names.of(name), labels),
      spec: {
        replicas: String(instances.length),
        serviceName: this.names.headlessService(name),
        podManagementPolicy: startOrder === "together" ? "Parallel" : "OrderedReady",
        updateStrategy: [{ type: "RollingUpdate" }],
        minReadySeconds: membership ? minReady : undefined,
        revisionHistoryLimit: 3,
        // Never by Kubernetes when there are fewer: it does not know whether a member has left well, and "fewer" may be none.
        persistentVolumeClaimRetentionPolicy: [
          { whenScaled: "Retain", whenDeleted: storage.whenDestroyed === "delete" ? "Delete" : "Retain" },
        ],
        selector: { matchLabels: this.names.selector(name) },
        template: this.template(workload, input),
        volumeClaimTemplate: data.map((directory) => ({
          // No label that may change: claims cannot follow.
          metadata: { name: directory.name, labels: this.names.selector(name) },
          spec: claim(workload, this.options).claim as never,
        })),
      },
      waitForRollout: true,
      timeouts: this.timeouts(workload),
      // A set cannot be given other claims: it would be destroyed and made anew, with all its pods at once.
      lifecycle: { ignoreChanges: ["spec[0].volume_claim_template"] },
    });
  }

  private deployment(workload: Workload, input: PodInput, dependsOn: TerraformResource[]): TerraformResource {
    const { name, program, instances } = workload;
    return new DeploymentV1(this.making.scope, name, {
      provider: this.making.provider,
      dependsOn,
      metadata: metadata(this.making, this.names.of(name), this.names.labels(name, program)),
      spec: {
        replicas: String(instances.length),
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "1", maxUnavailable: "0" } },
        revisionHistoryLimit: 3,
        selector: { matchLabels: this.names.selector(name) },
        template: this.template(workload, input) as never,
      },
      waitForRollout: true,
      timeouts: this.timeouts(workload),
    });
  }

  private template(workload: Workload, input: PodInput) {
    const { name, program } = workload;
    return {
      metadata: { labels: this.names.labels(name, program), annotations: input.annotations },
      spec: blocks(podSpec(input, this.accounts.readsApi(workload))) as never,
    };
  }

  private timeouts(workload: Workload) {
    const text = `${rolloutSeconds(workload, this.options)}s`;
    return { create: text, update: text, delete: text };
  }
}

/** A name of at most 63 characters, which may be that of a secret and longer. */
function annotationOf(file: ConfigFile): string {
  const key = keyOf(file).replace(/^\./, "");
  return key.length <= 60 ? key : fingerprint(key);
}
