import { compareVersions } from "compare-versions";
import type { RabbitmqPartitionHandling } from "../../definition/broker";
import type { RabbitmqDefinition } from "../../definition/cluster";
import { type Problem, problem } from "../../definition/problems";
import { type TopicRule, topicPattern } from "./topic-regex";

/**
 * New clusters of 4.2 and later keep their metadata in Khepri, which decides by majority; there the node monitor skips all
 * that `cluster_partition_handling` chooses between (rabbit_node_monitor.erl).
 */
export function decidesByMajority(version: string): boolean {
  return compareVersions(version, "4.2") >= 0;
}

/** The setting of that name; from 4.2 on RabbitMQ has no use of it. */
export function partitionHandling(broker: RabbitmqDefinition): RabbitmqPartitionHandling | undefined {
  return decidesByMajority(broker.version) ? undefined : (broker.partitionHandling ?? "pause_minority");
}

export function checkPartitionHandling({
  version,
  partitionHandling,
}: Partial<Pick<RabbitmqDefinition, "version" | "partitionHandling">>): Problem[] {
  return version === undefined || partitionHandling === undefined || !decidesByMajority(version)
    ? []
    : [
        problem(
          "broker.partitionHandling",
          partitionHandling,
          `RabbitMQ ${version} has no such choice: a side of a split that has no majority takes no new subscriptions until it ` +
            "sees the majority again, by itself; leave it out",
        ),
      ];
}

/** RabbitMQ 4.2.9 and later refuse a longer one, and stop at their start. */
const LONGEST_PATTERN = 1024;

/** Of `Access.passwords()`, as much as is well-formed. */
interface UsersAndRules {
  readonly users?: readonly ({ readonly name?: string } | undefined)[];
  readonly rules?: readonly (
    | (Partial<Omit<TopicRule, "topics">> & { readonly topics?: readonly (string | undefined)[] })
    | undefined
  )[];
}

export function checkTopicPatterns({ users = [], rules = [] }: UsersAndRules): Problem[] {
  const complete = rules.flatMap((rule) =>
    rule?.action && rule.topics
      ? [{ ...rule, action: rule.action, topics: rule.topics.filter((topic) => topic !== undefined) }]
      : [],
  );
  return users.flatMap((user) =>
    (["publish", "subscribe"] as const).flatMap((action) => {
      const length = user?.name === undefined ? 0 : Buffer.byteLength(topicPattern(complete, user.name, action));
      return length <= LONGEST_PATTERN
        ? []
        : [
            problem(
              "access.rules",
              user?.name,
              `the topics that this user may ${action} make a regular expression of ${length} bytes, and RabbitMQ takes ` +
                `${LONGEST_PATTERN}: give fewer or shorter filters, for instance one with a wildcard instead of several`,
            ),
          ];
    }),
  );
}
