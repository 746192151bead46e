import type { SoundDefinition } from "../definition/cluster";
import type { DockerTargetProps } from "../definition/docker";
import type { DockerSwarmTargetProps } from "../definition/docker-swarm";
import type { KubernetesTargetProps } from "../definition/kubernetes";
import { type Problem, problem, refuseProblems } from "../definition/problems";
import { Target } from "../definition/target";
import type { VmsTargetProps } from "../definition/vms";
import type { Platform } from "./platform";
import { missingPackage } from "./provider-packages";

/**
 * Loads only the provider that is needed: each costs every start its load time, and is an optional dependency.
 *
 * @returns undefined for what is no target; `checkTarget` reports that with the definition's other problems.
 */
export function platformOf(target: Target | undefined): Platform | undefined {
  if (!(target instanceof Target)) {
    return undefined;
  }
  switch (target._kind) {
    case "docker": {
      refuseProblems("the target", missingPackage("target", "docker", "@cdktf/provider-docker"));
      const { DockerPlatform } = require("./docker/platform") as typeof import("./docker/platform");
      return new DockerPlatform(target._props as DockerTargetProps);
    }
    case "dockerSwarm": {
      refuseProblems("the target", missingPackage("target", "dockerSwarm", "@cdktf/provider-docker"));
      const { DockerSwarmPlatform } = require("./docker-swarm/platform") as typeof import("./docker-swarm/platform");
      return new DockerSwarmPlatform(target._props as DockerSwarmTargetProps);
    }
    case "vms": {
      const { VmsPlatform } = require("./vms/platform") as typeof import("./vms/platform");
      return new VmsPlatform(target._props as VmsTargetProps);
    }
    case "kubernetes": {
      refuseProblems("the target", missingPackage("target", "kubernetes", "@cdktf/provider-kubernetes"));
      const { KubernetesPlatform } = require("./kubernetes/platform") as typeof import("./kubernetes/platform");
      return new KubernetesPlatform(target._props as KubernetesTargetProps);
    }
  }
}

/** What the target cannot honour, or that there is none. */
export function checkTarget(
  target: Target | undefined,
  platform: Platform | undefined,
  definition: SoundDefinition,
): Problem[] {
  return (
    platform?.checkDefinition(definition) ?? [
      problem("target", target, "must be Target.docker(), Target.dockerSwarm(), Target.vms() or Target.kubernetes()"),
    ]
  );
}
