import type { AlertCases } from "../support/alert-tests";

const haproxy = (metric: string, labels = "", instance = "balancer-1") =>
  `${metric}{job="haproxy",instance="${instance}"${labels}}`;
const server = (metric: string, name: string, labels = "") =>
  haproxy(metric, `,proxy="mqtt-brokers",server="${name}"${labels}`);
const isUp = (name: string) => server("haproxy_server_status", name, ',state="UP"');
const checked = (name: string) => server("haproxy_server_check_status", name, ',state="L7OK"');
const active = haproxy("haproxy_backend_active_servers", ',proxy="mqtt-brokers"');
const connections = (instance: string) => haproxy("haproxy_process_current_connections", "", instance);

export const HAPROXY_CASES: AlertCases = {
  HaproxyDown: { fires: { [haproxy("up")]: "1x10 0x30" }, silent: { [haproxy("up")]: "0x28 1x12" } },
  HaproxyNoBrokerLeft: {
    fires: { [active]: "3x28 0x12" },
    silent: { [active]: "1x40", [haproxy("haproxy_backend_active_servers", ',proxy="dashboard"')]: "0x40" },
  },
  HaproxyServerDown: [
    {
      fires: { [isUp("broker-1")]: "1x40", [isUp("broker-2")]: "1x10 0x30" },
      silent: { [isUp("broker-1")]: "1x40", [isUp("broker-2")]: "0x10 1x30" },
    },
    {
      // Its name no longer resolves: neither up nor down.
      fires: { [isUp("broker-2")]: "0x40", [server("haproxy_server_status", "broker-2", ',state="MAINT"')]: "1x40" },
      silent: { [isUp("broker-2")]: "1x40", [server("haproxy_server_status", "broker-2", ',state="MAINT"')]: "0x40" },
    },
  ],
  HaproxyServerNotChecked: {
    // One without a check beside one with.
    fires: { [isUp("broker-1")]: "1x40", [isUp("broker-2")]: "1x40", [checked("broker-1")]: "1x40" },
    silent: {
      [isUp("broker-1")]: "1x40",
      [isUp("broker-2")]: "1x40",
      [checked("broker-1")]: "1x40",
      [checked("broker-2")]: "0x40",
    },
  },
  HaproxyConnectionsNearLimit: {
    fires: { [connections("balancer-1")]: "4000x40", [connections("balancer-2")]: "4001x40" },
    silent: { [connections("balancer-1")]: "4000x40", [connections("balancer-2")]: "4000x40" },
  },
  HaproxySourcePortsNearLimit: {
    fires: { [server("haproxy_server_current_sessions", "broker-1")]: "27000x40" },
    silent: { [server("haproxy_server_current_sessions", "broker-1")]: "20000x40" },
  },
};

const nginx = (metric: string, addr = "") =>
  `${metric}{job="nginx",instance="balancer-exporter"${addr && `,addr="${addr}"`}}`;

export const NGINX_CASES: AlertCases = {
  NginxDown: [
    {
      // One of two balancers; the exporter itself answers.
      fires: { [nginx("up")]: "1x40", [nginx("nginx_up", "one")]: "1x40", [nginx("nginx_up", "two")]: "0x40" },
      silent: { [nginx("up")]: "1x40", [nginx("nginx_up", "one")]: "1x40", [nginx("nginx_up", "two")]: "1x40" },
    },
    { fires: { [nginx("up")]: "0x40" }, silent: { [nginx("up")]: "0x28 1x12", [nginx("nginx_up", "one")]: "1x40" } },
  ],
  NginxConnectionsNearLimit: {
    fires: {
      [nginx("nginx_connections_active", "one")]: "4000x40",
      [nginx("nginx_connections_active", "two")]: "4001x40",
    },
    silent: {
      [nginx("nginx_connections_active", "one")]: "4000x40",
      [nginx("nginx_connections_active", "two")]: "4000x40",
    },
  },
};
