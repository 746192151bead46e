import { haproxyAlerts } from "../../../src/components/haproxy/haproxy-alerts";
import { describeAlerts } from "../../support/alert-tests";
import { balancerInput } from "../../support/balancers";

const process = (metric: string) => `${metric}{job="haproxy",instance="balancer-1"}`;
const backend = (metric: string, rest = "") =>
  `${metric}{job="haproxy",instance="balancer-1",proxy="mqtt-brokers"${rest && `,${rest}`}}`;
const up = backend("haproxy_server_status", 'server="broker-1",state="UP"');
const down = backend("haproxy_server_status", 'server="broker-1",state="DOWN"');
const maintenance = backend("haproxy_server_status", 'server="broker-1",state="MAINT"');
const check = (server: string) => backend("haproxy_server_check_status", `server="${server}",state="L7OK"`);

describeAlerts("haproxy", haproxyAlerts(balancerInput()), {
  HaproxyDown: {
    fires: { [process("up")]: "1x10 0x20" },
    silent: { [process("up")]: "1x29 0" },
  },
  HaproxyNoBrokerLeft: {
    fires: { [backend("haproxy_backend_active_servers")]: "3x29 0" },
    silent: { [backend("haproxy_backend_active_servers")]: "1x30" },
  },
  HaproxyServerDown: [
    { fires: { [up]: "0x30", [down]: "1x30" }, silent: { [up]: "1x29 0", [down]: "0x29 1" } },
    // Its name is gone from the DNS, as that of a stopped container is.
    { fires: { [up]: "0x30", [down]: "0x30", [maintenance]: "1x30" }, silent: { [up]: "1x30", [maintenance]: "0x30" } },
  ],
  HaproxyServerNotChecked: {
    fires: { [up]: "1x30", [check("broker-2")]: "1x30" },
    silent: { [up]: "1x30", [check("broker-1")]: "0x30" },
  },
  HaproxyConnectionsNearLimit: {
    fires: {
      [process("haproxy_process_current_connections")]: "401x30",
      'haproxy_process_current_connections{job="haproxy",instance="balancer-2"}': "400x30",
    },
    silent: { [process("haproxy_process_current_connections")]: "800x30" },
  },
  HaproxySourcePortsNearLimit: {
    fires: { [backend("haproxy_server_current_sessions", 'server="broker-1"')]: "22586x30" },
    silent: { [backend("haproxy_server_current_sessions", 'server="broker-1"')]: "22585x30" },
  },
});
