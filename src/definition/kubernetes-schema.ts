import * as v from "valibot";
import { imagesSchema, PROGRAMS, registrySchema } from "./images";
import {
  duration,
  flag,
  integer,
  ipv4,
  kubernetesLabel,
  kubernetesLabelValue,
  mapOf,
  number,
  oneOf,
  options,
  pattern,
  size,
} from "./values";

const KUBERNETES_WORKLOADS_WITH_DATA = ["broker", "session-store", "prometheus", "alertmanager"] as const;

/** RFC 1123 label. */
const label = (what: string) =>
  pattern(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    `${what}: lower-case letters, digits and "-", at most 63 characters`,
  );

/** RFC 1123 subdomain. */
const subdomain = (what: string) =>
  pattern(
    /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
    `${what}: lower-case letters, digits, "-" and "."`,
  );

const subnet = pattern(
  /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!\/)|(?=\/))){4}\/(?:[12]?\d|3[0-2])$/,
  'a subnet: "203.0.113.0/24"',
);

const RANGES = 'must be a list of at least one subnet: ["203.0.113.0/24"]; leave it out to let everybody in';

const known = (what: string, names: readonly string[]) =>
  v.picklist(names, `is no ${what}; known: ${names.join(", ")}`);

const programMap = <V extends v.GenericSchema>(value: V, example: string) =>
  mapOf(
    v.picklist(PROGRAMS, `is not a program of this package; known: ${PROGRAMS.join(", ")}`),
    value,
    `must be an object by program: ${example}`,
  );

const memory = size("32MB", "512GB");
const cpus = number(0.01, 256);
const onByDefault = v.optional(flag, true);

/** For text of any kind that ends up in a quoted value. */
const text = pattern(/^[^<>]*$/s, "text without < and >");

export const kubernetesSchema = options({
  namespace: label("a namespace"),
  createNamespace: v.optional(flag, false),
  kubeconfig: v.optional(
    pattern(
      /^(?:\/|~\/)[^\s"'$%{}\\]+$/,
      'an absolute path, or one that begins with ~/, without spaces, quotes, $ and %: "~/.kube/config"',
    ),
  ),
  context: v.optional(pattern(/^[^\s"'$%{}\\]+$/, "the name of a context, without spaces or quotes")),
  brokersBy: v.optional(oneOf(["statefulSet", "helm", "operator"]), "statefulSet"),
  installOperator: v.optional(flag, false),
  replicants: v.optional(integer(1, 100)),
  clients: v.optional(
    options({
      type: v.optional(oneOf(["ClusterIP", "NodePort", "LoadBalancer"]), "ClusterIP"),
      annotations: v.optional(mapOf(kubernetesLabel, text, "must be an object of texts by annotation"), {}),
      sourceRanges: v.optional(v.pipe(v.array(subnet, RANGES), v.minLength(1, RANGES))),
      nodePorts: v.optional(
        mapOf(
          known("port of the service", ["mqtt", "ws"]),
          integer(30000, 32767),
          "must be an object of ports of the nodes by name of the port: { mqtt: 31883 }",
        ),
        {},
      ),
      externalTrafficPolicy: v.optional(oneOf(["Local", "Cluster"])),
      loadBalancerClass: v.optional(kubernetesLabel),
      hostName: v.optional(subdomain("a host name")),
    }),
    {},
  ),
  storage: v.optional(
    options({
      storageClass: v.optional(subdomain("the name of a storage class")),
      sizes: v.optional(
        mapOf(
          known("workload with data", KUBERNETES_WORKLOADS_WITH_DATA),
          size("1GB", "16384GB"),
          'must be an object of sizes by workload: { broker: "20GB" }',
        ),
        {},
      ),
      whenDestroyed: v.optional(oneOf(["retain", "delete"]), "retain"),
    }),
    {},
  ),
  resources: v.optional(
    programMap(
      options({
        memoryRequest: v.optional(memory),
        memoryLimit: v.optional(memory),
        cpuRequest: v.optional(cpus),
        cpuLimit: v.optional(cpus),
      }),
      '{ haproxy: { memoryLimit: "1GB" } }',
    ),
    {},
  ),
  hardening: v.optional(
    options({
      nonRoot: onByDefault,
      readOnlyRootFilesystem: onByDefault,
      dropCapabilities: onByDefault,
      seccomp: onByDefault,
      networkPolicies: onByDefault,
      resources: onByDefault,
      disruptionBudgets: onByDefault,
    }),
    {},
  ),
  scheduling: v.optional(
    options({
      nodeSelector: v.optional(mapOf(kubernetesLabel, kubernetesLabelValue, "must be an object of texts by label"), {}),
      tolerations: v.optional(
        v.array(
          options({
            key: kubernetesLabel,
            value: v.optional(kubernetesLabelValue),
            effect: v.optional(oneOf(["NoSchedule", "PreferNoSchedule", "NoExecute"])),
          }),
          'must be a list: [{ key: "dedicated", value: "mqtt" }]',
        ),
        [],
      ),
      priorityClass: v.optional(subdomain("the name of a priority class")),
      spread: v.optional(oneOf(["required", "preferred"]), "required"),
    }),
    {},
  ),
  operatorRanges: v.optional(v.array(subnet, 'must be a list of subnets: ["10.0.0.0/8"]'), []),
  registry: v.optional(registrySchema),
  imagePullSecrets: v.optional(v.array(subdomain("the name of a secret"), 'must be a list of names: ["registry"]'), []),
  images: v.optional(imagesSchema, {}),
  userIds: v.optional(programMap(integer(1, 2_147_483_647), "{ rabbitmq: 100 }"), {}),
  clusterDomain: v.optional(subdomain("a domain"), "cluster.local"),
  dnsServer: v.optional(
    v.union([ipv4, subdomain("a host name")], 'must be a host name or an IPv4 address: "10.96.0.10"'),
  ),
  minReady: v.optional(duration("1s", "10m"), "30s"),
  rolloutTimeout: v.optional(duration("1m", "2h")),
  lookUp: onByDefault,
});

export type KubernetesOptions = v.InferOutput<typeof kubernetesSchema>;
