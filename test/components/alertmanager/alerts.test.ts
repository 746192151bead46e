import { alertmanagerAlerts } from "../../../src/components/alertmanager/alerts";
import { type AlertCases, describeAlerts } from "../../support/alert-tests";
import { CLUSTER, monitoringDefinition } from "../../support/watched";

const OWN = 'job="alertmanager",instance="alertmanager"';
const FAILED = `alertmanager_notifications_failed_total{${OWN},integration="webhook"}`;

const CASES: AlertCases = {
  AlertmanagerDown: { fires: { [`up{${OWN}}`]: "1x10 0x30" }, silent: { [`up{${OWN}}`]: "0x10 1x30" } },
  AlertmanagerConfigReloadFailed: {
    fires: { [`alertmanager_config_last_reload_successful{${OWN}}`]: "1x10 0x30" },
    silent: { [`alertmanager_config_last_reload_successful{${OWN}}`]: "0x10 1x30" },
  },
  AlertmanagerNotificationsFailing: [
    { fires: { [FAILED]: "0+2x40" }, silent: { [FAILED]: "12x40" } },
    {
      // From 0.26 on there is one series for each reason.
      fires: {
        [FAILED.replace("}", ',reason="other"}')]: "0+1x40",
        [FAILED.replace("}", ',reason="serverError"}')]: "0+1x40",
      },
      silent: { [FAILED.replace("}", ',reason="other"}')]: "0x40" },
    },
  ],
};

describeAlerts("alertmanager", alertmanagerAlerts(monitoringDefinition(), CLUSTER), CASES);

test("delivery has no alert where nothing is delivered", () => {
  const names = alertmanagerAlerts(monitoringDefinition({ webhook: undefined }), CLUSTER).map(({ alert }) => alert);
  expect(names).toEqual(["AlertmanagerDown", "AlertmanagerConfigReloadFailed"]);
});
