import type { PrometheusDefinition } from "../../definition/cluster";
import { prometheusDuration } from "../../formats/prometheus-duration";
import { quoted, toYaml } from "../../formats/yaml";

const WEBHOOK = "webhook";
/** A receiver without any integration: the alert is shown by Alertmanager and sent nowhere. */
const NOBODY = "nobody";

/** `alertmanager.yml`. */
export function renderAlertmanagerConfig(monitoring: PrometheusDefinition, cluster: string): string {
  return toYaml(
    {
      route: route(monitoring),
      inhibit_rules: INHIBIT_RULES,
      receivers: [{ name: NOBODY }, ...webhook(monitoring)],
    },
    `Generated from the definition of MQTT cluster "${cluster}": change it there.`,
  );
}

function route({ webhook, scrapeInterval, downFor }: PrometheusDefinition): object {
  return {
    receiver: webhook ? WEBHOOK : NOBODY,
    // One message for three brokers with the same trouble, and never one message for two kinds of trouble.
    group_by: ["cluster", "alertname"],
    // Nodes that fail together are noticed up to one interval apart: wait for all of them, but not for ever.
    group_wait: prometheusDuration(Math.min(30, scrapeInterval)),
    // Also the longest that the word "resolved" is held back. Alertmanager's own 5m suits mail, not a program; and whoever wants
    // to know after seconds wants to know of the end as soon.
    group_interval: prometheusDuration(Math.min(60, downFor)),
    repeat_interval: "4h",
    // Watchdog fires for ever: sent along, it would be a message every four hours that everybody learns to ignore.
    ...(webhook && { routes: [{ matchers: ['alertname="Watchdog"'], receiver: NOBODY }] }),
  };
}

/**
 * Few on purpose: a muted alert is one that nobody sees. Critical alerts are never muted, and nothing is muted across
 * programs. The widespread "critical mutes warnings of the same alertname" would do nothing here, where the two have
 * different names; without `equal` it would mute one cluster's warnings because of another.
 */
const INHIBIT_RULES = [
  // The whole program is in trouble, as a cluster: warnings about single instances are its echo.
  {
    source_matchers: ['severity="critical"', 'instance=""'],
    target_matchers: ['severity=~"warning|info"', 'instance!=""'],
    equal: ["cluster", "component"],
  },
  // The instance is down: its rates over the last minutes still are what they were before.
  {
    source_matchers: ['severity="critical"', 'alertname=~".+Down"', 'instance!=""'],
    target_matchers: ['severity=~"warning|info"'],
    equal: ["cluster", "component", "instance"],
  },
];

function webhook({ webhook }: PrometheusDefinition): object[] {
  if (!webhook) {
    return [];
  }
  return [
    {
      name: WEBHOOK,
      webhook_configs: [
        {
          url: webhook.url,
          send_resolved: true,
          http_config: {
            ...(webhook.token && { authorization: { type: "Bearer", credentials: quoted(`${webhook.token}`) } }),
            // A redirected POST becomes a GET without the alerts, answered with 200. Better a failure that is counted.
            follow_redirects: false,
          },
        },
      ],
    },
  ];
}
