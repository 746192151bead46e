import { TerraformStack, Testing } from "cdktf";
import { Target, type VmHostProps, type VmsTargetProps } from "../../../src";
import type { Placement } from "../../../src/placement/placement";
import { platformOf } from "../../../src/targets/choose-platform";
import type { Deployment, Platform } from "../../../src/targets/platform";
import type { Workload } from "../../../src/workload";
import { hostedBroker, hostedPool } from "../../support/workloads";

export const HOST_KEY = `ssh-ed25519 ${"A".repeat(68)}`;

export function host(last: number, more: Partial<VmHostProps> = {}): VmHostProps {
  return { address: `192.0.2.${last}`, privateAddress: `10.0.0.${last}`, hostKey: HOST_KEY, ...more };
}

/** Hosts of as many brokers, and of two balancers. */
export function hosts(brokers: number, more: Partial<VmsTargetProps> = {}): VmsTargetProps {
  const ordinals = Array.from({ length: brokers }, (_, index) => index + 1);
  return {
    ssh: { user: "deploy", privateKeyFile: "~/.ssh/deploy" },
    brokers: Object.fromEntries(ordinals.map((n) => [`broker-${n}`, host(10 + n)])),
    balancers: { "balancer-1": host(21), "balancer-2": host(22) },
    ...more,
  };
}

/** Changes that a test makes to the two workloads. */
export interface Changes {
  readonly broker?: (broker: Workload) => Partial<Workload>;
  readonly pool?: (pool: Workload) => Partial<Workload>;
}

export function workloadsAt(placement: Placement, { broker, pool }: Changes = {}): Workload[] {
  const [brokers, pools] = [hostedBroker(placement), hostedPool(placement)];
  return [
    { ...brokers, ...broker?.(brokers) },
    { ...pools, ...pool?.(pools) },
  ];
}

export function platformAt(target: VmsTargetProps): { platform: Platform; placement: Placement } {
  const platform = platformOf(Target.vms(target)) as Platform;
  const demands = (["broker", "balancer"] as const).map((workload) => ({ workload, count: 1 }));
  return { platform, placement: platform.place("dev-mqtt", demands) };
}

/** Makes the resources of a broker of which every part of the contract is in use, and of the pool in front of it. */
export function deployInto(stack: TerraformStack, target: VmsTargetProps, changes?: Changes): Deployment {
  const { platform, placement } = platformAt(target);
  const workloads = workloadsAt(placement, changes);
  expect(platform.checkWorkloads(workloads, [])).toEqual([]);
  return platform.deploy(stack, placement, workloads, []);
}

export interface Plan {
  readonly resource: { readonly terraform_data: Record<string, PlannedData> };
  readonly locals: Record<string, string>;
  readonly variable: Record<string, object>;
}

/** Text of the plan, without what keeps Terraform from taking parts of it for its own. */
export function asItArrives(text: string): string {
  return text.replace(/([$%])\1\{/g, "$1{");
}

export interface PlannedData {
  readonly count?: number;
  readonly depends_on?: readonly string[];
  readonly triggers_replace?: unknown;
  readonly provisioner: readonly Record<string, Record<string, unknown>>[];
}

export function planOf(target: VmsTargetProps, changes?: Changes): { deployment: Deployment; plan: Plan } {
  const stack = new TerraformStack(Testing.app(), "dev");
  const deployment = deployInto(stack, target, changes);
  return { deployment, plan: JSON.parse(Testing.synth(stack)) };
}
