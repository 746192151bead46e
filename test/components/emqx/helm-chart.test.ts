import { parseAllDocuments, stringify } from "yaml";
import { Access, Broker, Secret } from "../../../src";
import { emqxWorkload } from "../../../src/components/emqx/emqx";
import type { ClusterDefinitionProps } from "../../../src/definition/cluster";
import { fillPodParts } from "../../../src/formats/pod-parts";
import { secretsIn } from "../../../src/formats/references";
import type { Placement } from "../../../src/placement/placement";
import type { Chart, JsonObject, Workload } from "../../../src/workload";
import { fullDefinition, testPlacement } from "../../support/definitions";
import { samplePodParts } from "../../support/pod-parts";
import { isInstalled, run, skipSuite, temporaryFolder, writeFile } from "../../support/programs";

const DNS_NAME = "dev-mqtt-broker-headless.mqtt.svc.cluster.local";

function workload(overrides: Partial<ClusterDefinitionProps> = {}): Workload {
  const definition = fullDefinition(overrides);
  const placement: Placement = {
    ...testPlacement({ broker: definition.broker.nodes }),
    discovery: { kind: "dns-srv", name: DNS_NAME },
    managesMembers: true,
    brokersMadeBy: "chart",
  };
  return emqxWorkload(definition, placement);
}

const chart = (overrides: Partial<ClusterDefinitionProps> = {}) => workload(overrides).chart as Chart;

const licensed = (version: string) => Broker.emqx({ version, license: Secret.variable("emqx_license") });

test("values: what the target makes of the pods, and nothing that defeats the files", () => {
  expect(chart()).toMatchSnapshot();
});

test.each([
  ["5.8.9", "emqx", "cluster.local"],
  ["5.10.4", "emqx-enterprise", "cluster.local"],
  ["6.1.3", "emqx-enterprise", "cluster.local"],
  ["6.1.4", "emqx-enterprise", undefined],
  ["6.2.2", "emqx-enterprise", "cluster.local"],
  ["6.3.0", "emqx-enterprise", undefined],
])("EMQX %s comes by its own chart", (version, name, onlyInDomain) => {
  const broker = version.startsWith("5.8") ? Broker.emqx({ version }) : licensed(version);
  expect(chart({ broker })).toMatchObject({ name, version, onlyInDomain });
});

test("the environment says what the files say", () => {
  const environment = (broker: Broker) => chart({ broker }).values.emqxConfig;
  expect(environment(Broker.emqx({ nodes: 1, listeners: { tcpPort: 2883, wsPort: 0 } }))).toEqual({
    EMQX_CLUSTER__DISCOVERY_STRATEGY: "singleton",
    EMQX_DASHBOARD__DEFAULT_USERNAME: "",
    EMQX_DASHBOARD__DEFAULT_PASSWORD: "",
    EMQX_LISTENERS__TCP__DEFAULT__BIND: "0.0.0.0:2883",
  });
  const config = workload().files.find(({ path }) => path === "/opt/emqx/etc/emqx.conf")?.content;
  expect(config).toContain(
    `discovery_strategy = "dns"\n  dns {\n    name = "${DNS_NAME}"\n    record_type = "srv"\n  }`,
  );
  expect(config).not.toContain("include");
});

test("no secret is in the values", () => {
  const values = JSON.stringify(chart({ access: Access.redis(), broker: licensed("6.2.2") }).values);
  expect(secretsIn(values)).toEqual([]);
  expect(values).not.toContain("public");
});

test("nothing is there that only a hook of the pods would run, and no name that is the chart's to give", () => {
  const { membership, files, process, notes } = workload();
  expect(membership).toBeUndefined();
  expect(files.map(({ path }) => path)).toEqual(
    ["emqx.conf", "acl.conf", "users.csv"].map((n) => `/opt/emqx/etc/${n}`),
  );
  expect(process.environment).toEqual({});
  expect(notes.join("\n")).toContain("cuts its clients off at once");
});

const folder = process.env.E2E_EMQX_CHART;
const title = "the real chart";
if (!folder) {
  skipSuite(title, "needs E2E_EMQX_CHART, the folder deploy/charts/emqx of EMQX's sources");
} else if (!isInstalled("helm")) {
  skipSuite(title, "needs helm");
} else {
  describe(title, () => {
    const work = temporaryFolder();
    const render = (overrides: Partial<ClusterDefinitionProps> = {}): Record<string, JsonObject> => {
      const values = stringify(fillPodParts(chart(overrides).values, samplePodParts()));
      const file = writeFile(work, "values.yaml", values);
      const { status, output } = run("helm", [
        ...["template", "dev-mqtt-broker", folder, "--namespace", "mqtt", "--values", file],
        ...["--api-versions", "policy/v1/PodDisruptionBudget"],
      ]);
      expect(`${status}: ${status === 0 ? "" : output}`).toBe("0: ");
      return Object.fromEntries(
        parseAllDocuments(output).flatMap((document) => {
          const object = document.toJS();
          return object ? [[`${object.kind} ${object.metadata.name}`, object]] : [];
        }),
      );
    };

    test("makes what is asked of it, and no password", () => {
      const objects = render();
      expect(Object.keys(objects).sort()).toEqual([
        "ConfigMap dev-mqtt-broker-env",
        "PodDisruptionBudget dev-mqtt-broker-pdb",
        "Service dev-mqtt-broker",
        "Service dev-mqtt-broker-headless",
        "StatefulSet dev-mqtt-broker",
      ]);
      expect(objects["ConfigMap dev-mqtt-broker-env"].data).toEqual({
        EMQX_NAME: "dev-mqtt-broker",
        EMQX_CLUSTER__DISCOVERY_STRATEGY: "dns",
        EMQX_CLUSTER__DNS__NAME: DNS_NAME,
        EMQX_CLUSTER__DNS__RECORD_TYPE: "srv",
        EMQX_LISTENERS__TCP__DEFAULT__BIND: "0.0.0.0:1883",
        EMQX_LISTENERS__WS__DEFAULT__BIND: "0.0.0.0:8083",
      });
    });

    test("its pods are as this package makes pods", () => {
      const set = render()["StatefulSet dev-mqtt-broker"] as { spec: Record<string, unknown> };
      const parts = samplePodParts();
      expect(set.spec).toMatchObject({
        replicas: 3,
        minReadySeconds: 30,
        podManagementPolicy: "Parallel",
        volumeClaimTemplates: [{ spec: parts.claim }],
        template: {
          metadata: { annotations: parts.annotations },
          spec: {
            serviceAccountName: parts.serviceAccountName,
            imagePullSecrets: parts.imagePullSecrets,
            securityContext: parts.podSecurityContext,
            initContainers: parts.initContainers,
            volumes: parts.volumes,
            nodeSelector: parts.nodeSelector,
            affinity: parts.affinity,
            tolerations: parts.tolerations,
            topologySpreadConstraints: [{ topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "DoNotSchedule" }],
            containers: [
              {
                image: parts.image,
                resources: parts.resources,
                securityContext: parts.containerSecurityContext,
                volumeMounts: [{ name: "emqx-data", mountPath: "/opt/emqx/data" }, ...parts.volumeMounts],
              },
            ],
          },
        },
      });
    });

    test("renders for one node, too", () => {
      const { data } = render({ broker: Broker.emqx({ nodes: 1 }) })["ConfigMap dev-mqtt-broker-env"];
      expect(data).toMatchObject({ EMQX_CLUSTER__DISCOVERY_STRATEGY: "singleton" });
    });
  });
}
