import { compareVersions } from "compare-versions";
import type { EmqxDefinition } from "../../definition/cluster";
import { type Problem, problem, type Sound } from "../../definition/problems";

/** What EMQX's operator leaves no room for. */
export function operatorProblems({ version, extraConfig }: Partial<Sound<EmqxDefinition>>): Problem[] {
  const keys = "api_key.bootstrap_file";
  return [
    ...(version !== undefined && compareVersions(version, "5.8.4") < 0
      ? [
          problem(
            "broker.version",
            version,
            "must be 5.8.4 or later where EMQX's operator makes the brokers: before that EMQX reads emqx.conf only, which is " +
              "the operator's and has no place for secrets",
          ),
        ]
      : []),
    ...(extraConfig?.[keys] !== undefined
      ? [
          problem(
            `broker.extraConfig["${keys}"]`,
            extraConfig[keys],
            "belongs to EMQX's operator, which reaches the brokers with a key of its own from there: make keys in the dashboard",
          ),
        ]
      : []),
  ];
}
