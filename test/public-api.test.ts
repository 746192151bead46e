import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, temporaryFolder } from "./support/programs";

const ROOT = join(__dirname, "..");
const folder = temporaryFolder();

/** What jsii asks of a package that it compiles, besides what package.json has for npm. */
function jsiiPackage(): object {
  const { name, version, description, license, dependencies, peerDependencies } = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  );
  return {
    name,
    version,
    description,
    license,
    dependencies,
    peerDependencies,
    bundledDependencies: Object.keys(dependencies),
    author: { name: "The maintainers", email: "maintainers@example.com" },
    repository: { type: "git", url: "https://example.com/cdktf-mqtt-cluster.git" },
    main: "src/index.js",
    types: "src/index.d.ts",
    stability: "experimental",
    jsii: { outdir: "dist", targets: {}, tsc: { rootDir: "src", outDir: "out" } },
  };
}

test("the public API is jsii-clean, and holds these types", () => {
  writeFileSync(join(folder, "package.json"), JSON.stringify(jsiiPackage()));
  writeFileSync(join(folder, "README.md"), "");
  cpSync(join(ROOT, "src"), join(folder, "src"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const { status, output } = run("node", [join(ROOT, "node_modules/jsii/bin/jsii"), folder]);
  const errors = output.split("\n").filter((line) => /error .*JSII\d+|error TS\d+/.test(line));
  expect({ status, errors }).toEqual({ status: 0, errors: [] });
  const { types } = JSON.parse(readFileSync(join(folder, ".jsii"), "utf8"));
  expect(Object.keys(types).map((type) => type.split(".")[1])).toMatchSnapshot();
});
