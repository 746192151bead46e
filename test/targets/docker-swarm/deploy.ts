import { TerraformStack, Testing } from "cdktf";
import { type DockerSwarmTargetProps, type SwarmHostProps, Target } from "../../../src";
import { PEER_HOST } from "../../../src/formats/references";
import type { Placement } from "../../../src/placement/placement";
import { platformOf } from "../../../src/targets/choose-platform";
import type { Deployment, Platform } from "../../../src/targets/platform";
import type { Membership, Workload } from "../../../src/workload";
import { hostedBroker, hostedPool } from "../../support/workloads";

export interface Plan {
  readonly provider: { readonly docker: PlannedObject[] };
  readonly resource: {
    readonly docker_service: Record<string, PlannedService>;
    readonly docker_config: Record<string, PlannedObject>;
    readonly docker_secret?: Record<string, PlannedObject>;
    readonly docker_network: Record<string, PlannedObject>;
    readonly terraform_data: Record<string, PlannedObject>;
  };
  readonly locals: Record<string, string>;
  readonly variable?: Record<string, object>;
}

export interface PlannedObject {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the provider's schema has
  readonly [key: string]: any;
}

export interface PlannedService extends PlannedObject {
  readonly depends_on: string[];
}

export const hostNamed = (name: string): SwarmHostProps => ({ constraint: `node.hostname==${name}` });

/** Hosts of as many brokers, of two balancers, and one for the rest. */
export function hosts(brokers: number, more: Partial<DockerSwarmTargetProps> = {}): DockerSwarmTargetProps {
  const ordinals = Array.from({ length: brokers }, (_, index) => index + 1);
  return {
    brokers: Object.fromEntries(ordinals.map((n) => [`broker-${n}`, hostNamed(`dock${n}`)])),
    balancers: { "balancer-1": hostNamed("front1"), "balancer-2": hostNamed("front2") },
    ...more,
  };
}

/** Changes that a test makes to the two workloads. */
export interface Changes {
  readonly broker?: Partial<Workload>;
  readonly pool?: Partial<Workload>;
}

export function platformAt(target: DockerSwarmTargetProps): { platform: Platform; placement: Placement } {
  const platform = platformOf(Target.dockerSwarm(target)) as Platform;
  const demands = (["broker", "balancer"] as const).map((workload) => ({ workload, count: 1 }));
  return { platform, placement: platform.place("dev-mqtt", demands) };
}

/** A broker of which every part of the contract is in use, and the pool in front of it. */
export function workloadsAt(placement: Placement, { broker, pool }: Changes = {}): Workload[] {
  // Their folders are those of images here, where each has one of its own.
  const inImage = { ...placement, folder: (workload: string, use: string) => `/opt/${workload}/${use}` };
  const { membership, ...hosted } = hostedBroker(inImage);
  const forget = ["broker-ctl", "forget", `broker@${PEER_HOST}`];
  return [
    {
      ...hosted,
      membership: { ...(membership as Membership), forget },
      alive: { port: 18083, path: "/status" },
      ...broker,
    },
    { ...hostedPool(inImage), alive: { port: 8405, path: "/health" }, ...pool },
  ];
}

export function deploy(
  target: DockerSwarmTargetProps = hosts(3),
  changes: Changes = {},
): { deployment: Deployment; plan: Plan } {
  const { platform, placement } = platformAt(target);
  const stack = new TerraformStack(Testing.app(), "dev");
  const deployment = platform.deploy(stack, placement, workloadsAt(placement, changes), []);
  return { deployment, plan: JSON.parse(Testing.synth(stack)) };
}
