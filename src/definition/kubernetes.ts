import * as v from "valibot";
import { imagesSchema, PROGRAMS, registrySchema } from "./images";
import { duration, flag, integer, ipv4, kubernetesLabel, mapOf, number, oneOf, options, pattern, size } from "./values";

/** Who makes the brokers' pods on Kubernetes. */
export type KubernetesBrokerMaker = "statefulSet" | "helm" | "operator";

/** How clients reach the cluster: from inside the Kubernetes cluster only, by a port of every node, or by a load balancer. */
export type KubernetesServiceType = "ClusterIP" | "NodePort" | "LoadBalancer";

/** The service that clients connect to. */
export interface KubernetesServiceProps {
  /** @default "ClusterIP" */
  readonly type?: KubernetesServiceType;
  /**
   * Annotations of the service, in which load balancers of clouds are configured.
   * @default - none
   */
  readonly annotations?: { readonly [name: string]: string };
  /**
   * Who may connect from outside, as subnets: `["203.0.113.0/24"]`. Kept by the load balancer, where it can, and by the
   * balancer's network policy.
   * @default - everybody
   */
  readonly sourceRanges?: string[];
  /**
   * Ports of the nodes, by name of the port (`mqtt`, `ws`): 30000 to 32767. For "NodePort" and "LoadBalancer".
   * @default - Kubernetes chooses
   */
  readonly nodePorts?: { readonly [port: string]: number };
  /**
   * "Local": clients' own addresses reach the balancers and no node passes connections on to another. "Cluster": every node
   * takes connections. For "NodePort" and "LoadBalancer".
   * @default "Local"
   */
  readonly externalTrafficPolicy?: "Local" | "Cluster";
  /**
   * The class of the load balancer, where a cluster has several. For "LoadBalancer".
   * @default - the cluster's own
   */
  readonly loadBalancerClass?: string;
  /**
   * The name by which clients know the service, as your DNS has it: `mqtt.example.com`. It stands in `endpoints`.
   * @default - the service's name inside of the cluster
   */
  readonly hostName?: string;
}

/** How data is kept. */
export interface KubernetesStorageProps {
  /**
   * Storage class of all claims. It is looked up when the plan is made.
   * @default - the cluster's own
   */
  readonly storageClass?: string;
  /**
   * Size of claims, by workload (`broker`, `session-store`, `prometheus`, `alertmanager`): "1GB" to "16384GB". Kubernetes
   * does not change the size in a stateful set that is there: docs/kubernetes.md says how to grow a claim.
   * @default - 8 GB for brokers and Prometheus, 2 GB for Redis (or twice its memory), 1 GB for Alertmanager
   */
  readonly sizes?: { readonly [workload: string]: string };
  /**
   * What becomes of the data when the cluster is destroyed. The claim of a broker that leaves is deleted in any case: what
   * it held has moved, and its old data would keep a later one of its name from joining.
   * @default "retain"
   */
  readonly whenDestroyed?: "retain" | "delete";
}

/** What a program is given. */
export interface KubernetesResourcesProps {
  /**
   * Memory that is set aside: "32MB" to "512GB".
   * @default - what the definition says of its memory, or what it is expected to need
   */
  readonly memoryRequest?: string;
  /**
   * Memory beyond which it is killed.
   * @default - what the definition says of its memory, or twice the request
   */
  readonly memoryLimit?: string;
  /**
   * Processors that are set aside: 0.01 to 256.
   * @default - 0.5 for brokers, 0.1 for the rest
   */
  readonly cpuRequest?: number;
  /**
   * Processors that it may use at most.
   * @default - what the definition says (`cpus`), or no limit: a broker that is throttled is a slow one
   */
  readonly cpuLimit?: number;
}

/** Safety measures, each of which can be switched off where a cluster or an image does not bear it. */
export interface KubernetesHardeningProps {
  /**
   * Programs run as the users of their official images, never as the superuser, said on every container.
   * @default true
   */
  readonly nonRoot?: boolean;
  /**
   * What comes with an image cannot be changed; what a program writes to is mounted.
   * @default true
   */
  readonly readOnlyRootFilesystem?: boolean;
  /**
   * Programs have no capabilities and cannot get any.
   * @default true
   */
  readonly dropCapabilities?: boolean;
  /**
   * The container runtime's own list of allowed system calls.
   * @default true
   */
  readonly seccomp?: boolean;
  /**
   * Pods are reached by whom the definition names and reach what they need, and nothing else.
   * @default true
   */
  readonly networkPolicies?: boolean;
  /**
   * Requests and limits of memory and processors.
   * @default true
   */
  readonly resources?: boolean;
  /**
   * How many pods of a workload may be taken away at once, say when nodes are emptied: one.
   * @default true
   */
  readonly disruptionBudgets?: boolean;
}

/** A taint of nodes that pods bear. */
export interface KubernetesTolerationProps {
  readonly key: string;
  /**
   * Value of the taint.
   * @default - any
   */
  readonly value?: string;
  /** @default - every effect */
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

/** Where pods may run. */
export interface KubernetesSchedulingProps {
  /**
   * Labels that nodes must have.
   * @default - any node
   */
  readonly nodeSelector?: { readonly [label: string]: string };
  /** @default - none */
  readonly tolerations?: KubernetesTolerationProps[];
  /**
   * Priority class of all pods.
   * @default - the cluster's own
   */
  readonly priorityClass?: string;
  /**
   * Whether the pods of a workload must be spread over nodes evenly, or only should. Over zones they only should.
   * @default "required"
   */
  readonly spread?: "required" | "preferred";
}

/** What `Target.kubernetes()` accepts. */
export interface KubernetesTargetProps {
  /** Namespace for everything. It must exist, which the plan checks, unless `createNamespace` is set. */
  readonly namespace: string;
  /**
   * Make the namespace, and have it enforce the Pod Security standard "restricted" as far as `hardening` allows.
   * @default false
   */
  readonly createNamespace?: boolean;
  /**
   * Path of a kubeconfig file.
   * @default - what Terraform's provider finds: KUBE_CONFIG_PATH, or the service account that it runs with
   */
  readonly kubeconfig?: string;
  /**
   * Context in that file.
   * @default - the current one
   */
  readonly context?: string;
  /**
   * Who makes the brokers' pods: "statefulSet" is this package, and needs nothing else. EMQX can also come by its maker's
   * chart ("helm") or operator ("operator"); what those cannot do is in docs/kubernetes.md.
   * @default "statefulSet"
   */
  readonly brokersBy?: KubernetesBrokerMaker;
  /**
   * With `brokersBy: "operator"`: install EMQX's operator as well, into the namespace `emqx-operator-system`. Operators for
   * EMQX 5.8 need cert-manager, which must be there.
   * @default false
   */
  readonly installOperator?: boolean;
  /** @default - reachable from inside of the Kubernetes cluster only */
  readonly clients?: KubernetesServiceProps;
  /** @default - see KubernetesStorageProps */
  readonly storage?: KubernetesStorageProps;
  /**
   * Requests and limits, by program (`emqx`, `haproxy` …).
   * @default - see KubernetesResourcesProps
   */
  readonly resources?: { readonly [program: string]: KubernetesResourcesProps };
  /** @default - everything on */
  readonly hardening?: KubernetesHardeningProps;
  /** @default - any node, spread evenly */
  readonly scheduling?: KubernetesSchedulingProps;
  /**
   * Subnets from which operators reach dashboards, Prometheus and Alertmanager directly: `["10.0.0.0/8"]`.
   * @default - nobody: they come by `kubectl port-forward`
   */
  readonly operatorRanges?: string[];
  /**
   * Registry (and folder) that all images are pulled from instead of Docker Hub.
   * @default - Docker Hub
   */
  readonly registry?: string;
  /**
   * Names of secrets in the namespace that hold logins of registries.
   * @default - none
   */
  readonly imagePullSecrets?: string[];
  /**
   * Other images, by program, as in `Target.docker()`.
   * @default - the official image of the program's version
   */
  readonly images?: { readonly [program: string]: string };
  /**
   * Number of the user, and of its group, that programs of other images run as, by program: `{ rabbitmq: 100 }`.
   * @default - those of the official images
   */
  readonly userIds?: { readonly [program: string]: number };
  /**
   * Domain of the Kubernetes cluster.
   * @default "cluster.local"
   */
  readonly clusterDomain?: string;
  /**
   * DNS server of the Kubernetes cluster, by name or address; nginx follows brokers to new addresses with it.
   * @default - "kube-dns.kube-system.svc.<clusterDomain>"
   */
  readonly dnsServer?: string;
  /**
   * How long a broker must be a member before the next one is restarted: "0s" to "10m". DNS and balancers learn its new
   * address in that time.
   * @default "30s"
   */
  readonly minReady?: string;
  /**
   * How long an apply waits for the pods of one workload: "1m" to "2h".
   * @default - 4 minutes, and 2 more for each broker
   */
  readonly rolloutTimeout?: string;
  /**
   * Whether the plan looks up what must be there: namespace, storage class, priority class, custom resource definitions. It
   * needs the right to read them.
   * @default true
   */
  readonly lookUp?: boolean;
}

export const KUBERNETES_WORKLOADS_WITH_DATA = ["broker", "session-store", "prometheus", "alertmanager"] as const;

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
  kubeconfig: v.optional(pattern(/^[^\s"'$%{}\\]+$/, 'a path without spaces or quotes: "~/.kube/config"')),
  context: v.optional(pattern(/^[^\s"'$%{}\\]+$/, "the name of a context, without spaces or quotes")),
  brokersBy: v.optional(oneOf(["statefulSet", "helm", "operator"]), "statefulSet"),
  installOperator: v.optional(flag, false),
  clients: v.optional(
    options({
      type: v.optional(oneOf(["ClusterIP", "NodePort", "LoadBalancer"]), "ClusterIP"),
      annotations: v.optional(mapOf(kubernetesLabel, text, "must be an object of texts by annotation"), {}),
      sourceRanges: v.optional(v.array(subnet, 'must be a list of subnets: ["203.0.113.0/24"]')),
      nodePorts: v.optional(
        mapOf(
          oneOf(["mqtt", "ws"]),
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
          oneOf(KUBERNETES_WORKLOADS_WITH_DATA),
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
      nodeSelector: v.optional(mapOf(kubernetesLabel, text, "must be an object of texts by label"), {}),
      tolerations: v.optional(
        v.array(
          options({
            key: kubernetesLabel,
            value: v.optional(text),
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
  minReady: v.optional(duration("0s", "10m"), "30s"),
  rolloutTimeout: v.optional(duration("1m", "2h")),
  lookUp: onByDefault,
});

export type KubernetesOptions = v.InferOutput<typeof kubernetesSchema>;
