import { Api } from "./kubectl";
import type { Namespace } from "./namespace";

interface SecurityContext {
  readonly runAsNonRoot?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly seccompProfile?: { readonly type: string };
}

export interface Container {
  readonly name: string;
  readonly securityContext?: SecurityContext;
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

interface ContainerStatus {
  readonly name: string;
  readonly containerID?: string;
  readonly restartCount: number;
}

/** As much of a pod as the suites look at, as the API server has it. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly securityContext?: SecurityContext;
    readonly initContainers?: readonly Container[];
    readonly containers: readonly Container[];
    readonly volumes?: readonly { readonly projected?: { readonly sources: readonly object[] } }[];
  };
  readonly status: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export type Component = "broker" | "balancer" | "session-store" | "prometheus" | "alertmanager";

const EVERY_MS = 250;

/** The pods of a namespace, looked at again several times a second. */
export class Pods {
  private readonly api = new Api();
  private present: readonly Pod[] = [];
  private timer?: NodeJS.Timeout;

  public constructor(private readonly namespace: Namespace) {}

  public async start(): Promise<void> {
    await this.api.start();
    await this.refresh();
    this.timer = setInterval(() => {
      this.refresh().catch(() => {
        // What was seen last stays.
      });
    }, EVERY_MS);
  }

  public async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.api.stop();
  }

  public async refresh(): Promise<void> {
    const { items } = await this.api.get<{ items: Pod[] }>(`/api/v1/namespaces/${this.namespace.name}/pods`);
    this.present = items;
  }

  /** Those that are not about to go, nor done. */
  public of(cluster: string, component?: Component): readonly Pod[] {
    return this.present.filter(
      ({ metadata: { labels, deletionTimestamp }, status }) =>
        !deletionTimestamp &&
        status.phase !== "Succeeded" &&
        labels["app.kubernetes.io/instance"] === cluster &&
        (component === undefined || labels["app.kubernetes.io/component"] === component),
    );
  }

  public named(name: string): Pod | undefined {
    return this.present.find(({ metadata }) => metadata.name === name);
  }
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;
}

/** Changes with every restart of a program, and with every new pod of the name. */
export function startsOf(pods: readonly Pod[]): Record<string, string> {
  const start = ({ metadata, status }: Pod) =>
    [metadata.uid, ...(status.containerStatuses ?? []).map(({ containerID }) => containerID)].join(" ");
  return Object.fromEntries(pods.map((pod) => [pod.metadata.name, start(pod)]));
}
