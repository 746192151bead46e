/** The script of files, read by the control script in a real shell, and nothing of the machine but a temporary folder. */
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Secret } from "../../../src";
import { basicAuth } from "../../../src/formats/references";
import { commonPart } from "../../../src/targets/vms/control-script";
import { filesScript } from "../../../src/targets/vms/files-script";
import type { ConfigFile } from "../../../src/workload";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";

const CONFIGURATION = "/etc/mqtt-cluster/dev-mqtt/broker";

/** Of the control script, what a test may run anywhere. */
function functions(...names: string[]): string {
  return names
    .map((name) => new RegExp(`^${name}\\(\\) \\{(?:.*\\}$|[^]*?^\\})`, "m").exec(commonPart())?.[0])
    .join("\n");
}

function plainFile(name: string, content: string, more: Partial<ConfigFile> = {}): ConfigFile {
  return { path: `${CONFIGURATION}/${name}`, content, mode: 0o444, onChange: "restart", ...more };
}

describe.each(["dash", "bash"])("%s", (shell) => {
  describeWithPrograms([shell, "sed", "base64"], "reads the script of files", () => {
    const folder = temporaryFolder();
    const staged = join(folder, "staged");

    /** Puts files where the control script would look at them first. */
    function stage(files: readonly ConfigFile[]): { status: number | null; output: string } {
      rmSync(staged, { recursive: true, force: true });
      rmSync(`${staged}.list`, { force: true });
      const script = [
        "set -eu",
        "export LC_ALL=C.UTF-8",
        `where=broker-1 step=files configuration=${CONFIGURATION} staged=${staged} run_user=${userInfo().username}`,
        functions("fail", "file", "fill_secrets", "secret_value", "secret_file", "secret_title"),
        'mkdir -m 755 "$staged"',
        "umask 077",
        '. "$1"',
      ].join("\n");
      const place = writeFile(folder, "place", script);
      return run(shell, [place, writeFile(folder, "files", filesScript(files))]);
    }

    const read = (name: string) => readFileSync(join(staged, name), "utf8");
    const contentsOf = (files: readonly ConfigFile[]) =>
      files.map(({ path }) => read(path.slice(CONFIGURATION.length + 1)));

    test("contents arrive byte for byte", () => {
      const contents = [
        "",
        "\n",
        "\n\n\n",
        "no newline",
        "one newline\n",
        "two newlines\n\n",
        "\nleading",
        "  spaces \t at both ends  ",
        "$HOME ${HOME} $(id) `id` $$ $! $? $1 $@ ${1:-x} $((1+1))\n",
        "\\ \\n \\\\ \\$ \\` \\\" \\' trailing \\",
        "\\\n",
        `'single' "double" ''' """ '"'"'`,
        "END\nEND-OF-MQTT-CLUSTER-FILE \n END-OF-MQTT-CLUSTER-FILE\nEND-OF-MQTT-CLUSTER-FILES\nEOF\n",
        "file /etc/passwd 0777 root newline <<'END'\n",
        "%{+Q}r %s %d %% -n -e\n",
        "-n",
        "Grüße, 世界 😀 \u00a0\u2028 ß",
        "carriage\r\nreturn\r",
        "control \u0001\u0007\u001b\u007f\u0081\u0088\n",
        `${"a long line ".repeat(100_000)}\n`,
        "many lines\n".repeat(20_000),
        "a && b || c; d & e | f > /dev/null < /dev/null # g\n",
      ];
      const files = contents.map((content, index) => plainFile(`${index}`, content));
      expect(stage(files)).toEqual({ status: 0, output: "" });
      expect(contentsOf(files)).toEqual(contents);
    });

    test("any content arrives byte for byte", () => {
      const unit = fc.oneof(
        fc.constantFrom(..."\\'\"$`\n\r\t !#%&()*;<>?[]^{|}~-é"),
        fc.string({ unit: "grapheme", maxLength: 3 }),
      );
      const samples = fc
        .sample(fc.array(unit, { maxLength: 30 }), { seed: 7, numRuns: 150 })
        .map((parts) => parts.join("").replaceAll("\0", ""));
      const files = samples.map((content, index) => plainFile(`${index}`, content));
      expect(stage(files)).toEqual({ status: 0, output: "" });
      expect(contentsOf(files)).toEqual(samples);
    });

    test("modes are as wanted, and names with spaces and quotes do no harm", () => {
      const files = [
        plainFile("open", "a"),
        plainFile("secret", "b", { mode: 0o400, mustBeOwnedByProgram: true }),
        plainFile("it's $(id) a name", "c", { mode: 0o555 }),
      ];
      expect(stage(files)).toEqual({ status: 0, output: "" });
      expect(contentsOf(files)).toEqual(["a", "b", "c"]);
      expect(["open", "secret", "it's $(id) a name"].map((name) => statSync(join(staged, name)).mode & 0o777)).toEqual([
        0o444, 0o400, 0o555,
      ]);
      expect(readFileSync(`${staged}.list`, "utf8")).toBe("open\nsecret\nit's $(id) a name\n");
    });

    test("a folder can be entered by whoever may read the files in it", () => {
      expect(stage([plainFile("rules/users.conf", "a")])).toEqual({ status: 0, output: "" });
      expect(statSync(join(staged, "rules")).mode & 0o777).toBe(0o755);
    });

    describe("with secrets that the host keeps in files", () => {
      const held = (name: string, value: string) => {
        writeFileSync(join(folder, name), value, { mode: 0o600 });
        return Secret.file(join(folder, name));
      };

      test.each(["Abcdefghij12", "0a.b_c~d+e/f=g-h", "Z".repeat(4096)])(
        "%s is put in, wherever it is referred to",
        (value) => {
          const [first, second] = [held("first", value), held("second$[a]*.^|&;(x)", `${value}second\n`)];
          const file = plainFile("a", `a = "${first}" b = "${second}"\n${first}${first} $\{x} & \\1\n`, {
            mode: 0o400,
          });
          expect(stage([file, plainFile("b", "c", { mode: 0o400 })])).toEqual({ status: 0, output: "" });
          expect(read("a")).toBe(`a = "${value}" b = "${value}second"\n${value}${value} $\{x} & \\1\n`);
          expect(read("b")).toBe("c");
        },
      );

      test("a file without a newline at its end stays without", () => {
        expect(stage([plainFile("a", `${held("cookie", "Abcdefghij12\n")}`)])).toEqual({ status: 0, output: "" });
        expect(read("a")).toBe("Abcdefghij12");
      });

      test("as credentials of HTTP", () => {
        const password = held("password", "Abc.~+/=-def1");
        expect(stage([plainFile("a", `x: Basic ${basicAuth("emqx", password)}\n`)])).toEqual({ status: 0, output: "" });
        expect(read("a")).toBe(`x: Basic ${Buffer.from("emqx:Abc.~+/=-def1").toString("base64")}\n`);
      });

      test("long credentials stay on one line", () => {
        const password = held("password", "a".repeat(200));
        expect(stage([plainFile("a", basicAuth("emqx", password))])).toEqual({ status: 0, output: "" });
        expect(read("a")).toBe(Buffer.from(`emqx:${"a".repeat(200)}`).toString("base64"));
      });

      test.each<[what: string, value: string, message: string]>([
        ["eleven characters", "Abcdefghij1", "must have at least 12 characters"],
        ["leading dash", "-bcdefghij123", "begins with a letter or digit"],
        ["space", "Abcdefghij 12", "may have letters, digits and"],
        ["quote", 'Abcdefghij"12', "may have letters"],
        ["dollar", "Abcdefghij$12", "may have letters"],
        ["ampersand", "Abcdefghij&12", "may have letters"],
        ["separator of the replacement", "Abcdefghij|12", "may have letters"],
        ["backslash", "Abcdefghij\\12", "may have letters"],
        ["hash", "Abcdefghij#12", "may have letters"],
        ["umlaut", "Abcdefghijé12", "may have letters"],
        ["leading umlaut", "ébcdefghij123", "may have letters"],
        ["lines", "Abcdefghij12\nAbcdefghij12", "may have letters"],
        ["carriage return", "Abcdefghij12\r\n", "may have letters"],
        ["nothing", "", "is not there or empty"],
        ["newline only", "\n", "must have at least 12 characters"],
      ])("%s: is refused, and not shown", (_, value, message) => {
        const secret = held("wrong", value);
        const { status, output } = stage([plainFile("a", `${secret}`)]);
        expect(status).toBe(1);
        expect(output).toMatch(/^broker-1: files: .*wrong/);
        expect(output).toContain(message);
        expect(output).not.toMatch(/bcdefghij/);
      });

      test("one that is not there is named", () => {
        const { status, output } = stage([plainFile("a", `${Secret.file("/nowhere/at/all")}`)]);
        expect(status).toBe(1);
        expect(output).toBe("broker-1: files: the secret in /nowhere/at/all is not there or empty\n");
      });
    });
  });
});

test("fails if a file has the line that ends it", () => {
  expect(() => filesScript([plainFile("a", "b\nEND-OF-MQTT-CLUSTER-FILE\nreboot\n")])).toThrow(
    `${CONFIGURATION}/a has the line END-OF-MQTT-CLUSTER-FILE, which ends it`,
  );
});
