import { haproxyConfig } from "../../../src/components/haproxy/haproxy-config";
import type { HaproxyDefinition } from "../../../src/definition/cluster";
import { BROKERS, balancerInput, everyInput, MQTT_CHECK } from "../../support/balancers";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";

const haproxy = (overrides: Partial<HaproxyDefinition> = {}): HaproxyDefinition => ({
  kind: "haproxy",
  version: "3.2.22",
  replicas: 1,
  algorithm: "leastConnections",
  drainTimeout: 900,
  ...overrides,
});

test("EMQX: checked over HTTP, spread by connections", () => {
  expect(haproxyConfig(haproxy(), balancerInput({ resolver: "127.0.0.11" }))).toMatchSnapshot();
});

test("RabbitMQ: checked over MQTT, spread by client id", () => {
  const brokers = { ...BROKERS, ws: undefined, check: MQTT_CHECK };
  expect(haproxyConfig(haproxy({ algorithm: "clientId" }), balancerInput({ brokers }))).toMatchSnapshot();
});

/** Brokers that come and go under new names, behind one that has the addresses of all. */
const found = balancerInput({
  resolver: "127.0.0.11",
  servers: balancerInput().servers.map((server) => ({ ...server, host: "localhost" })),
});

test("brokers without names of their own are found in DNS, on every port with checks of its own", () => {
  expect(haproxyConfig(haproxy(), found).match(/^backend [\s\S]*?(?=\n\n)/gm)).toMatchSnapshot();
});

describeWithPrograms(["haproxy"], "haproxy -c", () => {
  const folder = temporaryFolder();
  const variants = (["leastConnections", "clientId"] as const).flatMap((algorithm) =>
    [...everyInput(), found].map((input) => haproxyConfig(haproxy({ algorithm }), input)),
  );

  test("accepts every variant without a warning", () => {
    const files = variants.map((config, index) => writeFile(folder, `${index}.cfg`, config));
    for (const file of files) {
      expect(run("haproxy", ["-c", "-f", file])).toEqual({
        status: 0,
        // HAProxy 3.2 says nothing.
        output: expect.stringMatching(/^(Configuration file is valid\s*)?$/),
      });
    }
  });
});
