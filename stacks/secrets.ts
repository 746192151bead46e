/**
 * Secrets of an environment live in `secrets/<environment>.tfvars.json`, which only its owner can read and git ignores.
 *
 *   npm run secrets dev     writes a strong value for every secret that has none yet, and never changes one
 */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "./usage-error";

/**
 * Terraform reads every `*.auto.tfvars.json` beside the plan: a link there spares the user a flag at every command, and
 * keeps the values out of the synthesised folder.
 */
export function linkSecrets(stackFolder: string, environment: string): void {
  const link = join(stackFolder, "secrets.auto.tfvars.json");
  rmSync(link, { force: true });
  if (existsSync(secretsFile(environment))) {
    symlinkSync(secretsFile(environment), link);
  }
}

/** The secrets of an environment that have no value yet. */
export function missingSecrets(stackFolder: string, environment: string): string[] {
  const present = readSecrets(secretsFile(environment));
  return secretVariables(stackFolder).filter((name) => !(name in present));
}

/** @returns the names that got a value. */
export function writeMissingSecrets(stackFolder: string, environment: string): string[] {
  const file = secretsFile(environment);
  const present = readSecrets(file);
  const missing = missingSecrets(stackFolder, environment);
  if (existsSync(file)) {
    chmodSync(file, 0o600);
  }
  if (missing.length > 0) {
    const values = Object.fromEntries(missing.map((name) => [name, randomSecret()]));
    mkdirSync(resolve("secrets"), { recursive: true, mode: 0o700 });
    // Written beside and moved, so that an interrupted run never leaves half a file.
    writeFileSync(`${file}.new`, `${JSON.stringify({ ...present, ...values }, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return missing;
}

function readSecrets(file: string): Record<string, string> {
  if (!existsSync(file)) {
    return {};
  }
  try {
    const secrets: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof secrets === "object" && secrets !== null && !Array.isArray(secrets)) {
      return secrets as Record<string, string>;
    }
  } catch {}
  // Without the parser's own words, which quote the file.
  throw new UsageError(`${file} is no JSON object: mend it, or restore it from a backup; its secrets are in use`);
}

function secretsFile(environment: string): string {
  return resolve("secrets", `${environment}.tfvars.json`);
}

function secretVariables(stackFolder: string): string[] {
  const plan = JSON.parse(readFileSync(join(stackFolder, "cdk.tf.json"), "utf8"));
  return Object.entries<{ sensitive?: boolean }>(plan.variable ?? {})
    .filter(([, variable]) => variable.sensitive)
    .map(([name]) => name);
}

/** 43 letters and digits, about 256 bits: safe in every configuration language that it is written into. */
function randomSecret(): string {
  let text = "";
  while (text.length < 43) {
    text += randomBytes(48)
      .toString("base64")
      .replace(/[^A-Za-z0-9]/g, "");
  }
  return text.slice(0, 43);
}
