import * as v from "valibot";
import { balancerMetrics, portsTakenTwice } from "./cross-checks";
import { type Problem, problem, type Sound } from "./problems";
import { flag, hostName, integer, options, pattern, port } from "./values";

/** Brokers that run already, wherever that is. */
export interface ExistingBrokersProps {
  /** Their host names or addresses, as the balancer reaches them: 1 to 64. */
  readonly hosts: string[];
  /**
   * Port of MQTT over TCP, on every broker and on the balancer.
   * @default 1883
   */
  readonly tcpPort?: number;
  /**
   * Port of MQTT over WebSocket; `0` for none.
   * @default 0
   */
  readonly wsPort?: number;
  /**
   * URL path of MQTT over WebSocket.
   * @default "/mqtt"
   */
  readonly wsPath?: string;
  /**
   * Port of an HTTP dashboard to pass on to operators; `0` for none.
   * @default 0
   */
  readonly dashboardPort?: number;
  /**
   * Whether the brokers' MQTT listeners expect the PROXY protocol. It must be on at both ends or at neither; only with it
   * brokers see the addresses of clients.
   * @default false
   */
  readonly proxyProtocol?: boolean;
  /**
   * HTTP port on which a broker answers 200 while it is well (EMQX: 18083); `0` to ask with an MQTT CONNECT instead.
   * @default 0
   */
  readonly healthCheckPort?: number;
  /**
   * Path to ask on `healthCheckPort`.
   * @default "/status"
   */
  readonly healthCheckPath?: string;
}

const urlPath = pattern(/^\/[A-Za-z0-9._~/-]*$/, 'an absolute path: "/status"');

const HOSTS = 'must be a list of 1 to 64 host names or IPv4 addresses: ["broker-1.example.com"]';

export const existingBrokersSchema = options({
  hosts: v.pipe(v.array(hostName, HOSTS), v.minLength(1, HOSTS), v.maxLength(64, HOSTS)),
  tcpPort: v.optional(port, 1883),
  wsPort: v.optional(integer(0, 65535), 0),
  wsPath: v.optional(urlPath, "/mqtt"),
  dashboardPort: v.optional(integer(0, 65535), 0),
  proxyProtocol: v.optional(flag, false),
  healthCheckPort: v.optional(integer(0, 65535), 0),
  healthCheckPath: v.optional(urlPath, "/status"),
});

export type ExistingBrokers = v.InferOutput<typeof existingBrokersSchema>;

/** What no option can know alone. */
export function checkExistingBrokers(
  { hosts = [], tcpPort, wsPort, dashboardPort, healthCheckPort }: Partial<Sound<ExistingBrokers>>,
  given: Partial<ExistingBrokersProps>,
): Problem[] {
  const names = hosts.map((host) => host?.toLowerCase());
  return [
    ...names.flatMap((host, index) =>
      host !== undefined && names.indexOf(host) < index
        ? [problem(`brokers.hosts[${index}]`, hosts[index], "is there twice; name every broker once")]
        : [],
    ),
    ...names.flatMap((host, index) =>
      host !== undefined && /^(?:localhost$|127\.|0\.0\.0\.0$)/.test(host)
        ? [
            problem(
              `brokers.hosts[${index}]`,
              hosts[index],
              "would be the balancer itself: give the address under which other machines reach this broker",
            ),
          ]
        : [],
    ),
    ...portsTakenTwice("brokers", { tcpPort, wsPort, dashboardPort }, [balancerMetrics("the balancer")]),
    ...(given.wsPath !== undefined && wsPort === 0
      ? [
          problem(
            "brokers.wsPath",
            given.wsPath,
            "has no effect without brokers.wsPort: give that, too, or leave it out",
          ),
        ]
      : []),
    ...(given.healthCheckPath !== undefined && healthCheckPort === 0
      ? [
          problem(
            "brokers.healthCheckPath",
            given.healthCheckPath,
            "has no effect without brokers.healthCheckPort: give that, too, or leave it out",
          ),
        ]
      : []),
  ];
}
