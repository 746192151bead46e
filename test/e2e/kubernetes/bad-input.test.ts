import type { TerraformStack } from "cdktf";
import { Balancer, Broker, type KubernetesTargetProps, Secret, Target } from "../../../src";
import { temporaryFolder } from "../../support/programs";
import { TerraformProject } from "../../support/terraform";
import { deployOn, SENSORS } from "../cluster";
import { expectSuccess, report, unwrapped } from "../support";
import { BED, describeOnKubernetes } from "./kubectl";
import { Namespace } from "./namespace";

const NAMESPACE = new Namespace("mqtt-e2e-bad");
const STACK = "bad";
const VARIABLES = { sensors_password: SENSORS.password, bad_mqtt_node_cookie: "PlantedCookie0123456789" };
const USERS = "mqtt-users";
const KEY = "backend";
const MINUTE = 60_000;

interface Case {
  readonly what: string;
  readonly target: Partial<KubernetesTargetProps>;
  /** What is wrong. */
  readonly says: RegExp;
}

const CASES: Case[] = [
  {
    what: "a namespace that is missing",
    target: { namespace: "mqtt-e2e-absent" },
    says: /no namespace mqtt-e2e-absent/,
  },
  {
    what: "a storage class that is missing",
    target: { storage: { storageClass: "e2e-absent" } },
    says: /no storage class e2e-absent/,
  },
  {
    what: "a priority class that is missing",
    target: { scheduling: { priorityClass: "e2e-absent" } },
    says: /no priority class e2e-absent/,
  },
  {
    what: "pods that the namespace does not admit",
    target: { hardening: { nonRoot: false } },
    says: /namespace mqtt-e2e-bad enforces[\s\S]*hardening\.nonRoot/,
  },
];

function definition(different: Partial<KubernetesTargetProps> = {}) {
  return (stack: TerraformStack) => {
    const target = Target.kubernetes({
      namespace: NAMESPACE.name,
      kubeconfig: BED.kubeconfig,
      ...different,
      storage: { whenDestroyed: "delete", ...different.storage },
    });
    const broker = Broker.rabbitmq({ version: "3.10", nodes: 1 });
    const parts = { broker, balancer: Balancer.none(), backendPassword: Secret.kubernetes(USERS, KEY) };
    deployOn(target, stack, parts);
  };
}

describeOnKubernetes("what a Kubernetes cluster cannot honour", () => {
  const folder = temporaryFolder();
  beforeAll(() => NAMESPACE.make(users("another-key")), 3 * MINUTE);
  afterAll(() => NAMESPACE.remove(), 3 * MINUTE);

  async function projectOf(name: string, different?: Partial<KubernetesTargetProps>): Promise<TerraformProject> {
    const project = new TerraformProject(`${folder}/${name.replaceAll(" ", "-")}`, STACK);
    project.synthesise(definition(different));
    project.writeSecrets(VARIABLES);
    expectSuccess(await project.init());
    return project;
  }

  test.each(CASES)(
    "$what: the plan fails and names it",
    async ({ what, target, says }) => {
      const { status, output } = await (await projectOf(what, target)).plan();
      expect(status).toBe(1);
      expect(unwrapped(output)).toMatch(says);
    },
    2 * MINUTE,
  );

  test(
    "a secret without its key: the apply fails within a minute and names it",
    async () => {
      const project = await projectOf("key");
      try {
        const { status, output, seconds } = await project.apply();
        report("secret without its key: apply fails after", seconds);
        expect(status).toBe(1);
        expect(seconds).toBeLessThan(60);
        expect(output).toMatch(/bad-mqtt-secrets-check/);
        const jobs = (await NAMESPACE.kubectl("get", "jobs", "-o", "name")).split("\n");
        const log = await NAMESPACE.kubectl("logs", jobs[0]);
        expect(log).toContain(USERS);
        expect(log).toContain(KEY);
        expect(await NAMESPACE.kubectl("get", "statefulsets", "-o", "name")).not.toContain("statefulset");
      } finally {
        expectSuccess(await project.destroy());
      }
      expect(await NAMESPACE.remains()).toEqual([]);
    },
    4 * MINUTE,
  );
});

function users(key: string): object {
  const metadata = { name: USERS, namespace: NAMESPACE.name };
  return { apiVersion: "v1", kind: "Secret", metadata, stringData: { [key]: "PlantedBackendPassword02" } };
}
