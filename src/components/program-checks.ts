import type { SoundDefinition } from "../definition/cluster";
import type { Problem } from "../definition/problems";
import type { Maker } from "../placement/placement";
import { operatorProblems } from "./emqx/operator-problems";
import { checkPartitionHandling, checkTopicPatterns } from "./rabbitmq/definition-checks";

type Scalar = string | number | boolean;

/** What only the programs know to be wrong with a definition, given the parts that are well-formed. */
export function programChecks({ broker, access }: SoundDefinition): Problem[] {
  switch (broker?.kind) {
    case "emqx":
      return extraEmqxConfig(broker);
    case "rabbitmq":
      return [...checkPartitionHandling(broker), ...(access?.kind === "passwords" ? checkTopicPatterns(access) : [])];
    default:
      return [];
  }
}

/** What whoever makes the brokers cannot do with a definition; `programChecks` says the rest. */
export function makerChecks({ broker }: SoundDefinition, maker: Maker): Problem[] {
  return broker?.kind === "emqx" && maker === "operator" ? operatorProblems(broker) : [];
}

function extraEmqxConfig({ version, extraConfig }: { version?: string; extraConfig?: object }): Problem[] {
  const given = Object.entries(extraConfig ?? {}).filter(([, value]) => value !== undefined);
  if (version === undefined || given.length === 0) {
    return [];
  }
  // Only now, because the list of all settings takes its time to load.
  const { checkExtraConfig } = require("./emqx/extra-config") as typeof import("./emqx/extra-config");
  return checkExtraConfig({ version, extraConfig: Object.fromEntries(given) as Record<string, Scalar> });
}
