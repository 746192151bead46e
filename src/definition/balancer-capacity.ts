import { type Problem, problem } from "./problems";

/**
 * Connections that one address can have open to one port of another: Linux takes their source ports from 32768 to 60999
 * (`net.ipv4.ip_local_port_range`).
 */
export const SOURCE_PORTS = 28_232;

/**
 * Every connection from a balancer to a broker occupies a source port of the balancer. A second balancer adds none to
 * count on: when one is gone, the other holds every connection.
 */
export function checkBalancerCapacity(maxConnections: number, brokers: number, remedy: string): Problem[] {
  const most = brokers * SOURCE_PORTS;
  if (maxConnections <= most) {
    return [];
  }
  return [
    problem(
      "clients.maxConnections",
      maxConnections,
      `must be at most ${most} with ${brokers} ${brokers === 1 ? "broker" : "brokers"} behind a balancer, which has ` +
        `${SOURCE_PORTS} source ports for its connections to each: ${remedy}`,
    ),
  ];
}
