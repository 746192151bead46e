import { join } from "node:path";
import { App } from "cdktf";
import { DevStack } from "./dev";
import { EdgeStack } from "./edge";
import { ProductionStack } from "./production";
import { linkSecrets, missingSecrets, writeMissingSecrets } from "./secrets";
import { StagingStack } from "./staging";
import { chooseStateBackend } from "./state-backend";
import { UsageError } from "./usage-error";

/** Synthesises every environment and says what each is. `main.js secrets <environment>` writes missing secrets instead. */
function main([command, environment]: string[]): void {
  const app = new App();
  const stacks = [new DevStack(app), new EdgeStack(app), new StagingStack(app), new ProductionStack(app)];
  const names = stacks.map(({ node }) => node.id);
  // Before anything is written.
  if (command === "secrets" ? !names.includes(environment) : command !== undefined) {
    throw new UsageError(`usage: npm start, or npm run secrets <environment>, which is one of: ${names.join(", ")}`);
  }
  stacks.forEach(chooseStateBackend);
  app.synth();

  const folder = (stack: string) => join(app.outdir, "stacks", stack);
  if (command === "secrets") {
    const written = writeMissingSecrets(folder(environment), environment);
    console.log(
      written.length > 0
        ? `secrets/${environment}.tfvars.json: wrote ${written.join(", ")}`
        : `secrets/${environment}.tfvars.json: has every secret already, nothing was changed`,
    );
  } else {
    for (const { node, cluster } of stacks) {
      console.log(`${cluster.summary}\n${nextCommands(node.id, missingSecrets(folder(node.id), node.id))}\n`);
    }
  }
  for (const { node } of stacks) {
    linkSecrets(folder(node.id), node.id);
  }
}

function nextCommands(environment: string, missing: readonly string[]): string {
  return [
    "  next",
    ...(missing.length > 0
      ? [`    npm run secrets ${environment}       (writes the ${missing.length} secrets that have no value yet)`]
      : []),
    `    npx cdktf deploy ${environment}`,
  ].join("\n");
}

try {
  main(process.argv.slice(2));
} catch (error) {
  // A user's mistake is one clear message; only our own are worth a stack trace.
  if (error instanceof Error && ["InvalidDefinitionError", "UsageError"].includes(error.name)) {
    console.error(error.message);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
