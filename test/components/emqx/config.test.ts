import { Access, Balancer, Broker, Secret, SessionStore } from "../../../src";
import { type EmqxCluster, emqxConfig, seedFiles } from "../../../src/components/emqx/config";
import { emqxWorkload } from "../../../src/components/emqx/emqx";
import { settingProblem } from "../../../src/components/emqx/extra-config";
import { governs } from "../../../src/components/emqx/governed-keys";
import type { ClusterDefinitionProps } from "../../../src/definition/cluster";
import type { HoconObject, HoconValue } from "../../../src/formats/hocon";
import { fullDefinition, testPlacement } from "../../support/definitions";

const license = Secret.variable("emqx_license");

/** Every way to write emqx.conf for 5.8. */
const VARIANTS: Record<string, Partial<ClusterDefinitionProps>> = {
  "passwords, session copy, balancer": {},
  "credentials in Redis": { access: Access.redis({ disconnectOnDeny: true }) },
  "nothing but brokers": { balancer: Balancer.none(), sessionStore: SessionStore.builtIn() },
  "one node": { broker: Broker.emqx({ nodes: 1 }), clients: { maxConnections: 1 } },
  "every option": {
    broker: Broker.emqx({
      nodes: 5,
      clusterName: "plant-7",
      listeners: { tcpPort: 2883, wsPort: 0, internalPort: 11883 },
      mqtt: { maxPacketSize: "1500B", sessionExpiry: "7d", maxQueuedMessages: 0, maxClientIdLength: 23 },
      autoheal: false,
      retainedMessagesOnDisc: false,
      extraConfig: { "mqtt.max_topic_alias": 128, "listeners.tcp.default.tcp_options.backlog": 4096 },
    }),
    clients: { maxKeepalive: "18h" },
  },
};

function config(overrides: Partial<ClusterDefinitionProps>, placement = {}): HoconObject {
  const definition = fullDefinition(overrides) as EmqxCluster;
  return emqxConfig(definition, { ...testPlacement({ broker: definition.broker.nodes }), ...placement });
}

/** Every value by its full key: `listeners.tcp.default.bind`. Lists are values. */
function leaves(object: HoconObject, prefix = ""): Map<string, HoconValue> {
  return new Map(
    Object.entries(object).flatMap(([key, value]): [string, HoconValue][] =>
      value === undefined
        ? []
        : typeof value === "object" && !Array.isArray(value)
          ? [...leaves(value as HoconObject, `${prefix}${key}.`)]
          : [[prefix + key, value]],
    ),
  );
}

/** The same with what is in lists, as the list of settings has it: `sources.[].type`. */
function settings(object: HoconObject, prefix = ""): [string, HoconValue][] {
  return [...leaves(object, prefix)].flatMap(([path, value]): [string, HoconValue][] => {
    const items = Array.isArray(value) ? value.filter((item) => typeof item === "object") : [];
    return [[path, value], ...items.flatMap((item) => settings(item, `${path}.[].`))];
  });
}

test.each(Object.entries(VARIANTS))(
  "%s: EMQX 5.8 knows every setting that is written, and its type",
  (_, overrides) => {
    const written = [
      ...settings(config(overrides)),
      ...settings(config(overrides, { discovery: { kind: "dns-srv", name: "_dist._tcp.mqtt.example.com" } })),
    ];
    const problems = written.flatMap(([path, value]) => {
      // Headers and their values are free.
      const message = /\.headers\./.test(path) ? undefined : settingProblem(path, value as string);
      return message === undefined ? [] : [`${path}: ${message}`];
    });
    expect(problems).toEqual([]);
  },
);

test("whatever is written is governed by an option, and extraConfig cannot change it", () => {
  const added = Object.keys({ "mqtt.max_topic_alias": 1, "listeners.tcp.default.tcp_options.backlog": 1 });
  const business = { broker: Broker.emqx({ version: "5.10.4", license }) };
  for (const overrides of [...Object.values(VARIANTS), business]) {
    const free = [...leaves(config(overrides)).keys()].filter((path) => !governs(path));
    expect(free.filter((path) => !added.includes(path))).toEqual([]);
  }
});

test("brokers find each other by name, by DNS, or are alone", () => {
  expect(config({}).cluster).toMatchObject({ discovery_strategy: "static" });
  const included = (nodes: number) =>
    seedFiles(testPlacement({ broker: nodes })).map(({ path, content }) => [path, content.match(/emqx@[^"]+/g)]);
  expect(included(3)).toEqual([
    ["/opt/emqx/etc/peers.conf", [1, 2, 3].map((ordinal) => `emqx@broker-${ordinal}.dev-mqtt.internal`)],
  ]);
  expect(included(1)).toEqual([]);
  expect(config({}, { discovery: { kind: "dns-srv", name: "mqtt.example.com" } }).cluster).toMatchObject({
    discovery_strategy: "dns",
    dns: { name: "mqtt.example.com", record_type: "srv" },
  });
  expect(config({ broker: Broker.emqx({ nodes: 1 }) }).cluster).toMatchObject({ discovery_strategy: "singleton" });
});

test("a setting that EMQX changes the default of is always written", () => {
  for (const overrides of Object.values(VARIANTS)) {
    const paths = leaves(config(overrides));
    for (const path of [
      "authentication",
      "authorization.no_match",
      "prometheus.enable_basic_auth",
      "dashboard.default_password",
      "listeners.ssl.default.enable",
      "listeners.wss.default.enable",
    ]) {
      expect([path, paths.has(path)]).toEqual([path, true]);
    }
    for (const [path, value] of paths) {
      if (path.endsWith(".bind")) {
        expect(value).toMatch(/^0\.0\.0\.0:\d+$/);
      }
    }
  }
});

test("the PROXY protocol is for clients that come through a balancer, not for programs inside", () => {
  const broker = Broker.emqx({ listeners: { internalPort: 11883 } });
  expect(config({ broker }).listeners).toMatchObject({
    tcp: { default: { proxy_protocol: true }, internal: { bind: "0.0.0.0:11883", proxy_protocol: false } },
    ws: { default: { proxy_protocol: true } },
  });
  expect(config({ broker, balancer: Balancer.none() }).listeners).toMatchObject({
    tcp: { default: { proxy_protocol: false } },
    ws: { default: { proxy_protocol: false } },
  });
});

test("WebSocket connections outlive the longest keepalive", () => {
  const timeout = (maxKeepalive: string) =>
    leaves(config({ clients: { maxKeepalive } })).get("listeners.ws.default.websocket.idle_timeout");
  expect(timeout("18h")).toBe("97260s");
  expect(timeout("5m")).toBe("7200s");
});

test("extra settings join what is written", () => {
  expect(config(VARIANTS["every option"])).toMatchObject({
    mqtt: { max_topic_alias: 128, max_packet_size: 1500 },
    listeners: { tcp: { default: { bind: "0.0.0.0:2883", tcp_options: { backlog: 4096 } } } },
  });
});

test("from 5.9 on EMQX calls the session function in Redis itself", () => {
  const {
    connectors,
    actions,
    rule_engine,
    license: key,
  } = config({ broker: Broker.emqx({ version: "5.10.4", license }) });
  expect({ connectors, actions, rule_engine, key }).toMatchSnapshot();
});

test("files, as they are written", () => {
  for (const overrides of [{}, { access: Access.redis() }]) {
    const { files } = emqxWorkload(fullDefinition(overrides), testPlacement());
    expect(files.map(({ path, content }) => `# ${path}\n${content}`).join("\n")).toMatchSnapshot();
  }
});
