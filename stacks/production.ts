import { TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { MqttCluster, Target } from "../src";
import { definition } from "./definition";

/**
 * The same cluster on Kubernetes, whose nodes are spread over zones: clients come from outside through a load balancer. The
 * namespace must exist; name, subnets and address are examples.
 */
export class ProductionStack extends TerraformStack {
  public readonly cluster: MqttCluster;

  public constructor(scope: Construct) {
    super(scope, "production");
    this.cluster = new MqttCluster(this, "mqtt", {
      ...definition,
      clients: { maxConnections: 50_000 },
      target: Target.kubernetes({
        namespace: "mqtt",
        clients: { type: "LoadBalancer", sourceRanges: ["203.0.113.0/24"], hostName: "mqtt.example.com" },
        storage: { sizes: { broker: "20GB", prometheus: "50GB" } },
        resources: { emqx: { cpuRequest: 1 } },
      }),
    });
  }
}
