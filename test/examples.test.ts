import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { logicalIds } from "./support/plans";
import { temporaryFolder } from "./support/programs";

const EXAMPLES = join(__dirname, "../examples");
const folder = temporaryFolder();

/** Runs an example as its users would, and returns the plan of its only stack. */
function synthesise(example: string): { resource?: Record<string, object>; variable?: object } {
  process.env.CDKTF_OUTDIR = join(folder, example);
  jest.spyOn(console, "log").mockImplementation(() => {});
  jest.isolateModules(() => require(join(EXAMPLES, example)));
  const [stack] = readdirSync(join(folder, example, "stacks"));
  return JSON.parse(readFileSync(join(folder, example, "stacks", stack, "cdk.tf.json"), "utf8"));
}

afterEach(() => {
  delete process.env.CDKTF_OUTDIR;
  jest.restoreAllMocks();
});

test.each(readdirSync(EXAMPLES).filter((name) => name.endsWith(".ts")))("%s synthesises", (example) => {
  const plan = synthesise(example);
  expect({
    variables: Object.keys(plan.variable ?? {}),
    resources: logicalIds(plan),
  }).toMatchSnapshot();
});
