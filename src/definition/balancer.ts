import * as v from "valibot";
import { duration, integer, oneOf, options, version } from "./values";

/** How a balancer chooses the broker for a new connection. */
export type BalancerAlgorithm = "leastConnections" | "clientId";

/** What every balancer accepts. */
export interface BalancerProps {
  /**
   * Number of balancers, 1 to 9. A target that cannot run as many says so.
   * @default - 1; 2 on Kubernetes
   */
  readonly replicas?: number;
  /**
   * Broker for a new connection: the one with the fewest connections, or always the same one for a client id (consistent
   * hash; HAProxy only). A session follows its client to any node anyway, so the second only saves moving it.
   * @default "leastConnections"
   */
  readonly algorithm?: BalancerAlgorithm;
  /**
   * After a reload the old process keeps its connections, at most for this long: "1m" to "24h". It takes effect where a
   * target reloads a running balancer, not on Docker, which replaces the container.
   * @default "15m"
   */
  readonly drainTimeout?: string;
}

/** What `Balancer.haproxy()` accepts. */
export interface HaproxyBalancerProps extends BalancerProps {
  /**
   * Version of HAProxy, 2.6 or later.
   * @default - 3.2.22 as image; as package, what the host's distribution has
   */
  readonly version?: string;
}

/** What `Balancer.nginx()` accepts. */
export interface NginxBalancerProps extends BalancerProps {
  /**
   * Version of nginx (open source), 1.22 or later.
   * @default - 1.30.4 as image; as package, what the host's distribution has
   */
  readonly version?: string;
}

/** What stands between clients and brokers. */
export class Balancer {
  /** HAProxy: active health checks of every broker, stickiness by client id, metrics per broker. */
  public static haproxy(props: HaproxyBalancerProps = {}): Balancer {
    return new Balancer("haproxy", props);
  }

  /**
   * nginx (open source): passive checks only. It notices a broker that refuses connections, not one that hangs; choose
   * HAProxy unless nginx is what you run.
   */
  public static nginx(props: NginxBalancerProps = {}): Balancer {
    return new Balancer("nginx", props);
  }

  /** No balancer: clients connect to brokers directly, which then see their addresses without the PROXY protocol. */
  public static none(): Balancer {
    return new Balancer("none", {});
  }

  /** @internal */
  public readonly _kind: "haproxy" | "nginx" | "none";
  /** @internal */
  public readonly _props: HaproxyBalancerProps | NginxBalancerProps;

  private constructor(kind: "haproxy" | "nginx" | "none", props: HaproxyBalancerProps | NginxBalancerProps) {
    this._kind = kind;
    this._props = props;
  }
}

const common = {
  replicas: v.optional(integer(1, 9)),
  drainTimeout: v.optional(duration("1m", "24h"), "15m"),
};

export const haproxySchema = options({
  ...common,
  version: v.optional(version),
  algorithm: v.optional(oneOf(["leastConnections", "clientId"]), "leastConnections"),
});

export const nginxSchema = options({
  ...common,
  version: v.optional(version),
  algorithm: v.optional(
    v.literal(
      "leastConnections",
      'must be "leastConnections" on nginx: reading the client id (mqtt_preread) is in its commercial edition only; ' +
        'use Balancer.haproxy({ algorithm: "clientId" })',
    ),
    "leastConnections",
  ),
});

export const noBalancerSchema = options({});

/** What the definition says of its clients; balancer, broker and alerts derive their limits from it. */
export interface ClientLimitsProps {
  /**
   * Connections that the whole cluster must hold at once, 1 to 10 000 000. File limits, `maxconn` and alerts follow from it.
   * @default 10000
   */
  readonly maxConnections?: number;
  /**
   * Longest MQTT keepalive that clients use: "10s" to "18h". Idle timeouts are 1.5 times this and a margin, so that no
   * balancer cuts a client that is alive.
   * @default "5m"
   */
  readonly maxKeepalive?: string;
}

export const clientLimitsSchema = options({
  maxConnections: v.optional(integer(1, 10_000_000), 10_000),
  maxKeepalive: v.optional(duration("10s", "18h"), "5m"),
});
