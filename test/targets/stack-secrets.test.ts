import { TerraformOutput, TerraformStack, Testing } from "cdktf";
import { Secret } from "../../src";
import { basicAuth } from "../../src/formats/references";
import { StackSecrets } from "../../src/targets/stack-secrets";
import { describeWithPrograms, temporaryFolder } from "../support/programs";
import { TerraformProject } from "../support/terraform";

describeWithPrograms(["terraform"], "Terraform resolves secrets", () => {
  const project = new TerraformProject(temporaryFolder(), "secrets");
  const password = Secret.variable("password");
  project.synthesise((stack) => {
    const secrets = new StackSecrets(stack);
    for (const [name, text] of Object.entries({
      plain: `p=${password} %{+Q}r $\{x}`,
      basic: basicAuth("emqx", password),
    })) {
      new TerraformOutput(stack, name, { value: secrets.resolve(text), sensitive: true });
    }
    secrets.checkInPlan();
  });
  beforeAll(async () => expect(await project.init()).toMatchObject({ status: 0 }));

  test.each(["Abcdefghij12", "0a.b_c~d+e/f=g-h"])("%s is a secret, and arrives as it is", async (value) => {
    project.writeSecrets({ password: value });
    expect(await project.apply()).toMatchObject({ status: 0 });
    expect(project.outputs()).toEqual({
      plain: `p=${value} %{+Q}r $\{x}`,
      basic: Buffer.from(`emqx:${value}`).toString("base64"),
    });
  });

  test.each(["short", "-leadingdash12", "with space 123", "with#hash12345", 'with"quote123', "with$dollar123"])(
    "%s is refused, without being shown",
    async (value) => {
      project.writeSecrets({ password: value });
      const { status, output } = await project.plan();
      expect(status).toBe(1);
      expect(output).toMatch(/The secret password must have at least 12/);
      expect(output).not.toContain(value);
    },
  );
});

describe("secrets in files of the hosts", () => {
  const file = Secret.file("/etc/mqtt/sensors.password");
  const secretsOf = (leftInPlace?: "file") => {
    const stack = new TerraformStack(Testing.app(), "dev");
    return { stack, secrets: new StackSecrets(stack, leftInPlace) };
  };

  test("are left to them, where hosts read files", () => {
    const { stack, secrets } = secretsOf("file");
    const text = `a = ${file}, b = ${basicAuth("emqx", file)}`;
    expect(secrets.resolve(text)).toBe(text);
    expect(secrets.fingerprint(text)).toBeUndefined();
    expect(secrets.names).toEqual([]);
    expect(JSON.parse(Testing.synth(stack)).variable).toBeUndefined();
  });

  test("have names that Terraform does not take for its own", () => {
    const text = `${Secret.file("/etc/${path.module}/%{x}")}`;
    expect(secretsOf("file").secrets.resolve(text)).toBe("<<secret:file:/etc/$${path.module}/%%{x}>>");
  });

  test("count for nothing beside one that is a variable", () => {
    const { stack, secrets } = secretsOf("file");
    new TerraformOutput(stack, "trigger", { value: secrets.fingerprint(`${file} ${Secret.variable("password")}`) });
    expect(JSON.parse(Testing.synth(stack)).output.trigger.value).toBe(
      '${nonsensitive(sha256(join("\\n", [var.password])))}',
    );
    expect(secrets.names).toEqual(["password"]);
  });

  test("are nothing that a target without hosts could resolve", () => {
    expect(() => secretsOf().secrets.resolve(`${file}`)).toThrow("is kept in a file, which the target should have");
  });
});
