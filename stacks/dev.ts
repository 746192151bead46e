import { TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { MqttCluster, Target } from "../src";
import { definition } from "./definition";

/** Everything on the Docker engine of the machine at hand. */
export class DevStack extends TerraformStack {
  public readonly cluster: MqttCluster;

  public constructor(scope: Construct) {
    super(scope, "dev");
    this.cluster = new MqttCluster(this, "mqtt", {
      ...definition,
      clients: { maxConnections: 1_000 },
      target: Target.docker(),
    });
  }
}
