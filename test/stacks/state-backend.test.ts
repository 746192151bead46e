import { App, TerraformStack, Testing } from "cdktf";
import { chooseStateBackend } from "../../stacks/state-backend";

const environment = { ...process.env };
afterEach(() => {
  process.env = { ...environment };
});

function backend(kind: string, config?: string): object {
  process.env.STATE_BACKEND = kind;
  if (config !== undefined) {
    process.env.STATE_BACKEND_CONFIG = config;
  }
  const stack = new TerraformStack(new App(), "dev");
  chooseStateBackend(stack);
  return JSON.parse(Testing.synth(stack)).terraform.backend;
}

test("the options reach Terraform, spelt either way", () => {
  expect(backend("s3", '{"bucket": "b", "key": "{stack}.tfstate"}')).toEqual({
    s3: { bucket: "b", key: "dev.tfstate" },
  });
  const azure = { storage_account_name: "a", container_name: "c", key: "k" };
  expect(backend("azurerm", JSON.stringify(azure))).toEqual({ azurerm: azure });
});

test.each([
  ["S3", "{}", 'STATE_BACKEND = "S3": must be local, s3, gcs, azurerm, http'],
  ["constructor", "{}", 'STATE_BACKEND = "constructor": must be'],
  ["s3", undefined, "STATE_BACKEND_CONFIG lacks what s3 needs, as text: bucket, key"],
  ["azurerm", '{"key": 3}', "storageAccountName, containerName, key"],
  ["s3", "bucket=b,secret_key=hunter2", "must be the backend's options as a JSON object"],
  ["s3", "null", "must be the backend's options as a JSON object"],
  ["s3", '["b"]', "must be the backend's options as a JSON object"],
  ["local", '{"bucket": "b"}', "STATE_BACKEND_CONFIG has no effect on local state"],
])("STATE_BACKEND=%s with %s is one sentence, without what may be secret", (kind, config, sentence) => {
  const usageError = expect.objectContaining({ name: "UsageError", message: expect.stringContaining(sentence) });
  let error: unknown;
  try {
    backend(kind, config);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toEqual(usageError);
  expect((error as Error).message).not.toContain("hunter2");
});
