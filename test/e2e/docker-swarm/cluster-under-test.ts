/** The cluster that the suite changes and lets fail. */
import type { TerraformStack } from "cdktf";
import { MqttClients } from "../../support/mqtt";
import { Deployment, expectNothingToChange, unwrapped } from "../support";
import {
  brokersOn,
  clientsUrl,
  cluster,
  type PlacedBroker,
  remains,
  STACK,
  THREE,
  VARIABLES,
  type Variant,
} from "./bed";

export const MINUTE = 60_000;

export class ClusterUnderTest {
  public readonly deployment = new Deployment(STACK, VARIABLES, cluster(), remains);
  public readonly mqtt = new MqttClients(() => clientsUrl());
  public readonly load = { url: clientsUrl(), watched: brokersOn(THREE), fewest: 2 };
  private now: Variant = {};

  /** What is deployed. */
  public get variant(): Variant {
    return this.now;
  }

  public get placed(): PlacedBroker[] {
    return brokersOn(this.now.brokers ?? THREE);
  }

  /** Applies what differs from the present variant. */
  public async change(different: Variant): Promise<number> {
    this.now = { ...this.now, ...different };
    return (await this.deployment.change(cluster(this.now))).seconds;
  }

  /** What an apply says that is refused. */
  public async refused(make: (stack: TerraformStack) => void): Promise<{ said: string; seconds: number }> {
    this.deployment.project.synthesise(make);
    const { status, output, seconds } = await this.deployment.project.apply();
    expect(status).toBe(1);
    return { said: unwrapped(output), seconds };
  }

  public async noChanges(): Promise<void> {
    await expectNothingToChange(this.deployment.project);
  }
}
