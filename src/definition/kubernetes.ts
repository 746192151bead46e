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
   * takes connections. For "NodePort" and "LoadBalancer". With "Local" nodes without a balancer answer nobody: the load
   * balancer must ask them (`healthCheckNodePort`), or clients know which nodes to come to.
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
   * Size of claims, by workload (`broker`, `session-store`, `prometheus`, `alertmanager`): "1GB" to "16384GB". A set that is
   * there keeps what it has: docs/kubernetes.md says how to grow a claim.
   * @default - 8 GB for brokers and Prometheus, 2 GB for Redis (or twice its memory), 1 GB for Alertmanager
   */
  readonly sizes?: { readonly [workload: string]: string };
  /**
   * What becomes of the data when the cluster is destroyed. The claim of a broker that leaves stays until then; a later broker
   * of its name begins anew on it.
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
   * Make the namespace, and have it enforce the Pod Security standard "restricted" as far as `hardening` allows. It is
   * destroyed with the cluster, claims included, so `storage.whenDestroyed` must be "delete". Other constructs of the stack
   * in the same namespace wait for it.
   * @default false
   */
  readonly createNamespace?: boolean;
  /**
   * Path of a kubeconfig file, absolute or beginning with `~/`.
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
  /**
   * With `brokersBy: "operator"` and EMQX 5.9 or later: nodes beside `broker.nodes` that keep no data of their own and take
   * clients as well, 1 to 100. They may come and go as the load does; the brokers proper keep the cluster together.
   * @default - none
   */
  readonly replicants?: number;
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
   * How long a broker must be a member before the next one is restarted: "1s" to "10m". DNS and balancers learn its new
   * address in that time.
   * @default "30s"
   */
  readonly minReady?: string;
  /**
   * How long an apply waits for the pods of one workload: "1m" to "2h".
   * @default - 3 minutes, and for each broker a minute and `minReady`
   */
  readonly rolloutTimeout?: string;
  /**
   * Whether the plan looks up what must be there: namespace, storage class, priority class, custom resource definitions. It
   * needs the right to read them.
   * @default true
   */
  readonly lookUp?: boolean;
}
