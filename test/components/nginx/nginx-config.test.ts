import { nginxWorkload } from "../../../src/components/nginx/nginx";
import { nginxConfig } from "../../../src/components/nginx/nginx-config";
import type { NginxDefinition } from "../../../src/definition/cluster";
import { balancerInput, everyInput } from "../../support/balancers";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";

const nginx = (version?: string): NginxDefinition => ({
  kind: "nginx",
  version,
  replicas: 1,
  algorithm: "leastConnections",
  drainTimeout: 900,
});

test("the whole file", () => {
  expect(nginxConfig(nginx("1.30.4"), balancerInput({ resolver: "127.0.0.11" }))).toMatchSnapshot();
});

test("follows restarted brokers from 1.27.3 on, and says so before", () => {
  const input = balancerInput({ resolver: "127.0.0.11" });
  expect(nginxConfig(nginx("1.27.2"), input)).not.toMatch(/resolve/);
  expect(nginxConfig(nginx("1.27.3"), input)).toMatch(/ resolve;/);
  expect(nginxWorkload(nginx("1.27.2"), input).notes).toContainEqual(expect.stringMatching(/once, at its start/));
  expect(nginxWorkload(nginx("1.27.3"), input).notes).toHaveLength(1);
  expect(nginxWorkload(nginx("1.27.2"), balancerInput()).notes).toHaveLength(1);
  expect(nginxConfig(nginx(undefined), input)).toMatch(/ resolve;/);
  expect(nginxConfig(nginx(undefined), { ...input, software: "package" })).not.toMatch(/resolve/);
});

test("as a package it cannot drain, says so, and tells Prometheus of its connections itself", () => {
  const { notes, pool, scrape, alerts } = nginxWorkload(nginx(), balancerInput({ software: "package" }));
  expect(pool).toBeUndefined();
  expect(notes).toContainEqual(expect.stringMatching(/cannot send clients away/));
  expect(scrape).toEqual([{ job: "nginx", port: 8405, path: "/metrics" }]);
  expect(alerts.map(({ alert }) => alert)).toEqual(["NginxDown", "NginxConnectionsNearLimit"]);
});

test("a dropped SYN is no failed attempt", () => {
  const timeout = (connectTimeoutMs: number) =>
    /proxy_connect_timeout (.*);/.exec(nginxConfig(nginx("1.30.4"), balancerInput({ connectTimeoutMs })))?.[1];
  expect([300, 3000].map(timeout)).toEqual(["1200ms", "3000ms"]);
});

describeWithPrograms(["nginx"], "nginx -t", () => {
  const folder = temporaryFolder();

  test("accepts every variant without a warning", () => {
    const configs = new Set(everyInput().map((input) => nginxConfig(nginx("1.22"), input)));
    for (const config of configs) {
      const file = writeFile(folder, "nginx.conf", config.replaceAll("/tmp/", `${folder}/`));
      const { status, output } = run("nginx", ["-e", "stderr", "-t", "-c", file]);
      expect({ status, output: output.replaceAll(file, "nginx.conf") }).toEqual({
        status: 0,
        output:
          "nginx: the configuration file nginx.conf syntax is ok\n" +
          "nginx: configuration file nginx.conf test is successful\n",
      });
    }
    expect(configs.size).toBeGreaterThan(4);
  });
});
