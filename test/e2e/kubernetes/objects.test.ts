/**
 * What the API server says of everything that is made with EMQX, admission included: no image of it need be at hand, since
 * nothing waits for its pods.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { TerraformResource, TerraformStack } from "cdktf";
import {
  Access,
  Balancer,
  Broker,
  type KubernetesTargetProps,
  Monitoring,
  MqttCluster,
  SessionStore,
  Target,
} from "../../../src";
import { fullProps } from "../../support/definitions";
import { skipSuite, temporaryFolder } from "../../support/programs";
import { until } from "../../support/servers";
import { TerraformProject } from "../../support/terraform";
import { expectSuccess, lacksProvider } from "../support";
import { attempt, BED, describeOnKubernetes, kubectl } from "./kubectl";
import { Namespace } from "./namespace";

const NAMESPACE = new Namespace("mqtt-e2e-objects");
const STACK = "objects";
const CLUSTER = "objects-mqtt";
const OURS = `app.kubernetes.io/instance=${CLUSTER}`;
const MINUTE = 60_000;

/** Folder with EMQX's own chart, unpacked, and one with the custom resource definitions of EMQX's and Prometheus' operators. */
const { E2E_EMQX_CHART: CHART, E2E_CRDS: CRDS } = process.env;

const VARIABLES = Object.fromEntries(
  [
    ...["sensors_password", "backend_password"],
    ...["node_cookie", "dashboard_password"].map((name) => `objects_mqtt_${name}`),
    ...["admin", "access", "monitor", "writer"].map((user) => `objects_mqtt_redis_${user}_password`),
  ].map((name) => [name, `Planted${name.replaceAll("_", "")}`]),
);

interface Way {
  readonly target: Partial<KubernetesTargetProps>;
  readonly balancer?: Balancer;
  readonly monitoring?: Monitoring;
  /** How many brokers' pods must be admitted; none where somebody else would make them. */
  readonly brokers: number;
}

function build({ target, balancer, monitoring }: Way) {
  return (stack: TerraformStack) => {
    const cluster = new MqttCluster(stack, "mqtt", {
      ...fullProps({
        broker: Broker.emqx(),
        sessionStore: SessionStore.redis(),
        access: Access.redis(),
        balancer,
        monitoring,
      }),
      target: Target.kubernetes({
        namespace: NAMESPACE.name,
        kubeconfig: BED.kubeconfig,
        storage: { whenDestroyed: "delete" },
        ...target,
      }),
    });
    cluster.resources.forEach(waitForNothing);
  };
}

function waitForNothing(resource: TerraformResource): void {
  if (["kubernetes_stateful_set_v1", "kubernetes_deployment_v1"].includes(resource.terraformResourceType)) {
    resource.addOverride("wait_for_rollout", false);
  }
  if (resource.terraformResourceType === "helm_release" && resource.node.id === "broker") {
    resource.addOverride("wait", false);
    resource.addOverride("atomic", false);
    resource.addOverride("cleanup_on_fail", false);
  }
}

describeOnKubernetes("the API server takes what is made with EMQX", () => {
  const folder = temporaryFolder();
  beforeAll(() => NAMESPACE.make(), 3 * MINUTE);
  afterAll(() => NAMESPACE.remove(), 3 * MINUTE);

  /** Applies, lets something be looked at, and destroys. */
  async function applied(name: string, way: Way, look: () => Promise<void>, prepare?: (stack: TerraformStack) => void) {
    const project = new TerraformProject(join(folder, name), STACK);
    project.synthesise((stack) => {
      build(way)(stack);
      prepare?.(stack);
    });
    project.writeSecrets(VARIABLES);
    expectSuccess(await project.init());
    try {
      expectSuccess(await project.apply());
      await until("every pod is admitted", async () => (await podsOf("broker")) === way.brokers, MINUTE);
      await look();
      expect(await refusals()).toEqual([]);
    } finally {
      expectSuccess(await project.destroy());
      // Or the next one's pods would meet what is on its way out.
      await until("everything of it has gone", async () => (await leftOver()) === "", 120_000);
    }
  }

  /** The chart keeps the claims of its brokers. */
  async function leftOver(): Promise<string> {
    const pods = await NAMESPACE.kubectl("get", "pods", "-o", "name");
    const claims = await NAMESPACE.kubectl("get", "persistentvolumeclaims", "-l", OURS, "-o", "name");
    return `${pods}${claims}`;
  }

  test(
    "by a stateful set, with everything beside it",
    () =>
      applied("statefulSet", { target: {}, brokers: 3 }, async () => {
        for (const component of ["balancer", "session-store", "session-writer", "prometheus", "alertmanager"]) {
          await until(`${component} is admitted`, async () => (await podsOf(component)) > 0, MINUTE);
        }
      }),
    3 * MINUTE,
  );

  const reason = lacksProvider("hashicorp/helm", "3.1.1");
  const withChart =
    reason ?? (CHART && existsSync(CHART) ? undefined : "set E2E_EMQX_CHART to a folder with EMQX's chart");
  if (withChart) {
    skipSuite("by EMQX's own chart", withChart);
  } else {
    test(
      "by EMQX's own chart",
      () =>
        applied(
          "helm",
          { target: { brokersBy: "helm" }, brokers: 3 },
          async () => {},
          (stack) => {
            const release = stack.node.findAll().find(({ node }) => node.id === "broker") as TerraformResource;
            release.addOverride("chart", CHART);
            release.addOverride("repository", null);
            release.addOverride("version", null);
          },
        ),
      3 * MINUTE,
    );
  }

  const withDefinitions =
    reason ?? (CRDS && existsSync(CRDS) ? undefined : "set E2E_CRDS to a folder with definitions");
  if (withDefinitions) {
    skipSuite("by EMQX's operator, watched by Prometheus' operator", withDefinitions);
    return;
  }
  const files = readdirSync(CRDS as string).map((file) => join(CRDS as string, file));
  const operators: Way = {
    target: { brokersBy: "operator" },
    balancer: Balancer.none(),
    monitoring: Monitoring.prometheusOperator({ labels: { release: "prometheus" } }),
    brokers: 0,
  };

  test(
    "without the definitions that it needs the plan fails and names them",
    async () => {
      const project = new TerraformProject(join(folder, "definitions"), STACK);
      project.synthesise(build(operators));
      project.writeSecrets(VARIABLES);
      expectSuccess(await project.init());
      const { status, output } = await project.plan();
      expect(status).toBe(1);
      for (const kind of ["emqxes.apps.emqx.io", "podmonitors", "prometheusrules"]) {
        expect(output.replace(/\s*\n\s*│?\s*/g, "")).toContain(kind);
      }
      // It plans all the same where the definitions come with the same apply.
      project.synthesise(build({ ...operators, target: { ...operators.target, lookUp: false } }));
      expect((await project.plan()).status).toBe(2);
    },
    MINUTE,
  );

  test(
    "by EMQX's operator, watched by Prometheus' operator",
    async () => {
      try {
        await kubectl("apply", "--server-side", ...files.flatMap((file) => ["-f", file]));
        await until("the kinds are known", async () => (await attempt("get", "emqx,podmonitor")).status === 0, MINUTE);
        await applied("operator", operators, async () => {
          const objects = await NAMESPACE.kubectl("get", "emqx,podmonitor,prometheusrule", "-o", "name");
          expect(objects.split("\n").sort()).toEqual([
            `emqx.apps.emqx.io/${CLUSTER}-broker`,
            `podmonitor.monitoring.coreos.com/${CLUSTER}-broker`,
            `podmonitor.monitoring.coreos.com/${CLUSTER}-session-store-exporter`,
            `prometheusrule.monitoring.coreos.com/${CLUSTER}-alerts`,
          ]);
        });
      } finally {
        await kubectl("delete", "--ignore-not-found", ...files.flatMap((file) => ["-f", file]));
      }
    },
    3 * MINUTE,
  );

  async function podsOf(component: string): Promise<number> {
    const labels = [
      `app.kubernetes.io/instance=${CLUSTER},app.kubernetes.io/component=${component}`,
      // As EMQX's chart names its own.
      `app.kubernetes.io/instance=${CLUSTER}-${component}`,
    ];
    const found = await Promise.all(labels.map((label) => NAMESPACE.kubectl("get", "pods", "-l", label, "-o", "name")));
    return found.join("\n").split("\n").filter(Boolean).length;
  }

  /** What an admission controller, or the quota of a namespace, said against a pod. */
  async function refusals(): Promise<string[]> {
    const events = await NAMESPACE.kubectl("get", "events", "-o", "json");
    return JSON.parse(events)
      .items.filter(({ reason }: { reason: string }) => reason === "FailedCreate")
      .map(({ message }: { message: string }) => message);
  }
});
