import type { TerraformResource } from "cdktf";
import type { Construct } from "constructs";
import type { PlaceDefaults, SoundDefinition } from "../definition/cluster";
import type { Problem } from "../definition/problems";
import type { Demand, Maker, Placement } from "../placement/placement";
import type { Audience, CustomObject, Workload } from "../workload";
import type { OwnNetwork } from "./own-network";

/** A place to run workloads: one folder beside this file implements it for one Terraform provider. */
export interface Platform {
  /** `Docker on unix:///var/run/docker.sock` */
  readonly title: string;
  readonly defaults: PlaceDefaults;
  readonly brokersMadeBy: Maker;
  /** What of a definition this platform cannot honour, given the parts that are well-formed. */
  checkDefinition(definition: SoundDefinition): Problem[];
  /** What an instance runs here: an image, or a package. */
  softwareOf(workload: Workload): string;
  /** Absent where none is made. */
  networkOf?(cluster: string): OwnNetwork;
  place(cluster: string, demands: readonly Demand[]): Placement;
  /** What of the workloads cannot run here together, or beside what the stack has here already. */
  checkWorkloads(workloads: readonly Workload[], neighbours: readonly Neighbour[]): Problem[];
  /** @param objects None but on Kubernetes. */
  deploy(
    scope: Construct,
    placement: Placement,
    workloads: readonly Workload[],
    objects: readonly CustomObject[],
  ): Deployment;
}

export interface Deployment {
  /** By instance name, in the order in which they were made; then what they share. */
  readonly resources: readonly TerraformResource[];
  readonly endpoints: readonly Endpoint[];
  /** Names of the Terraform variables that hold secrets. */
  readonly secretVariables: readonly string[];
  /** Scripts for the first boot of a host, by the names of its instances; absent where there are no hosts to boot. */
  readonly userData?: Readonly<Record<string, () => string>>;
  /** What users must know of this platform: one sentence each. */
  readonly notes: readonly string[];
}

export interface Endpoint {
  readonly name: string;
  readonly url: string;
  readonly audience: Audience;
  /** Address and port that it listens on: `127.0.0.1:9090`. */
  readonly boundTo: string;
}

/** What another deployment of the stack offers in the same place. */
export interface Neighbour extends Endpoint {
  /** Its name. */
  readonly deployment: string;
}
