import { createHash } from "node:crypto";
import { ConfigMapV1 } from "@cdktf/provider-kubernetes/lib/config-map-v1";
import { DeploymentV1 } from "@cdktf/provider-kubernetes/lib/deployment-v1";
import { JobV1 } from "@cdktf/provider-kubernetes/lib/job-v1";
import { NamespaceV1 } from "@cdktf/provider-kubernetes/lib/namespace-v1";
import { NetworkPolicyV1 } from "@cdktf/provider-kubernetes/lib/network-policy-v1";
import { PodDisruptionBudgetV1 } from "@cdktf/provider-kubernetes/lib/pod-disruption-budget-v1";
import { KubernetesProvider } from "@cdktf/provider-kubernetes/lib/provider";
import { SecretV1 } from "@cdktf/provider-kubernetes/lib/secret-v1";
import { ServiceV1 } from "@cdktf/provider-kubernetes/lib/service-v1";
import { StatefulSetV1 } from "@cdktf/provider-kubernetes/lib/stateful-set-v1";
import type { TerraformResource } from "cdktf";
import type { Construct } from "constructs";
import type { KubernetesOptions } from "../../definition/kubernetes";
import { type SecretReference, secretsIn } from "../../formats/references";
import { escapeTemplate } from "../../formats/terraform";
import type { Placement } from "../../placement/placement";
import type { CustomObject, JsonObject, Workload, WorkloadName } from "../../workload";
import { StackSecrets } from "../stack-secrets";
import { Accounts } from "./accounts";
import { checkSecretsCommand, checkSecretsTemplates, keyOf, needsRestart, templatesOf } from "./files";
import { Helm } from "./helm";
import { lookUp, type NeededDefinition } from "./lookups";
import { isMadeHere } from "./made-here";
import { isKnownByName, type Names } from "./names";
import { flowsOf } from "./network-policies";
import { hostSuffix, type PodInput, podParts, podSpec, projectedSecrets } from "./pod";
import { providerForm } from "./provider-form";
import { containerSecurity, podSecurity, RESTRICTED } from "./security";
import { clientsService, headlessService, internalService, isForClients } from "./services";
import { STOP, stopScript } from "./stop-script";

/** How long the check of secrets may take, its image included. */
const CHECK_TIMEOUT = "2m";

/** Turns workloads into the resources of Terraform's Kubernetes and Helm providers. */
export class KubernetesDeployment {
  private readonly provider: KubernetesProvider;
  private readonly secrets: StackSecrets;
  private readonly helm: Helm;
  private readonly accounts: Accounts;
  /** What everything in the namespace waits for. */
  private readonly foundation: TerraformResource[] = [];
  /** What is there beside the pods. */
  private readonly others: TerraformResource[] = [];
  private readonly running = new Map<WorkloadName, TerraformResource>();

  public constructor(
    private readonly scope: Construct,
    placement: Placement,
    private readonly options: KubernetesOptions,
    private readonly names: Names,
  ) {
    const { kubeconfig: configPath, context: configContext } = options;
    // An alias keeps clear of a provider that the stack may already have.
    this.provider = new KubernetesProvider(scope, "kubernetes", {
      alias: placement.cluster,
      configPath,
      configContext,
    });
    this.secrets = new StackSecrets(scope, "kubernetes");
    this.helm = new Helm(scope, placement.cluster, options);
    this.accounts = new Accounts(scope, this.provider, options, names);
  }

  public get secretVariables(): string[] {
    return this.secrets.names;
  }

  /** What runs pods first, by workload. */
  public run(workloads: readonly Workload[], objects: readonly CustomObject[]): TerraformResource[] {
    lookUp(this.scope, this.provider, this.options, this.neededDefinitions(workloads, objects));
    this.makeNamespace();
    this.makeSecrets(workloads);
    for (const workload of inStartOrder(workloads)) {
      this.running.set(workload.name, this.deploy(workload, workloads));
    }
    if (objects.length > 0) {
      this.others.push(this.helm.objects("objects", this.names.of("programs"), objects, this.foundation));
    }
    return [
      ...workloads.map(({ name }) => this.running.get(name) as TerraformResource),
      ...this.others,
      ...this.accounts.resources,
      ...this.foundation,
      ...(this.secrets.names.length > 0 ? [this.secrets.checkInPlan()] : []),
    ];
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

  private makeNamespace(): void {
    const { createNamespace, namespace, hardening } = this.options;
    if (createNamespace) {
      const restricted = RESTRICTED.every((measure) => hardening[measure]);
      this.foundation.push(
        new NamespaceV1(this.scope, "namespace", {
          provider: this.provider,
          metadata: {
            name: namespace,
            labels: {
              ...this.names.sharedLabels(),
              ...(restricted && { "pod-security.kubernetes.io/enforce": "restricted" }),
            },
          },
          // Claims and pods go with it.
          timeouts: { delete: "10m" },
        }),
      );
    }
  }

  /** The secrets that are Terraform variables, in one secret of the cluster; the others are looked at before anything runs. */
  private makeSecrets(workloads: readonly Workload[]): void {
    const references = distinct(workloads.flatMap(secretsOf));
    const variables = references.filter(({ source }) => source === "variable");
    if (variables.length > 0) {
      this.foundation.push(
        new SecretV1(this.scope, "secrets", {
          provider: this.provider,
          dependsOn: [...this.foundation],
          metadata: this.metadata(this.names.of("secrets"), this.names.sharedLabels()),
          data: Object.fromEntries(
            variables.map(({ name }) => [name, this.secrets.resolve(`<<secret:variable:${name}>>`)]),
          ),
        }),
      );
    }
    const held = references.filter(({ source }) => source === "kubernetes");
    const reader = workloads.find((workload) => secretsOf(workload).length > 0);
    if (held.length > 0 && reader) {
      this.foundation.push(this.secretsCheck(held, reader));
    }
  }

  /**
   * A pod whose secret is missing would only wait, and the apply with it. So this is looked at first, by one that ends: no
   * value passes through Terraform, and what is missing stands in its log.
   */
  private secretsCheck(held: readonly SecretReference[], reader: Workload): TerraformResource {
    const templates = new ConfigMapV1(this.scope, "secrets-check-script", {
      provider: this.provider,
      dependsOn: [...this.foundation],
      metadata: this.metadata(this.names.of("secrets-check"), this.names.sharedLabels()),
      data: escaped(checkSecretsTemplates()),
    });
    const { image } = podParts(this.podInput(reader));
    const command = checkSecretsCommand(held.map(({ source, name }) => `${source}/${name}`));
    const pod: JsonObject = {
      restartPolicy: "Never",
      serviceAccountName: this.accounts.plain(this.foundation),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      imagePullSecrets: this.options.imagePullSecrets.map((name) => ({ name })),
      securityContext: podSecurity(reader, this.options),
      containers: [
        {
          name: "check",
          image,
          command,
          resources: { requests: { memory: "32Mi", cpu: "10m" }, limits: { memory: "64Mi" } },
          securityContext: containerSecurity(reader, this.options),
          volumeMounts: [
            { name: "templates", mountPath: "/run/mqtt-cluster/templates", readOnly: true },
            { name: "secrets", mountPath: "/run/mqtt-cluster/secrets", readOnly: true },
          ],
          terminationMessagePolicy: "FallbackToLogsOnError",
        },
      ],
      volumes: [
        { name: "templates", configMap: { name: this.names.of("secrets-check"), defaultMode: 0o444 } },
        { name: "secrets", projected: projectedSecrets(held, this.names.of("secrets")) },
      ],
    };
    const labels = this.names.sharedLabels();
    this.others.push(templates);
    return new JobV1(this.scope, "secrets-check", {
      provider: this.provider,
      dependsOn: [...this.foundation, templates],
      // A job cannot be changed: another list is another job.
      metadata: this.metadata(
        `${this.names.of("secrets-check")}-${fingerprint(JSON.stringify(pod)).slice(0, 8)}`,
        labels,
      ),
      spec: { backoffLimit: 0, template: { metadata: { labels }, spec: blocks(pod) as never } },
      waitForCompletion: true,
      timeouts: { create: CHECK_TIMEOUT, update: CHECK_TIMEOUT },
    });
  }

  /** @returns what an apply waits for until the workload's pods are ready. */
  private deploy(workload: Workload, workloads: readonly Workload[]): TerraformResource {
    const before = workload.startsAfter.flatMap((name) => this.running.get(name) ?? []);
    const beside = [...this.configuration(workload), ...this.services(workload)];
    this.others.push(...beside, ...this.protection(workload, workloads));
    const input = this.podInput(workload);
    const dependsOn = [...this.foundation, ...this.accounts.resources, ...beside, ...before];
    if (workload.chart) {
      return this.helm.release(workload.chart, podParts(input), dependsOn);
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
      serviceAccount: this.accounts.nameFor(workload, this.foundation),
    };
  }

  /** One for each file, so that a plan shows which of them replaces the pods. */
  private checksums(workload: Workload): Record<string, string> {
    return Object.fromEntries(
      workload.files
        .filter((file) => needsRestart(workload, file))
        .map((file) => {
          const secret = this.secrets.fingerprint(file.content);
          return [
            `checksum/${keyOf(file).replace(/^\./, "")}`,
            fingerprint(file.content) + (secret ? `-${secret}` : ""),
          ];
        }),
    );
  }

  private configuration(workload: Workload): ConfigMapV1[] {
    const { membership, name } = workload;
    const data = {
      ...templatesOf(workload),
      ...(membership && isMadeHere(workload)
        ? { [STOP]: stopScript(membership, hostSuffix({ names: this.names, workload }), this.scaleUrl(name)) }
        : {}),
    };
    return Object.keys(data).length === 0
      ? []
      : [
          new ConfigMapV1(this.scope, `${name}-files`, {
            provider: this.provider,
            dependsOn: [...this.foundation],
            metadata: this.metadata(this.names.of(name), this.names.labels(name, workload.program)),
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
      new ServiceV1(this.scope, id, {
        provider: this.provider,
        dependsOn: [...this.foundation],
        metadata: {
          ...this.metadata(service, this.names.labels(name, program)),
          ...(Object.keys(spec.annotations ?? {}).length > 0 && { annotations: spec.annotations }),
        },
        spec: spec.spec,
        waitForLoadBalancer: spec.waitForLoadBalancer,
        timeouts: spec.timeouts,
      });
    // A workload with one instance has one service, and its pod no name that anybody asks for.
    const hasManyNames = name === "broker" || !isKnownByName(name);
    return [
      ...(hasManyNames && isMadeHere(workload)
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

  private protection(workload: Workload, workloads: readonly Workload[]): TerraformResource[] {
    const { hardening } = this.options;
    const { name, program, instances, data } = workload;
    const metadata = this.metadata(this.names.of(name), this.names.labels(name, program));
    const podSelector = { matchLabels: this.names.selector(name) };
    return [
      // Two for one pod would let nobody take it away; others have one of their own.
      ...(hardening.disruptionBudgets && isMadeHere(workload) && (instances.length > 1 || data.length > 0)
        ? [
            new PodDisruptionBudgetV1(this.scope, `${name}-disruption-budget`, {
              provider: this.provider,
              dependsOn: [...this.foundation],
              metadata,
              spec: { maxUnavailable: "1", selector: podSelector },
            }),
          ]
        : []),
      ...(hardening.networkPolicies
        ? [
            new NetworkPolicyV1(this.scope, `${name}-network-policy`, {
              provider: this.provider,
              dependsOn: [...this.foundation],
              metadata,
              spec: {
                podSelector,
                policyTypes: ["Ingress", "Egress"],
                ...flowsOf(workload, {
                  workloads,
                  names: this.names,
                  options: this.options,
                  readsApi: workloads.filter((one) => this.accounts.readsApi(one)).map((one) => one.name),
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
    const parts = podParts(input);
    return new StatefulSetV1(this.scope, name, {
      provider: this.provider,
      dependsOn,
      metadata: this.metadata(this.names.of(name), labels),
      spec: {
        replicas: String(instances.length),
        serviceName: this.names.headlessService(name),
        podManagementPolicy: startOrder === "together" ? "Parallel" : "OrderedReady",
        updateStrategy: [{ type: "RollingUpdate" }],
        minReadySeconds: membership ? minReady : undefined,
        revisionHistoryLimit: 3,
        // The claim of a member that has left for good would keep another one of its name from joining.
        persistentVolumeClaimRetentionPolicy: [
          { whenScaled: "Delete", whenDeleted: storage.whenDestroyed === "delete" ? "Delete" : "Retain" },
        ],
        selector: { matchLabels: this.names.selector(name) },
        template: this.template(workload, input),
        volumeClaimTemplate: data.map((directory) => ({
          // No label that may change: claims cannot follow.
          metadata: { name: directory.name, labels: this.names.selector(name) },
          spec: parts.claim as never,
        })),
      },
      waitForRollout: true,
      timeouts: this.timeouts(workload),
    });
  }

  private deployment(workload: Workload, input: PodInput, dependsOn: TerraformResource[]): TerraformResource {
    const { name, program, instances } = workload;
    return new DeploymentV1(this.scope, name, {
      provider: this.provider,
      dependsOn,
      metadata: this.metadata(this.names.of(name), this.names.labels(name, program)),
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

  private timeouts({ instances, membership }: Workload) {
    const given = this.options.rolloutTimeout;
    const seconds = given ?? 240 + (membership ? 120 * instances.length : 0);
    const text = `${seconds}s`;
    return { create: text, update: text, delete: text };
  }

  private metadata(name: string, labels: Record<string, string>) {
    return { name, namespace: this.options.namespace, labels };
  }
}

/** Kubernetes' JSON of a pod as blocks of the provider, with what Terraform would take for a template made literal. */
function blocks(pod: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(providerForm(pod)), (_key, value) =>
    typeof value === "string" ? escapeTemplate(value) : value,
  );
}

function escaped(data: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, escapeTemplate(text)]));
}

function secretsOf({ files }: Workload): SecretReference[] {
  return distinct(files.flatMap(({ content }) => secretsIn(content)));
}

function distinct(references: readonly SecretReference[]): SecretReference[] {
  return [...new Map(references.map((reference) => [`${reference.source}/${reference.name}`, reference])).values()];
}

/** Dependencies before what depends on them. */
function inStartOrder(workloads: readonly Workload[]): Workload[] {
  const ordered: Workload[] = [];
  const visit = (workload: Workload) => {
    if (!ordered.includes(workload)) {
      for (const name of workload.startsAfter) {
        workloads.filter((other) => other.name === name).forEach(visit);
      }
      ordered.push(workload);
    }
  };
  workloads.forEach(visit);
  return ordered;
}

function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
