import { Balancer, Broker } from "../../src";
import { fullDefinition } from "../support/definitions";

const withConnections = (maxConnections: number, nodes: number, balancer: Balancer) => () =>
  fullDefinition({ broker: Broker.emqx({ nodes }), balancer, clients: { maxConnections } });

test("a balancer has 28232 source ports for each broker", () => {
  expect(withConnections(84_696, 3, Balancer.haproxy())).not.toThrow();
  expect(withConnections(84_697, 3, Balancer.nginx({ replicas: 2 }))).toThrow(
    /clients\.maxConnections = 84697: must be at most 84696 with 3 brokers/,
  );
  expect(withConnections(28_233, 1, Balancer.haproxy())).toThrow(/at most 28232 with 1 broker /);
});

test("without a balancer clients bring their own ports", () => {
  expect(withConnections(1_000_000, 3, Balancer.none())).not.toThrow();
});

test("releases of HAProxy that die of a refused connection are refused", () => {
  const withVersion = (version: string) => () => fullDefinition({ balancer: Balancer.haproxy({ version }) });
  expect(withVersion("3.2.1")).toThrow(/balancer\.version = "3\.2\.1": .* take 3\.2\.2 or later/);
  expect(withVersion("3.2.2")).not.toThrow();
  expect(withVersion("3.2")).not.toThrow();
});
