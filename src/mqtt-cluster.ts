import type { Construct } from "constructs";
import { clusterDemands, clusterWorkloads } from "./components/cluster-workloads";
import { makerChecks, programChecks } from "./components/program-checks";
import { prometheusOperatorObjects } from "./components/prometheus-operator/prometheus-operator";
import { type ClusterDefinitionProps, defineCluster } from "./definition/cluster";
import type { Target } from "./definition/target";
import { Deployed } from "./deployed";
import { platformOf } from "./targets/choose-platform";
import type { Platform } from "./targets/platform";

/** A definition, and where it runs. */
export interface MqttClusterProps extends ClusterDefinitionProps {
  /** `Target.docker()`, `Target.dockerSwarm()`, `Target.vms()` or `Target.kubernetes()`. */
  readonly target: Target;
  /**
   * Name of the cluster: prefix of its containers, volumes, network and secrets, label of its metrics. Brokers are known
   * by it, so a changed name is a new, empty cluster. Lower-case letters, digits and `-`, at most 30 characters.
   * @default - `<stack>-<construct id>`
   */
  readonly name?: string;
}

/**
 * An MQTT cluster: brokers, balancer, session store and monitoring, on one target.
 *
 * @throws InvalidDefinitionError listing every problem of the definition, before any resource is made.
 */
export class MqttCluster extends Deployed {
  public constructor(scope: Construct, id: string, props: MqttClusterProps) {
    super(scope, id);
    const platform = platformOf(props?.target);
    const definition = defineCluster(
      this._checkName(props?.name),
      props,
      (parts) => [
        ...programChecks(parts),
        ...makerChecks(parts, platform?.brokersMadeBy ?? "package"),
        ...this._checkPlace(props?.target, platform, parts),
      ],
      platform?.defaults,
    );
    const { monitoring } = definition;
    this._deploy({
      what: "MQTT cluster",
      name: definition.name,
      platform: platform as Platform,
      demands: clusterDemands(definition),
      runbookBaseUrl: monitoring.kind === "none" ? undefined : monitoring.runbookBaseUrl,
      render: (placement) => clusterWorkloads(definition, placement),
      objects: (placement, workloads) =>
        monitoring.kind === "prometheusOperator" ? prometheusOperatorObjects(monitoring, placement, workloads) : [],
    });
  }
}
