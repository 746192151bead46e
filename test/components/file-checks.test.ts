import { Balancer, Broker, SessionStore } from "../../src";
import { clusterWorkloads } from "../../src/components/cluster-workloads";
import type { ClusterDefinitionProps } from "../../src/definition/cluster";
import type { Placement } from "../../src/placement/placement";
import type { ConfigFile, Workload } from "../../src/workload";
import { fullDefinition, testPlacement } from "../support/definitions";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../support/programs";
import { below, withSecrets } from "../support/rendered-files";

/** Definitions that have, between them, every file that can be checked. */
const DEFINITIONS: Readonly<Record<string, Partial<ClusterDefinitionProps>>> = {
  "EMQX, HAProxy, Redis": {},
  // The nginx that is installed: later ones know words that it does not.
  "RabbitMQ, nginx": {
    broker: Broker.rabbitmq(),
    sessionStore: SessionStore.builtIn(),
    balancer: Balancer.nginx({ version: "1.22" }),
  },
};

/** `emqx` is in EMQX's own image only: a real node starts from this file in components/emqx/emqx-live.test.ts. */
const CHECKED_ELSEWHERE = "emqx";

/** Well-formed in every one of these languages. */
const UNKNOWN = "unknown_setting: 1;";

/** Addresses instead of names that nothing here resolves: nginx looks them up even to check a file. */
const PLACEMENT: Placement = {
  ...testPlacement(),
  instances: (name) =>
    testPlacement()
      .instances(name)
      .map((instance) => ({ ...instance, host: "127.0.0.1" })),
};

interface Checked {
  readonly title: string;
  readonly workload: Workload;
  readonly path: string;
  readonly command: readonly string[];
}

const CHECKS = Object.entries(DEFINITIONS).flatMap(([definition, props]) =>
  clusterWorkloads(fullDefinition(props), PLACEMENT).flatMap((workload) =>
    workload.files.flatMap(({ path, check }): Checked[] =>
      check ? [{ title: `${path} (${definition})`, workload, path, command: check }] : [],
    ),
  ),
);

const CHECKERS = [...new Set(CHECKS.map(({ command }) => command[0]))].sort();

test("every program that can check a file is asked to", () => {
  expect(CHECKERS).toEqual(["amtool", CHECKED_ELSEWHERE, "haproxy", "nginx", "promtool"]);
});

for (const checker of CHECKERS.filter((program) => program !== CHECKED_ELSEWHERE)) {
  describeWithPrograms([checker], `the check by ${checker}`, () => {
    const folder = temporaryFolder();
    const checks = CHECKS.filter(({ command }) => command[0] === checker);

    /** The check of one file, with all files of its program in place. */
    function verdict({ workload, command }: Checked, contentOf: (file: ConfigFile) => string) {
      const here = below(folder, workload);
      for (const file of workload.files) {
        writeFile(folder, file.path, here(withSecrets(contentOf(file)).replaceAll("/tmp/", `${folder}/`)));
      }
      const [program, ...args] = command.map(here);
      return run(program, args);
    }

    test.each(checks)("accepts $title", (one) => {
      expect(verdict(one, ({ content }) => content)).toMatchObject({ status: 0 });
    });

    test.each(checks)("refuses $title with an unknown setting in it", (one) => {
      const { status, output } = verdict(one, ({ path, content }) =>
        path === one.path ? `${content}\n${UNKNOWN}\n` : content,
      );
      expect(status).toBe(1);
      expect(output).toContain("unknown_setting");
    });
  });
}
