import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DOCKER } from "../../src/targets/docker/parity";
import { parityTable } from "../../src/targets/parity";

test("docs/target-parity.md holds the table", () => {
  const page = readFileSync(join(__dirname, "../../docs/target-parity.md"), "utf8");
  expect(page).toContain(`\n${parityTable({ Docker: DOCKER })}\n`);
});
