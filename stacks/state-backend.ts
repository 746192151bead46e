import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { AzurermBackend, GcsBackend, HttpBackend, LocalBackend, S3Backend, type TerraformStack } from "cdktf";
import { UsageError } from "./usage-error";

/**
 * Where Terraform keeps its state: in the folder `state`, unless STATE_BACKEND names another backend and STATE_BACKEND_CONFIG
 * holds its options as JSON, in which `{stack}` stands for the stack's name:
 *
 *   STATE_BACKEND=s3
 *   STATE_BACKEND_CONFIG='{"bucket": "example-state", "key": "mqtt/{stack}.tfstate", "region": "eu-central-1", "encrypt": true}'
 *
 * The state holds the secrets: choose a backend that encrypts it. The options end up in the synthesised plan, so leave
 * credentials to the backend's own environment variables.
 */
export function chooseStateBackend(stack: TerraformStack): void {
  const { STATE_BACKEND: kind = "local", STATE_BACKEND_CONFIG: config = "{}" } = process.env;
  const options = parse(config.replaceAll("{stack}", stack.node.id));
  if (kind === "local") {
    if (Object.keys(options).length > 0) {
      throw new UsageError("STATE_BACKEND_CONFIG has no effect on local state: name its backend in STATE_BACKEND, too");
    }
    // Terraform writes its state readable for everybody; the folder is not.
    const folder = resolve("state");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    new LocalBackend(stack, { path: join(folder, `${stack.node.id}.tfstate`) });
    return;
  }
  const backend = Object.hasOwn(REMOTE, kind) ? REMOTE[kind] : undefined;
  if (!backend) {
    throw new UsageError(`STATE_BACKEND = "${kind}": must be local, ${Object.keys(REMOTE).join(", ")}`);
  }
  const missing = backend.needs.filter((option) => typeof (options[option] ?? options[snakeCase(option)]) !== "string");
  if (missing.length > 0) {
    throw new UsageError(`STATE_BACKEND_CONFIG lacks what ${kind} needs, as text: ${missing.join(", ")}`);
  }
  new backend.type(stack, options as never);
}

const REMOTE: Record<string, { type: new (stack: TerraformStack, options: never) => object; needs: string[] }> = {
  s3: { type: S3Backend, needs: ["bucket", "key"] },
  gcs: { type: GcsBackend, needs: ["bucket"] },
  azurerm: { type: AzurermBackend, needs: ["storageAccountName", "containerName", "key"] },
  http: { type: HttpBackend, needs: ["address"] },
};

/** As Terraform spells it, which cdktf passes on. */
function snakeCase(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function parse(config: string): Record<string, unknown> {
  try {
    const options: unknown = JSON.parse(config);
    if (typeof options === "object" && options !== null && !Array.isArray(options)) {
      return options as Record<string, unknown>;
    }
  } catch {}
  // Not shown: it may hold a password.
  throw new UsageError(
    'STATE_BACKEND_CONFIG must be the backend\'s options as a JSON object: {"bucket": "example-state"}',
  );
}
