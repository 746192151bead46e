import { Access, Broker, Secret, SessionStore } from "../../../src";
import { emqxWorkload } from "../../../src/components/emqx/emqx";
import { makerChecks } from "../../../src/components/program-checks";
import type { ClusterDefinitionProps } from "../../../src/definition/cluster";
import { fillPodParts } from "../../../src/formats/pod-parts";
import { secretsIn } from "../../../src/formats/references";
import type { Maker } from "../../../src/placement/placement";
import type { CustomResource, JsonObject, Workload } from "../../../src/workload";
import { fullDefinition, testPlacement } from "../../support/definitions";
import { samplePodParts } from "../../support/pod-parts";

const openSource = Broker.emqx({ version: "5.8.9" });
const business = Broker.emqx({ version: "6.2.2", license: Secret.variable("emqx_license") });
const VARIANTS: Record<string, Partial<ClusterDefinitionProps>> = {
  "5.8, passwords": { broker: openSource },
  "5.8, credentials in Redis": { broker: openSource, access: Access.redis() },
  "6.2, passwords": { broker: business },
  "6.2, credentials in Redis": { broker: business, access: Access.redis() },
};
const variants = test.each(Object.entries(VARIANTS));

function workload(overrides: Partial<ClusterDefinitionProps>, brokersMadeBy: Maker = "operator"): Workload {
  return emqxWorkload(fullDefinition(overrides), {
    ...testPlacement(),
    discovery: { kind: "dns-srv", name: "dev-mqtt-broker-headless.mqtt.svc.cluster.local" },
    managesMembers: true,
    brokersMadeBy,
  });
}

const resource = (overrides: Partial<ClusterDefinitionProps>) => workload(overrides).customResource as CustomResource;
const data = (overrides: Partial<ClusterDefinitionProps>) => (resource(overrides).spec.config as { data: string }).data;
const contents = ({ files }: Workload) => files.map(({ content }) => content).join("\n");

/** Names of the sections at the top of a text in HOCON. */
const sections = (hocon: string) => (hocon.match(/^[a-z_]+(?= [{=])/gm) ?? []).sort();

test("EMQX 5.8 is made by the operators that know it", () => {
  const { spec, ...rest } = resource({ broker: openSource });
  const config = { ...(spec.config as JsonObject), data: "…" };
  expect({ ...rest, spec: { ...spec, config } }).toMatchSnapshot();
});

test("EMQX from 5.9 on by later ones", () => {
  const { apiVersion, operator, spec } = resource({ broker: business });
  expect({ apiVersion, version: operator.version, updateStrategy: spec.updateStrategy }).toMatchSnapshot();
});

variants("%s: no secret is in the custom resource, and each one in a file", (_, overrides) => {
  const names = (text: string) =>
    secretsIn(text)
      .map(({ name }) => name)
      .sort();
  const cookie = "dev_mqtt_node_cookie";
  const ofPackage = names(contents(workload(overrides, "package")));
  expect(ofPackage).toContain(cookie);
  expect(names(JSON.stringify(workload(overrides).customResource))).toEqual([]);
  expect(names(contents(workload(overrides)))).toEqual(ofPackage.filter((name) => name !== cookie));
});

variants("%s: nothing is said that the operator says", (_, overrides) => {
  const { files, process, customResource } = workload(overrides);
  const said = `${JSON.stringify(customResource)}${contents(workload(overrides))}`;
  expect(said).not.toMatch(/cookie =|data_dir|discovery_strategy|record_type|seeds/);
  expect(process.environment).toEqual({});
  // Mounted by the operator: a second mount in one place is refused.
  const places = [...files.map(({ path }) => path), ...(process.writes ?? [])];
  expect(places).not.toContain("/opt/emqx/etc/emqx.conf");
  expect(places).not.toContain("/opt/emqx/log");
});

test.each(["5.8, passwords", "5.8, credentials in Redis"])(
  "%s: every section is in one of two files: which holds a secret or is read at the start only, in that of a lower rank",
  (variant) => {
    const [base] = workload(VARIANTS[variant]).files;
    expect(base).toMatchObject({ path: "/opt/emqx/etc/base.hocon", mode: 0o400, onChange: "restart" });
    const [conf] = workload(VARIANTS[variant], "package").files;
    expect([...sections(base.content), ...sections(data(VARIANTS[variant]))].sort()).toEqual(sections(conf.content));
    const secret = variant.includes("Redis") ? ["authentication", "authorization"] : [];
    expect(sections(base.content)).toEqual([...secret, "cluster", "connectors", "dashboard", "node", "rpc"].sort());
  },
);

test("6.2: EMQX reads each secret from a file of its own", () => {
  const { files } = workload(VARIANTS["6.2, credentials in Redis"]);
  const secrets = files.filter(({ path }) => path.includes("/secret-"));
  expect(secrets.map(({ path, content }) => [path, content])).toEqual(
    [
      "emqx_license",
      "dev_mqtt_dashboard_password",
      "dev_mqtt_redis_access_password",
      "dev_mqtt_redis_writer_password",
    ].map((name) => [`/opt/emqx/etc/secret-variable-${name}`, `<<secret:variable:${name}>>`]),
  );
  for (const { path } of secrets) {
    expect(data(VARIANTS["6.2, credentials in Redis"])).toContain(`"file://${path}"`);
  }
});

test("6.2: no text ends with a quotation mark, which the operator would cut off", () => {
  expect(data({ broker: openSource })).toMatch(/\\""$/m);
  expect(data({ broker: business })).not.toMatch(/\\""/);
});

test("what the target makes fits in", () => {
  const spec = fillPodParts(resource({ broker: openSource }).spec, samplePodParts({ lifecycle: {}, nodeSelector: {} }));
  const parts = samplePodParts();
  const { coreTemplate } = spec as { coreTemplate: { spec: JsonObject } };
  expect(coreTemplate.spec).toMatchObject({
    replicas: 3,
    volumeClaimTemplates: parts.claim,
    extraVolumes: parts.volumes,
  });
  // Empty, they would take the place of the operator's own.
  expect(Object.keys(coreTemplate.spec)).not.toEqual(expect.arrayContaining(["lifecycle"]));
  expect(Object.keys(coreTemplate.spec)).not.toEqual(expect.arrayContaining(["nodeSelector"]));
});

test("what the operator has for itself is refused", () => {
  const problems = (broker: Broker, maker: Maker) =>
    makerChecks(fullDefinition({ broker, sessionStore: SessionStore.builtIn() }), maker).map(({ path }) => path);
  const old = Broker.emqx({ version: "5.8.3", extraConfig: { "api_key.bootstrap_file": "/keys" } });
  expect(problems(old, "operator")).toEqual(["broker.version", 'broker.extraConfig["api_key.bootstrap_file"]']);
  expect(problems(old, "chart")).toEqual([]);
  expect(problems(Broker.emqx({ version: "5.8.4" }), "operator")).toEqual([]);
  expect(problems(Broker.rabbitmq(), "operator")).toEqual([]);
});
