import { TerraformStack, Testing } from "cdktf";
import { type KubernetesTargetProps, Target } from "../../../src";
import { platformOf } from "../../../src/targets/choose-platform";
import type { Deployment, Platform } from "../../../src/targets/platform";
import type { CustomObject, Workload } from "../../../src/workload";
import { hostedBroker, hostedPool } from "../../support/workloads";

export type Plan = {
  readonly resource: { readonly [type: string]: { readonly [id: string]: PlannedObject } };
  readonly data?: { readonly [type: string]: object };
  readonly provider: { readonly [name: string]: object[] };
};

export interface PlannedObject {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the provider's schema has
  readonly [key: string]: any;
}

export interface Deployed {
  readonly plan: Plan;
  readonly deployment: Deployment;
}

export function platformAt(target: Partial<KubernetesTargetProps> = {}): Platform {
  return platformOf(Target.kubernetes({ namespace: "mqtt", ...target })) as Platform;
}

/** A broker of which every part of the contract is in use, the pool in front of it, and what tests add. */
export function deploy(
  target: Partial<KubernetesTargetProps> = {},
  changes: {
    readonly brokers?: number;
    readonly broker?: Partial<Workload>;
    readonly objects?: readonly CustomObject[];
  } = {},
): Deployed {
  const platform = platformAt(target);
  const placement = platform.place("dev-mqtt", [
    { workload: "broker", count: changes.brokers ?? 3 },
    { workload: "balancer", count: 2 },
  ]);
  // Their folders are those of images here, where each has one of its own.
  const inImage = { ...placement, folder: (workload: string, use: string) => `/opt/${workload}/${use}` };
  const broker = hostedBroker(inImage);
  // Behind the pool they are for nobody else.
  const ports = broker.ports.map((port) =>
    port.audience === "clients" ? ({ ...port, audience: "cluster" } as const) : port,
  );
  const workloads = [{ ...broker, ports, ...changes.broker }, hostedPool(inImage)];
  const stack = new TerraformStack(Testing.app(), "dev");
  const deployment = platform.deploy(stack, placement, workloads, changes.objects ?? []);
  return { plan: JSON.parse(Testing.synth(stack)), deployment };
}

/** The one object of a type, or that of an id. */
export function only({ resource }: Plan, type: string, id?: string): PlannedObject {
  const found = Object.entries(resource[`kubernetes_${type}`] ?? {}).filter(([name]) => !id || name === id);
  if (found.length !== 1) {
    throw new Error(`${found.length} of kubernetes_${type} ${id ?? ""}`);
  }
  return found[0][1];
}
