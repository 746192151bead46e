/** What Terraform itself makes of the plan. Nothing is logged in to: the state is made without the steps on hosts. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App } from "cdktf";
import type { VmsTargetProps } from "../../../src";
import { StagingStack } from "../../../stacks/staging";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";
import { TerraformProject } from "../../support/terraform";
import { type Changes, deployInto, host, hosts } from "./deploy";

const SECRETS = {
  some_password: "PlantedPassword1",
  some_cookie: "PlantedCookie123",
  user_password: "PlantedUser12345",
};

interface Planned {
  readonly resource_changes: readonly {
    readonly address: string;
    readonly change: { readonly actions: readonly string[]; readonly after: { triggers_replace: unknown } | null };
  }[];
}

describeWithPrograms(["terraform"], "Terraform", () => {
  const folder = temporaryFolder();
  const key = join(folder, "key");
  writeFileSync(key, "PlantedPrivateKey");
  const usual = hosts(3, { ssh: { user: "deploy", privateKeyFile: key } });
  const project = new TerraformProject(folder, "servers");
  const plan = (target: VmsTargetProps, changes?: Changes, secrets: Partial<typeof SECRETS> = {}) => {
    project.writeSecrets({ ...SECRETS, ...secrets });
    project.synthesise((stack) => deployInto(stack, target, changes));
  };
  const synthesised = () => readFileSync(join(project.stackFolder, "cdk.tf.json"), "utf8");

  /** A state as after an apply of the usual plan. */
  beforeAll(async () => {
    plan(usual);
    const { resource, ...rest } = JSON.parse(synthesised());
    const resources = Object.entries<object>(resource.terraform_data).map(([id, one]) => [
      id,
      { ...one, provisioner: undefined },
    ]);
    writeFileSync(
      join(project.stackFolder, "cdk.tf.json"),
      JSON.stringify({ ...rest, resource: { terraform_data: Object.fromEntries(resources) } }),
    );
    expect(await project.init()).toMatchObject({ status: 0 });
    expect(await project.apply()).toMatchObject({ status: 0 });
  });

  /** What an apply would do, by resource; what stays is left out. */
  async function changesOf(
    target: VmsTargetProps,
    changes?: Changes,
    secrets?: Partial<typeof SECRETS>,
  ): Promise<Record<string, string>> {
    plan(target, changes, secrets);
    const { resource_changes: all } = (await project.planJson()) as unknown as Planned;
    return Object.fromEntries(
      all
        .map(({ address, change }) => [address.replace("terraform_data.", ""), change.actions.join(" ")])
        .filter(([, actions]) => actions !== "no-op"),
    );
  }

  /** Every broker's resource of that kind is made anew, and nothing else happens. */
  const replaced = (...ids: string[]) => Object.fromEntries(ids.map((id) => [id, "delete create"]));
  const ofEachBroker = (...suffixes: string[]) =>
    replaced(...[1, 2, 3].flatMap((n) => suffixes.map((suffix) => `broker-${n}${suffix}`)));
  const changedFile =
    (name: string): NonNullable<Changes["broker"]> =>
    ({ files }) => ({
      files: files.map((file) =>
        file.path.endsWith(name) ? { ...file, content: `${file.content}# changed\n` } : file,
      ),
    });

  test("finds it valid, with destroy steps that look at nothing but themselves", async () => {
    plan(usual);
    expect(run("terraform", [`-chdir=${project.stackFolder}`, "validate", "-no-color"])).toMatchObject({ status: 0 });
  });

  test("finds nothing to change in what has not changed", async () => {
    plan(usual);
    expect(await project.plan()).toMatchObject({ status: 0 });
  });

  test.each<[what: string, target: VmsTargetProps]>([
    ["with the keys of an agent", hosts(1, { ssh: {} })],
    ["through a bastion", hosts(1, { ssh: { bastion: { address: "192.0.2.1", hostKey: "unchecked" } } })],
    ["with nine brokers", hosts(9, { ssh: {} })],
    ["with gaps between the brokers", hosts(0, { ssh: {}, brokers: { "broker-2": host(12), "broker-9": host(19) } })],
  ])("finds it valid %s", async (_, target) => {
    plan(target);
    expect(run("terraform", [`-chdir=${project.stackFolder}`, "validate", "-no-color"])).toMatchObject({ status: 0 });
    expect((await project.plan()).output).not.toContain("Error");
  });

  describe("keeps secrets to itself", () => {
    test("neither plan nor triggers nor state hold one", async () => {
      plan(usual);
      const texts = [
        synthesised(),
        JSON.stringify(await project.planJson()),
        project.state(),
        (await project.plan()).output,
      ];
      for (const [index, text] of texts.entries()) {
        // Terraform writes the values of variables into a plan, which is why a plan is as secret as they are.
        const withoutVariables = index === 1 ? JSON.stringify({ ...JSON.parse(text), variables: undefined }) : text;
        expect(withoutVariables).not.toContain("Planted");
      }
    });

    test("triggers have hashes instead", async () => {
      plan(usual);
      const { resource_changes: all } = (await project.planJson()) as unknown as Planned;
      const triggers = Object.fromEntries(
        all.map(({ address, change }) => [address, (change.after?.triggers_replace as { secrets?: string })?.secrets]),
      );
      expect(triggers["terraform_data.broker-1"]).toMatch(/^[0-9a-f]{64}$/);
      expect(triggers["terraform_data.broker-1-configuration"]).toMatch(/^[0-9a-f]{64}$/);
      expect(triggers["terraform_data.balancer-1"]).toBe("none");
    });
  });

  test("refuses a secret that is too short, before any host is touched", async () => {
    plan(usual, undefined, { some_cookie: "Planted" });
    const { status, output } = await project.plan();
    expect(status).toBe(1);
    expect(output).toContain("The secret some_cookie must have at least 12");
    expect(output).not.toContain("Planted");
  });

  describe("does no more than a change asks for", () => {
    test("a secret in a file that is reloaded: the files", async () => {
      expect(await changesOf(usual, {}, { user_password: "OtherUser12345678" })).toEqual(
        ofEachBroker("-configuration"),
      );
    });

    test("a secret in a file that is read at the start: the files and the programs", async () => {
      expect(await changesOf(usual, {}, { some_cookie: "OtherCookie123456" })).toEqual(
        ofEachBroker("", "-configuration"),
      );
    });

    test.each(["users.conf", "members.list"])("%s, which restarts nobody: the files", async (name) => {
      expect(await changesOf(usual, { broker: changedFile(name) })).toEqual(ofEachBroker("-configuration"));
    });

    test("a file that is read at the start: the files and the programs", async () => {
      expect(await changesOf(usual, { broker: changedFile("broker.conf") })).toEqual(
        ofEachBroker("", "-configuration"),
      );
    });

    test("another version: a look at the host, the control script and the programs", async () => {
      const version: Changes["broker"] = ({ package: software }) => ({ package: { ...software!, version: "3.12" } });
      expect(await changesOf(usual, { broker: version })).toEqual(ofEachBroker("", "-configuration", "-preflight"));
    });

    test("another stop signal, which stands in the unit: as another version", async () => {
      const signal: Changes["broker"] = ({ process }) => ({ process: { ...process, stopSignal: "SIGINT" } });
      expect(await changesOf(usual, { broker: signal })).toEqual(ofEachBroker("", "-configuration", "-preflight"));
    });

    test("other limits, which count for what runs already: no program", async () => {
      const limits: Changes["broker"] = ({ process }) => ({
        process: { ...process, memoryMiB: 1024, cpus: 2, openFiles: 4096 },
      });
      expect(await changesOf(usual, { broker: limits })).toEqual(ofEachBroker("-configuration", "-preflight"));
    });

    test("another health check, which only the control script has: no program", async () => {
      const health: Changes["broker"] = (broker) => ({ health: { ...broker.health!, retries: 9 } });
      expect(await changesOf(usual, { broker: health })).toEqual(ofEachBroker("-configuration", "-preflight"));
    });

    test("another file of the balancers: only theirs", async () => {
      const content: Changes["pool"] = ({ files: [file] }) => ({ files: [{ ...file, content: "port = 884\n" }] });
      expect(await changesOf(usual, { pool: content })).toEqual(
        replaced("balancer-1-configuration", "balancer-2-configuration"),
      );
    });

    test("another way to log in: nothing on any host", async () => {
      const other = join(folder, "other-key");
      writeFileSync(other, "");
      const ssh = { user: "admin", port: 2222, privateKeyFile: other, bastion: { address: "b", hostKey: "unchecked" } };
      const instances = ["broker-1", "broker-2", "broker-3", "balancer-1", "balancer-2"];
      expect(await changesOf({ ...usual, ssh })).toEqual(
        Object.fromEntries([
          ...instances.map((name) => [`installed["${name}"]`, "update"]),
          ...[1, 2, 3].map((n) => [`broker-${n}-member[0]`, "update"]),
        ]),
      );
    });

    test("two more brokers: they come, and the others learn of them without a restart", async () => {
      const created = (id: string) => [id, "create"];
      expect(await changesOf({ ...usual, brokers: hosts(5).brokers })).toEqual({
        ...ofEachBroker("-configuration"),
        ...Object.fromEntries(
          [4, 5].flatMap((n) =>
            [
              `broker-${n}`,
              `broker-${n}-configuration`,
              `broker-${n}-preflight`,
              `broker-${n}-member[0]`,
              `installed["broker-${n}"]`,
            ].map(created),
          ),
        ),
      });
    });

    test("a broker less: it goes, and the others learn of it without a restart", async () => {
      const { "broker-1": _gone, ...others } = usual.brokers!;
      const deleted = [
        "broker-1",
        "broker-1-configuration",
        "broker-1-preflight",
        "broker-1-member[0]",
        'installed["broker-1"]',
      ];
      expect(await changesOf({ ...usual, brokers: others })).toEqual({
        // The next one is now the first, which waits for nobody at its first boot: its control script says so.
        ...replaced("broker-2-preflight", "broker-2-configuration", "broker-3-configuration"),
        ...Object.fromEntries(deleted.map((id) => [id, "delete"])),
      });
    });

    test("a host that is reached at another address, and known to the others by the same: no program", async () => {
      const brokers = { ...usual.brokers, "broker-2": host(12, { address: "198.51.100.12" }) };
      expect(await changesOf({ ...usual, brokers })).toEqual({
        ...replaced("broker-2-configuration", "broker-2-preflight"),
        "broker-2-member[0]": "update",
        'installed["broker-2"]': "update",
      });
    });

    test("another host in the place of one: all of that instance, and nobody else restarts", async () => {
      const brokers = { ...usual.brokers, "broker-2": host(19) };
      expect(await changesOf({ ...usual, brokers })).toMatchObject(
        replaced(
          "broker-2",
          "broker-2-configuration",
          "broker-2-preflight",
          "broker-2-member[0]",
          'installed["broker-2"]',
        ),
      );
    });
  });
});

describeWithPrograms(["terraform"], "the environment on servers", () => {
  const folder = temporaryFolder();
  const home = process.env.HOME;
  afterAll(() => {
    process.env.HOME = home;
  });
  const terraform = (...args: string[]) => run("terraform", [`-chdir=${join(folder, "stacks/staging")}`, ...args]);

  test("is valid, as soon as the key is there that it logs in with", () => {
    const app = new App({ outdir: folder });
    new StagingStack(app);
    app.synth();
    expect(terraform("init", "-no-color", "-backend=false")).toMatchObject({ status: 0 });
    process.env.HOME = folder;
    expect(terraform("validate", "-no-color").output).toContain(`no file exists at\n"${folder}/.ssh/id_ed25519"`);
    writeFile(folder, ".ssh/id_ed25519", "");
    expect(terraform("validate", "-no-color")).toMatchObject({ status: 0 });
  });
});
