/** What goes wrong while it is deployed. */
import type { Config } from "@cdktf/provider-docker/lib/config";
import { Service, type ServiceTaskSpec, type ServiceTaskSpecContainerSpec } from "@cdktf/provider-docker/lib/service";
import { Fn, type TerraformLocal, type TerraformStack } from "cdktf";
import { DID_START } from "../../../src/targets/docker-swarm/health";

/** A line in a file that its program does not know. */
export function withUnknownKey(stack: TerraformStack, id: string): void {
  const find = (name: string) => stack.node.findAll().find(({ node }) => node.id === name);
  const text = find(`${id}-text`) as TerraformLocal;
  (find(id) as Config).data = Fn.base64encode(Fn.join("\n", [text.asString, "no.such.key = 1"]));
}

/** Kills the broker, and not its first process, soon after it has become a member. */
export function endSoon(stack: TerraformStack, name: string): void {
  const service = serviceIn(stack, name);
  const [, ...words] = service.taskSpecInput?.containerSpec.command ?? [];
  const script = `{ until [ -e ${DID_START} ]; do sleep 0.2; done; sleep 4; kill -9 -1; } & exec sh "$@"`;
  withContainer(service, { command: ["sh", "-c", script, "sh", ...words] });
}

export function neverHealthy(stack: TerraformStack, name: string): void {
  const service = serviceIn(stack, name);
  withContainer(service, { healthcheck: { test: ["CMD", "false"] } });
  service.putConvergeConfig({ delay: "1s", timeout: "20s" });
}

function serviceIn(stack: TerraformStack, name: string): Service {
  return stack.node.findAll().find((one) => one instanceof Service && one.node.id === name) as Service;
}

function withContainer(service: Service, different: Partial<ServiceTaskSpecContainerSpec>): void {
  const spec = service.taskSpecInput as ServiceTaskSpec;
  service.putTaskSpec({ ...spec, containerSpec: { ...spec.containerSpec, ...different } });
}
