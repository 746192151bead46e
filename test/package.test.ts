import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run, skipSuite, temporaryFolder, writeFile } from "./support/programs";

const ROOT = join(__dirname, "..");
const { version, peerDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** The user's app, by name, and the example that it is. */
const APPS = { docker: "cluster-in-my-stack.ts", kubernetes: "cluster-on-kubernetes.ts" };

const reachable = spawnSync("npm", ["ping"], { timeout: 20_000 }).status === 0;
const describeWithRegistry = (title: string, suite: () => void) =>
  reachable || process.env.CI ? describe(title, suite) : skipSuite(title, "needs the npm registry");

describeWithRegistry("the package as npm publishes it", () => {
  const folder = temporaryFolder();
  const inFolder = (command: string, ...args: string[]) => {
    // Synthesis must work where there is no Terraform.
    const env = { ...process.env, TERRAFORM_BINARY_NAME: "no-terraform-here" };
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd: folder,
      encoding: "utf8",
      timeout: 240_000,
      env,
    });
    return { status, output: `${stdout}${stderr}` };
  };

  beforeAll(() => {
    expect(run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder, ROOT])).toMatchObject({
      status: 0,
    });
    writeFile(folder, "package.json", JSON.stringify({ name: "empty", private: true }));
    const peers = Object.keys(peerDependencies).map((name) => `${name}@${installed(name)}`);
    const install = inFolder(
      "npm",
      "install",
      "--prefer-offline",
      "--no-audit",
      "--no-fund",
      `./cdktf-mqtt-cluster-${version}.tgz`,
      ...peers,
    );
    expect(install).toMatchObject({ status: 0 });
    for (const [app, example] of Object.entries(APPS)) {
      writeFile(folder, `${app}.ts`, readFileSync(join(ROOT, "examples", example), "utf8"));
    }
    writeFile(
      folder,
      "tsconfig.json",
      JSON.stringify({
        compilerOptions: {
          strict: true,
          skipLibCheck: false,
          module: "node16",
          target: "es2022",
          types: [],
          outDir: "out",
        },
        files: Object.keys(APPS).map((app) => `${app}.ts`),
      }),
    );
  }, 300_000);

  test("holds the compiled sources, their types and the docs, and nothing else", () => {
    const { output } = inFolder("tar", "-tzf", `cdktf-mqtt-cluster-${version}.tgz`);
    const expected =
      /^package\/(?:lib\/src\/.*\.(?:js|d\.ts|sh)|lib\/src\/targets\/kubernetes\/chart\/.*\.yaml|docs\/.*\.md|README\.md|LICENSE|package\.json)$/;
    const unexpected = output.split("\n").filter((path) => path !== "" && !expected.test(path));
    expect(unexpected).toEqual([]);
  });

  test("type-checks strictly and synthesises in an empty project", () => {
    expect(inFolder(join(ROOT, "node_modules/.bin/tsc"), "-p", ".")).toEqual({ status: 0, output: "" });
    expect(inFolder("node", "out/docker.js")).toMatchObject({ status: 0 });
    expect(readdirSync(join(folder, "cdktf.out/stacks"))).toEqual(["shop"]);
    expect(inFolder("node", "out/kubernetes.js")).toMatchObject({ status: 0 });
    expect(readdirSync(join(folder, "cdktf.out/stacks"))).toContain("plant");
  });

  test("names the provider's package that a target needs and that is not there", () => {
    rmSync(join(folder, "node_modules/@cdktf/provider-kubernetes"), { recursive: true });
    const { status, output } = inFolder("node", "out/kubernetes.js");
    expect(status).toBe(1);
    expect(output).toContain(
      'target = "kubernetes": needs the package @cdktf/provider-kubernetes, which is not installed: npm install @cdktf/provider-kubernetes',
    );
    expect(output).not.toMatch(/^\s+at /m);
  });

  test("says in one message what is wrong with a definition, without a stack trace", () => {
    writeFile(
      folder,
      "wrong.js",
      `
      const { App, TerraformStack } = require("cdktf");
      const { Broker, MqttCluster } = require("cdktf-mqtt-cluster");
      new MqttCluster(new TerraformStack(new App(), "dev"), "mqtt", { broker: Broker.emqx({ nodes: 2 }) });
    `,
    );
    const { status, output } = inFolder("node", "wrong.js");
    expect(status).toBe(1);
    expect(output).toContain("broker.nodes = 2: must be 1, 3, 5 or 7");
    expect(output).toContain("access = (missing): must be Access.passwords() or Access.redis()");
    expect(output).toContain("target = (missing): must be Target.docker()");
    expect(output).not.toMatch(/^\s+at /m);
  });
});

function installed(name: string): string {
  return JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8")).version;
}
