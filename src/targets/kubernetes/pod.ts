import { imageOf } from "../../definition/images";
import type { KubernetesOptions } from "../../definition/kubernetes-schema";
import type { PodParts } from "../../formats/pod-parts";
import { INSTANCE_HOST, INSTANCE_NAME, type SecretReference } from "../../formats/references";
import type { HealthCheck, JsonObject, Life, Workload } from "../../workload";
import {
  fileMounts,
  followCommand,
  freshDataCommand,
  layOutCommand,
  layOutMounts,
  namedCommand,
  TEMPLATES,
} from "./files";
import { isMadeHere } from "./made-here";
import type { Names } from "./names";
import { resourcesOf } from "./resources";
import { containerSecurity, podSecurity } from "./security";
import { ownWord, STOP } from "./stop-script";

/** How long what lives on a member may take to move when the member leaves for good. */
const LEAVE_SECONDS = 300;

/**
 * Between a pod's end being told and nobody sending it new connections any more. Nodes know at once; load balancers of clouds
 * know by their own checks of nodes, which take ten to thirty seconds to fail.
 */
export function forgetSeconds({ clients }: KubernetesOptions): number {
  return clients.type === "LoadBalancer" ? 30 : 5;
}

export interface PodInput {
  readonly workload: Workload;
  readonly names: Names;
  readonly options: KubernetesOptions;
  /** That the files of this workload refer to. */
  readonly secrets: readonly SecretReference[];
  /** Fingerprints, by name of the annotation. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
}

/** Everything that a workload's pods are made of, in Kubernetes' own JSON. */
export function podParts(input: PodInput): PodParts {
  const { workload, names, options } = input;
  const image = imageOf(options, workload);
  const [imageRepository, imageTag] = splitImage(image);
  return {
    name: names.of(workload.name),
    namespace: options.namespace,
    clusterDomain: options.clusterDomain,
    replicas: workload.instances.length - replicantsOf(workload, options),
    replicants: replicantsOf(workload, options),
    image,
    imageRepository,
    imageTag,
    imagePullSecrets: options.imagePullSecrets.map((name) => ({ name })),
    imagePullSecretNames: options.imagePullSecrets,
    minReadySeconds: options.minReady,
    labels: names.labels(workload.name, workload.program),
    annotations: input.annotations,
    podSecurityContext: podSecurity(workload, options),
    containerSecurityContext: containerSecurity(workload, options),
    initContainers: initContainers(input, image),
    volumes: volumes(input),
    volumeMounts: volumeMounts(workload),
    env: environment(input),
    ports: workload.ports.map(({ name, number }) => ({ name, containerPort: number, protocol: "TCP" })),
    resources: resourcesOf(workload, options),
    ...probes(input),
    lifecycle: lifecycle(workload, options),
    terminationGracePeriodSeconds: gracePeriod(workload, options),
    serviceAccountName: input.serviceAccount,
    ...scheduling(input),
    ...claim(workload, options),
  };
}

/** Only an operator has been told of any. */
function replicantsOf({ customResource }: Workload, { replicants = 0 }: KubernetesOptions): number {
  return customResource ? replicants : 0;
}

/** The specification of a pod that this package makes itself. */
export function podSpec(input: PodInput, readsApi: boolean): JsonObject {
  const { workload } = input;
  const parts = podParts(input);
  const { command, args } = workload.process;
  return {
    serviceAccountName: parts.serviceAccountName,
    automountServiceAccountToken: readsApi,
    // Variables such as EMQX_…_PORT for every service of the namespace: programs would take them for settings.
    enableServiceLinks: false,
    imagePullSecrets: parts.imagePullSecrets.length > 0 ? parts.imagePullSecrets : undefined,
    securityContext: parts.podSecurityContext,
    terminationGracePeriodSeconds: parts.terminationGracePeriodSeconds,
    priorityClassName: parts.priorityClassName || undefined,
    nodeSelector: parts.nodeSelector,
    tolerations: parts.tolerations.length > 0 ? parts.tolerations : undefined,
    affinity: Object.keys(parts.affinity).length > 0 ? parts.affinity : undefined,
    topologySpreadConstraints: parts.topologySpreadConstraints.length > 0 ? parts.topologySpreadConstraints : undefined,
    initContainers: parts.initContainers.length > 0 ? parts.initContainers : undefined,
    containers: [
      {
        name: workload.program,
        image: parts.image,
        command: command?.map((word) => expanded(word, input)),
        args: args.length > 0 ? args.map((word) => expanded(word, input)) : undefined,
        env: parts.env.length > 0 ? parts.env : undefined,
        ports: parts.ports,
        resources: parts.resources,
        securityContext: parts.containerSecurityContext,
        volumeMounts: parts.volumeMounts,
        startupProbe: present(parts.startupProbe),
        readinessProbe: present(parts.readinessProbe),
        livenessProbe: present(parts.livenessProbe),
        lifecycle: present(parts.lifecycle),
        terminationMessagePolicy: "FallbackToLogsOnError",
      },
    ],
    volumes: parts.volumes,
  };
}

function present(part: JsonObject): JsonObject | undefined {
  return Object.keys(part).length > 0 ? part : undefined;
}

function splitImage(image: string): [string, string] {
  const [, repository, tag] = /^(.*?):([^/]*)$/.exec(image) ?? [undefined, image, ""];
  return [repository, tag];
}

/** `$(POD_NAME)`: Kubernetes puts variables of the container's environment into words of this form. */
function expanded(text: string, input: PodInput): string {
  return text
    .replaceAll("$(", "$$$$(")
    .replaceAll(INSTANCE_HOST, () => `$(POD_NAME)${hostSuffix(input)}`)
    .replaceAll(INSTANCE_NAME, "$(POD_NAME)");
}

/** What follows the name of a pod in the name of its host. */
export function hostSuffix({ names, workload }: Pick<PodInput, "names" | "workload">): string {
  return `.${names.hostOfService(names.headlessService(workload.name))}`;
}

function refersToInstance({ process, health, membership }: Workload): boolean {
  return /<<instance:/.test(JSON.stringify([process, health ?? null, membership ?? null]));
}

function environment(input: PodInput): JsonObject[] {
  const { process } = input.workload;
  const own = Object.entries(process.environment)
    .map(([name, value]) => ({ name, value: expanded(value, input) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return refersToInstance(input.workload) ? [fromPod("POD_NAME", "metadata.name"), ...own] : own;
}

function fromPod(name: string, fieldPath: string): JsonObject {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

function initContainers(input: PodInput, image: string): JsonObject[] {
  const { workload, options, secrets } = input;
  const command = layOutCommand(workload);
  if (!command) {
    return [];
  }
  const isMember = workload.membership !== undefined && isMadeHere(workload);
  const data = isMember ? workload.data : [];
  return [
    ...data.map(({ name, path }) => ({
      name: "data",
      command: freshDataCommand(path),
      volumeMounts: [...layOutMounts(false), { name, mountPath: path }],
    })),
    { name: "files", command, volumeMounts: layOutMounts(secrets.length > 0) },
    ...(isMember
      ? [
          {
            name: "named",
            command: namedCommand(`$(POD_NAME)${hostSuffix(input)}`, "$(POD_IP)"),
            env: [fromPod("POD_NAME", "metadata.name"), fromPod("POD_IP", "status.podIP")],
            volumeMounts: layOutMounts(false),
          },
        ]
      : []),
  ].map((container) => ({
    ...container,
    image,
    // As much as the program: what is scheduled for the one has room for the other.
    resources: resourcesOf(workload, options),
    securityContext: containerSecurity(workload, options),
    terminationMessagePolicy: "FallbackToLogsOnError",
  }));
}

function volumes({ workload, names, secrets }: PodInput): JsonObject[] {
  const { files, process } = workload;
  return [
    ...(files.length > 0
      ? [
          // In memory, because secrets are in them.
          { name: "files", emptyDir: { medium: "Memory", sizeLimit: "16Mi" } },
          { name: "templates", configMap: { name: names.of(workload.name), defaultMode: 0o444 } },
        ]
      : []),
    ...(secrets.length > 0 ? [{ name: "secrets", projected: projectedSecrets(secrets, names.of("secrets")) }] : []),
    { name: "tmp", emptyDir: {} },
    ...(process.writes ?? []).map((_, index) => ({ name: `written-${index + 1}`, emptyDir: {} })),
  ];
}

/** Each under its source and name. Missing ones are left out here, and named by whoever looks for them. */
export function projectedSecrets(secrets: readonly SecretReference[], ownSecret: string): JsonObject {
  return {
    defaultMode: 0o440,
    sources: secrets.map(({ source, name }) => {
      const [secret, key] = source === "kubernetes" ? (name.split("/") as [string, string]) : [ownSecret, name];
      return { secret: { name: secret, optional: true, items: [{ key, path: `${source}/${name}` }] } };
    }),
  };
}

function volumeMounts(workload: Workload): JsonObject[] {
  return [
    ...fileMounts(workload),
    { name: "tmp", mountPath: "/tmp" },
    ...(workload.process.writes ?? []).map((path, index) => ({ name: `written-${index + 1}`, mountPath: path })),
    // Others mount the data themselves.
    ...(isMadeHere(workload) ? workload.data.map(({ name, path }) => ({ name, mountPath: path })) : []),
  ];
}

function probes(input: PodInput): Pick<PodParts, "startupProbe" | "readinessProbe" | "livenessProbe"> {
  const { health, alive } = input.workload;
  const live = alive ? { ...lifeProbe(alive), timeoutSeconds: 5 } : {};
  return {
    startupProbe:
      alive && health
        ? { ...live, periodSeconds: 2, failureThreshold: Math.ceil(health.startPeriodSeconds / 2) + 30 }
        : {},
    readinessProbe: health ? readiness(health, input) : alive ? { ...live, periodSeconds: 10 } : {},
    // A minute: whatever can be waited for is better than a restart.
    livenessProbe: alive ? { ...live, periodSeconds: 10, failureThreshold: 6 } : {},
  };
}

function lifeProbe({ port, path }: Life): JsonObject {
  return path ? { httpGet: { port, path } } : { tcpSocket: { port } };
}

function readiness({ probe, intervalSeconds, timeoutSeconds, retries }: HealthCheck, input: PodInput): JsonObject {
  return {
    ...(probe.kind === "http"
      ? { httpGet: { port: probe.port, path: probe.path } }
      : { exec: { command: probeCommand(probe.command, input) } }),
    periodSeconds: intervalSeconds,
    timeoutSeconds,
    failureThreshold: retries,
  };
}

/** Kubernetes puts no variables into the commands of probes: a shell does it. */
function probeCommand(command: readonly string[], input: PodInput): string[] {
  return command.some((word) => word.includes(INSTANCE_HOST))
    ? ["sh", "-c", `exec ${command.map((word) => ownWord(word, hostSuffix(input))).join(" ")}`]
    : [...command];
}

function lifecycle(workload: Workload, options: KubernetesOptions): JsonObject {
  const follow = followCommand(workload);
  const stop = stopCommand(workload, options);
  return {
    ...(follow && { postStart: { exec: { command: follow } } }),
    ...(stop && { preStop: { exec: { command: stop } } }),
  };
}

function stopCommand({ membership, ports }: Workload, options: KubernetesOptions): string[] | undefined {
  if (membership) {
    return ["sh", "-c", `sh ${TEMPLATES}/${STOP} >/proc/1/fd/2 2>&1`];
  }
  return ports.some(({ audience }) => audience === "clients") ? ["sleep", String(forgetSeconds(options))] : undefined;
}

function gracePeriod({ membership, process }: Workload, options: KubernetesOptions): number {
  return process.stopGraceSeconds + forgetSeconds(options) + (membership ? LEAVE_SECONDS : 0);
}

function scheduling({
  workload,
  names,
  options,
}: PodInput): Pick<
  PodParts,
  "nodeSelector" | "affinity" | "tolerations" | "topologySpreadConstraints" | "priorityClassName"
> {
  const { nodeSelector, tolerations, priorityClass, spread } = options.scheduling;
  const labelSelector = { matchLabels: names.selector(workload.name) };
  const evenly = {
    maxSkew: 1,
    labelSelector,
    // Nodes that the pods may not run on do not count; nor do, while a deployment is rolled, the pods of before.
    nodeTaintsPolicy: "Honor",
    ...(workload.data.length === 0 && { matchLabelKeys: ["pod-template-hash"] }),
  };
  const isSpread = workload.instances.length > 1 || workload.membership !== undefined;
  return {
    nodeSelector,
    tolerations: tolerations.map(({ key, value, effect }) => ({
      key,
      operator: value === undefined ? "Exists" : "Equal",
      ...(value !== undefined && { value }),
      ...(effect !== undefined && { effect }),
    })),
    priorityClassName: priorityClass ?? "",
    affinity: isSpread
      ? {
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 100, podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector } },
            ],
          },
        }
      : {},
    topologySpreadConstraints: isSpread
      ? [
          {
            ...evenly,
            topologyKey: "kubernetes.io/hostname",
            whenUnsatisfiable: spread === "required" ? "DoNotSchedule" : "ScheduleAnyway",
          },
          { ...evenly, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway" },
        ]
      : [],
  };
}

const GB = 1024 ** 3;

export function claim(
  workload: Workload,
  { storage }: KubernetesOptions,
): Pick<PodParts, "claim" | "claimSize" | "storageClass"> {
  if (workload.data.length === 0) {
    return { claim: {}, claimSize: "", storageClass: "" };
  }
  const usual: Record<string, number> = {
    broker: 8,
    prometheus: 8,
    "session-store": Math.max(2, Math.ceil(((workload.process.memoryMiB ?? 0) * 2) / 1024)),
    alertmanager: 1,
  };
  const given = storage.sizes[workload.name as keyof typeof storage.sizes];
  const claimSize = `${given === undefined ? (usual[workload.name] ?? 1) : Math.ceil(given / GB)}Gi`;
  return {
    claim: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: claimSize } },
      ...(storage.storageClass && { storageClassName: storage.storageClass }),
    },
    claimSize,
    storageClass: storage.storageClass ?? "",
  };
}
