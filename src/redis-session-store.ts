import type { Construct } from "constructs";
import { redisWorkload } from "./components/redis/redis";
import { type RedisDefinition, type SoundDefinition, withDefaults } from "./definition/cluster";
import { crossChecks } from "./definition/cross-checks";
import { check, joinProblems, refuseProblems } from "./definition/problems";
import { type RedisProps, redisSchema, redisSecrets } from "./definition/session-store";
import type { Target } from "./definition/target";
import { props as allowedProps } from "./definition/values";
import { Deployed } from "./deployed";
import { platformOf } from "./targets/choose-platform";
import type { Platform } from "./targets/platform";

/** A Redis of its own. */
export interface RedisSessionStoreProps {
  /** @default - see RedisProps */
  readonly redis?: RedisProps;
  /** `Target.docker()`, `Target.dockerSwarm()`, `Target.vms()` or `Target.kubernetes()`. */
  readonly target: Target;
  /**
   * Prefix of everything that is made; lower-case letters, digits and `-`, at most 30 characters.
   * @default - `<stack>-<construct id>`
   */
  readonly name?: string;
}

/**
 * Only the session store: Redis with its users, its limits and the function that brokers write sessions with.
 *
 * @throws InvalidDefinitionError listing every problem, before any resource is made.
 */
export class RedisSessionStore extends Deployed {
  public constructor(scope: Construct, id: string, props: RedisSessionStoreProps) {
    super(scope, id);
    const { name, problems } = this._checkName(props?.name);
    const platform = platformOf(props?.target);
    const redis = check(redisSchema, props?.redis === undefined ? {} : props.redis, "redis");
    const definition = withDefaults(redis.sound && { kind: "redis", ...redis.sound }, redisSecrets(name));
    const parts = { name, sessionStore: definition } as SoundDefinition;
    const further = [...crossChecks(parts), ...this._checkPlace(props?.target, platform, parts)].map((found) => ({
      ...found,
      path: found.path.replace(/^sessionStore\b/, "redis"),
    }));
    refuseProblems(
      `the session store "${name}"`,
      joinProblems(
        problems,
        check(allowedProps("redis", "target", "name"), props ?? {}, "").problems,
        redis.problems,
        further,
      ),
    );
    this._deploy({
      what: "session store",
      name,
      platform: platform as Platform,
      demands: [{ workload: "session-store", count: 1 }],
      render: (placement) => [
        redisWorkload(definition as RedisDefinition, {
          ...placement,
          instances: placement.instances("session-store"),
        }),
      ],
    });
  }
}
