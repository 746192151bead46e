import type { DockerTargetProps } from "./docker";
import type { DockerSwarmTargetProps } from "./docker-swarm";
import type { KubernetesTargetProps } from "./kubernetes";
import type { VmsTargetProps } from "./vms";

type TargetKind = "docker" | "dockerSwarm" | "vms" | "kubernetes";
type TargetProps = DockerTargetProps | DockerSwarmTargetProps | VmsTargetProps | KubernetesTargetProps;

/** Where the cluster runs. */
export class Target {
  /** Containers on one Docker engine. */
  public static docker(props: DockerTargetProps = {}): Target {
    return new Target("docker", props);
  }

  /**
   * Services on the hosts of a Docker Swarm that is there already. Brokers are rolled one by one, and a broken setting stops
   * at the first.
   */
  public static dockerSwarm(props: DockerSwarmTargetProps): Target {
    // Without any it is told which hosts it needs.
    return new Target("dockerSwarm", props ?? {});
  }

  /**
   * Servers over SSH. Programs come from the repositories of the distribution and run as units of systemd; Terraform needs
   * no provider for it, and the servers no agent.
   */
  public static vms(props: VmsTargetProps): Target {
    return new Target("vms", props);
  }

  /** Pods on a Kubernetes cluster that is there already. */
  public static kubernetes(props: KubernetesTargetProps): Target {
    // Without any it is told which one it needs.
    return new Target("kubernetes", props ?? ({} as KubernetesTargetProps));
  }

  /** @internal */
  public readonly _kind: TargetKind;
  /** @internal */
  public readonly _props: TargetProps;

  private constructor(kind: TargetKind, props: TargetProps) {
    this._kind = kind;
    this._props = props;
  }
}
