import { Broker } from "../../../src";
import { settingProblem } from "../../../src/components/emqx/extra-config";
import { InvalidDefinitionError } from "../../../src/definition/problems";
import { fullDefinition } from "../../support/definitions";

function problems(extraConfig: Record<string, string | number | boolean>, version = "5.8.9"): string[] {
  try {
    fullDefinition({ broker: Broker.emqx({ version, nodes: 1, extraConfig }) });
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidDefinitionError);
    return (error as InvalidDefinitionError).problems;
  }
}

test("settings of EMQX with fitting values pass", () => {
  expect(
    problems({
      "mqtt.max_topic_alias": 128,
      "mqtt.idle_timeout": "1m30s",
      "mqtt.retry_interval": "infinity",
      "mqtt.max_qos_allowed": 1,
      "mqtt.shared_subscription_strategy": "sticky",
      "force_shutdown.max_heap_size": "64MB",
      "sysmon.os.cpu_high_watermark": "90%",
      "listeners.tcp.default.acceptors": 64,
      "authorization.cache.ttl": "10s",
      "zones.slow.mqtt.max_inflight": 1,
      "listeners.tcp.default.max_conn_rate": "1000/s",
      "flapping_detect.enable": true,
      "rpc.tcp_client_num": 4,
    }),
  ).toEqual([]);
});

test("an unknown key is refused with what there is", () => {
  expect(problems({ "zone.external.max_mqueue_len": 1 })[0]).toContain(
    "is no setting of EMQX 5.8; known: actions, alarm",
  );
  expect(problems({ "mqtt.max_topic_aliases": 1 })[0]).toContain("Did you mean mqtt.max_topic_alias?");
  expect(problems({ "mqtt.max_topic_alias.x": 1 })[0]).toContain("mqtt.max_topic_alias is a single value");
  expect(problems({ "listeners.tcp.a b.acceptors": 1 })[0]).toContain("is no setting of EMQX");
  expect(problems({ session: true })[0]).toContain("is no setting of EMQX");
});

test("a value that does not fit is refused with what does", () => {
  expect(
    problems({
      "mqtt.max_topic_alias": 65536,
      "mqtt.strict_mode": "yes",
      "mqtt.idle_timeout": "soon",
      "mqtt.shared_subscription_strategy": "fair",
      "force_shutdown.max_heap_size": "lots",
      "log.console.level": "loud",
      "listeners.tcp.default.access_rules": "allow all",
      "mqtt.keepalive_multiplier": "1.5",
      "mqtt.response_information": "a\u2028b",
      flapping_detect: true,
    }),
  ).toMatchSnapshot();
});

test("a setting that an option decides names the option", () => {
  expect(
    problems({
      "mqtt.max_packet_size": "2MB",
      "node.cookie": "x",
      "listeners.tcp.default.max_connections": 5,
      "listeners.tcp.default.enable_authn": false,
      "listeners.ssl.mine.bind": "0.0.0.0:8883",
      "prometheus.vm_dist_collector": "enabled",
    }),
  ).toMatchSnapshot();
});

test("an alias of such a setting does so too", () => {
  expect(problems({ "rpc.tcp_server_port": 1 })[0]).toContain("cannot be changed");
});

test("a secret has no place among extra settings", () => {
  const [message] = problems({ "connectors.mqtt.other.password": "hunter2" });
  expect(message).toContain("= (not shown): is a secret");
  expect(message).not.toContain("hunter2");
});

test("for other versions than 5.8 no setting is known", () => {
  expect(problems({ "mqtt.max_topic_alias": 1 }, "5.10.4")).toEqual([
    expect.stringContaining("the settings of EMQX 5.10.4 are not known to this package, only those of 5.8"),
  ]);
  expect(problems({}, "5.10.4")).toEqual([]);
});

test("every setting has a type that is understood", () => {
  // One of each kind of type; a kind that is not understood would be taken for a word and refuse what is allowed.
  const values: Record<string, string | number | boolean | readonly string[]> = {
    "node.dist_buffer_size": 8192,
    "mqtt.max_subscriptions": 10,
    "mqtt.server_keepalive": "disabled",
    "mqtt.mqueue_priorities": "disabled",
    "cluster.static.seeds": ["emqx@a.b"],
    "listeners.tcp.x.bind": "0.0.0.0:1883",
    "sysmon.vm.process_high_watermark": "80%",
    "rule_engine.rules.x.sql": 'SELECT * FROM "t/#"',
    "actions.http.x.parameters.body": "${.}",
    "actions.webhook.x.parameters.method": "put",
    "retainer.backend.type": "built_in_database",
    "listeners.tcp.x.enable_authn": "quick_deny_anonymous",
    "node.cookie": "anything",
  };
  for (const [key, value] of Object.entries(values)) {
    expect([key, settingProblem(key, value)]).toEqual([key, undefined]);
  }
});
