import { readFileSync } from "node:fs";
import { join } from "node:path";
import { canHaveBastion, hostKeyOption } from "../../../src/targets/vms/known-hosts";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";

const at = (address: string, keys: string, port = 22) => ({ address, port, keys });

test("one key is itself, and others follow as lines of their own", () => {
  expect(hostKeyOption(at("10.0.0.1", "ssh-rsa AAAA"))).toBe("ssh-rsa AAAA");
  expect(hostKeyOption(at("10.0.0.1", "ssh-rsa AAAA\nssh-ed25519 BBBB\n", 2222))).toBe(
    "ssh-rsa AAAA\n@cert-authority 10.0.0.1:2222 ssh-ed25519 BBBB",
  );
});

describeWithPrograms(["ssh-keygen"], "behind a bastion", () => {
  const folder = temporaryFolder();
  const keyOf = (type: string) => {
    const file = join(folder, type);
    run("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "", "-f", file]);
    return readFileSync(`${file}.pub`, "utf8").trim();
  };

  test.each(["ed25519", "ecdsa"])("the first key is no key that a server offers, made of one of type %s", (type) => {
    const [key, other] = [keyOf(type), keyOf("rsa")];
    const [decoy, ...lines] = hostKeyOption(at("10.0.0.1", key), at("192.0.2.9", other, 2222)).split("\n");
    expect(lines).toEqual([`@cert-authority 10.0.0.1:22 ${key}`, `@cert-authority 192.0.2.9:2222 ${other}`]);
    expect(decoy).toMatch(/^sk-/);
    const read = run("ssh-keygen", ["-l", "-f", writeFile(folder, "decoy.pub", `${decoy}\n`)]);
    expect(read).toEqual({ status: 0, output: expect.stringMatching(new RegExp(`\\(${type.toUpperCase()}-SK\\)`)) });
  });

  test("two RSA keys have no such form", () => {
    const rsa = keyOf("rsa");
    expect(canHaveBastion(rsa, rsa)).toBe(false);
    expect(canHaveBastion(rsa, `${rsa}\n${keyOf("ed25519")}`)).toBe(true);
  });
});
