import { nginxAlerts } from "../../../src/components/nginx/nginx-alerts";
import { describeAlerts } from "../../support/alert-tests";
import { balancerInput } from "../../support/balancers";

const series = (metric: string, rest = "") => `${metric}{job="nginx",instance="balancer-exporter"${rest}}`;

const [down] = nginxAlerts(balancerInput({ software: "package" }));
const up = (value: string) => ({ 'up{job="nginx",instance="balancer-1"}': value });

describeAlerts("nginx without an exporter", [down], { NginxDown: { fires: up("0x30"), silent: up("1x30") } });

describeAlerts("nginx", nginxAlerts(balancerInput()), {
  NginxDown: [
    { fires: { [series("nginx_up")]: "0x30" }, silent: { [series("nginx_up")]: "1x29 0" } },
    { fires: { [series("up")]: "0x30" }, silent: { [series("up")]: "1x30", [series("nginx_up")]: "1x30" } },
  ],
  NginxConnectionsNearLimit: {
    fires: {
      [series("nginx_connections_active", ',addr="http://balancer-1:8405/status"')]: "401x30",
      [series("nginx_connections_active", ',addr="http://balancer-2:8405/status"')]: "400x30",
    },
    silent: { [series("nginx_connections_active")]: "800x30" },
  },
});
