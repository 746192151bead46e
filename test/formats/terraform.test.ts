import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { escapeTemplate } from "../../src/formats/terraform";
import { describeWithPrograms, run } from "../support/programs";

test("text without template sequences is left alone", () => {
  expect(escapeTemplate("$host {{ $value }} 100% $1{2} $ {x}")).toBe("$host {{ $value }} 100% $1{2} $ {x}");
});

test("both template sequences are escaped, also when they touch", () => {
  expect(escapeTemplate("${clientid} %{+Q}r $${x} %%{y} ${%{")).toBe("$${clientid} %%{+Q}r $$${x} %%%{y} $${%%{");
});

describeWithPrograms(["terraform"], "Terraform reads escaped text back as it was", () => {
  test("for arbitrary text around template characters", () => {
    const text = fc.array(
      fc.constantFrom("$", "%", "{", "}", "~", '"', "\\", "\n", "a", "é", "${", "%{", "$${", "%%{"),
      {
        maxLength: 12,
      },
    );
    const samples = fc.sample(text, { numRuns: 300, seed: 7 }).map((parts) => parts.join(""));
    const folder = mkdtempSync(join(tmpdir(), "escape-"));
    const output = Object.fromEntries(samples.map((sample, i) => [`t${i}`, { value: escapeTemplate(sample) }]));
    writeFileSync(join(folder, "main.tf.json"), JSON.stringify({ output }));
    expect(run("terraform", [`-chdir=${folder}`, "apply", "-auto-approve", "-no-color"])).toMatchObject({ status: 0 });
    const { outputs } = JSON.parse(readFileSync(join(folder, "terraform.tfstate"), "utf8"));
    rmSync(folder, { recursive: true });
    expect(samples.map((_, i) => outputs[`t${i}`].value)).toEqual(samples);
  });
});
