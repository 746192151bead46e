const fixed = (why: string) => `cannot be changed: ${why}`;
const option = (name: string) => `is governed by ${name}`;

/** The settings that this package writes, and what decides over them. */
const GOVERNED: readonly (readonly [RegExp, string])[] = [
  [/^node\.name$/, option("the target: it gives every node its host name")],
  [/^node\.cookie$/, option("broker.nodeCookie")],
  [/^node\.data_dir$/, fixed("it is where the data volume is")],
  [/^node\.max_ports$/, option("clients.maxConnections")],
  [/^node\.dist_net_ticktime$/, option("broker.netTickTime")],
  [/^broker\.session_locking_strategy$/, fixed("otherwise one hung node holds up connects to all")],
  [/^cluster\.name$/, option("broker.clusterName")],
  [/^cluster\.autoheal$/, option("broker.autoheal")],
  [/^cluster\.autoclean$/, option("broker.autoclean")],
  [/^cluster\.(?:discovery_strategy|static|dns|etcd|k8s)\b/, option("the target: it knows where the nodes are")],
  [/^rpc\.(?:port_discovery|server_port)$/, fixed("it is the port that the target opens")],
  [/^license\b/, option("broker.license")],
  [/^dashboard\.listeners\b/, fixed("health checks and Prometheus use it")],
  [/^dashboard\.default_password$/, option("broker.dashboardPassword")],
  [/^listeners\.\w+\.[\w-]+\.(?:enable_authn|authentication)$/, option("access: anonymous clients are always refused")],
  [/^listeners\.tcp\.default\.(?:bind|enable)$/, option("broker.listeners.tcpPort")],
  [/^listeners\.tcp\.internal\.(?:bind|enable)$/, option("broker.listeners.internalPort")],
  [/^listeners\.ws\.default\.(?:bind|enable)$/, option("broker.listeners.wsPort")],
  [/^listeners\.(?:tcp|ws)\.\w+\.max_connections$/, option("clients.maxConnections")],
  [/^listeners\.(?:tcp|ws)\.\w+\.proxy_protocol$/, option("balancer: with one in front it is on")],
  [/^listeners\.ws\.default\.websocket\.idle_timeout$/, option("clients.maxKeepalive")],
  [/^listeners\.ws\.default\.websocket\.(?:mqtt_path|proxy_\w+_header)$/, fixed("balancer and clients rely on it")],
  [
    /^listeners\.(?!tcp\.(?:default|internal)\.|ws\.default\.)/,
    option("broker.listeners: the target opens no other ports"),
  ],
  [/^mqtt\.max_packet_size$/, option("broker.mqtt.maxPacketSize")],
  [/^mqtt\.session_expiry_interval$/, option("broker.mqtt.sessionExpiry")],
  [/^mqtt\.max_mqueue_len$/, option("broker.mqtt.maxQueuedMessages")],
  [/^mqtt\.max_inflight$/, option("broker.mqtt.maxInflight")],
  [/^mqtt\.max_clientid_len$/, option("broker.mqtt.maxClientIdLength")],
  [/^mqtt\.max_topic_levels$/, option("broker.mqtt.maxTopicLevels")],
  [/^retainer\.max_payload_size$/, option("broker.mqtt.maxPacketSize")],
  [/^retainer\.backend\.storage_type$/, option("broker.retainedMessagesOnDisc")],
  [/^(?:authentication|authorization\.(?:no_match|deny_action|sources))\b/, option("access")],
  [/^(?:connectors|actions)\.\w+\.session_copy\b|^rule_engine\.rules\.session_copy\b/, option("sessionStore")],
  [/^prometheus\.enable_basic_auth$/, fixed("Prometheus and health checks read the metrics without a password")],
  [
    /^prometheus\.(?:enable|headers|interval|job_name|push_gateway_server|\w+_collector)$/,
    option("prometheus.push_gateway or prometheus.collectors: EMQX does not accept old and new spellings side by side"),
  ],
  [/^telemetry\.enable$/, fixed("nodes would report to EMQX's maker")],
];

/** Why a key cannot be set beside what this package writes, and which option to use instead. */
export function governs(key: string): string | undefined {
  return GOVERNED.find(([keys]) => keys.test(key))?.[1];
}
