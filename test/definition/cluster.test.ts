import { Access, Broker, SessionStore } from "../../src";
import { fullDefinition } from "../support/definitions";

test("a minimal definition gets its defaults", () => {
  expect(fullDefinition().broker).toMatchObject({
    kind: "emqx",
    version: "5.8.9",
    nodes: 3,
    autoclean: 86400,
  });
});

test("every problem is reported at once", () => {
  expect(() =>
    fullDefinition({
      broker: Broker.emqx({
        nodes: 2,
        nodez: 3,
        listeners: { tcpPort: 70000 },
      } as never),
      sessionStore: SessionStore.redis({ memory: "lots" }),
      access: Access.passwords({
        users: [{ name: "a b", password: "hunter2" as never }],
        rules: [],
      }),
    }),
  ).toThrowErrorMatchingInlineSnapshot(`
    "the definition of MQTT cluster "dev-mqtt" has 7 problems:
      - broker.nodes = 2: must be 1, 3, 5 or 7: with an even number no side of a split has a majority (two nodes cannot lose either one), and beyond 7 every change of the routing table costs more than a node brings
      - broker.listeners.tcpPort = 70000: must be a whole number from 1 to 65535
      - broker.nodez = 3: unknown option; allowed here: version, nodes, clusterName, license, listeners, mqtt, autoheal, autoclean, netTickTime, retainedMessagesOnDisc, dashboardPassword, nodeCookie, memory, cpus, extraConfig. Did you mean nodes?
      - sessionStore.memory = "lots": must be a size from 64MB to 512GB, written as a whole number and KB, MB or GB, not Gi: "64MB"
      - access.users[0].name = "a b": must be letters, digits and "._@-" inside, at most 64 characters: it is written into several configuration languages
      - access.users[0].password = (not shown): must be a Secret, for instance Secret.variable("sensors_password"): a definition holds the name of a secret, never its value
      - access.rules = []: must be a list of rules, at least one: [{ users: ["sensors"], action: "publish", topics: ["sensors/#"] }]"
  `);
});
