import type { TerraformStack } from "cdktf";
import { Balancer, Broker, Target } from "../../../src";
import { temporaryFolder } from "../../support/programs";
import { TerraformProject } from "../../support/terraform";
import { deployOn } from "../cluster";
import { SECRETS } from "./bed";
import { BED, describeOnHosts, HOSTS } from "./hosts";
import { differences, takeInventory } from "./inventory";

/** A login for the bad host and its address, where a case wants others. */
interface Login {
  readonly user?: string;
  readonly address?: string;
  readonly hostKey?: string;
}

interface Case {
  readonly what: string;
  /** What is wrong with the broker's host, or with what is wanted of it. */
  readonly login?: Login;
  readonly version?: string;
  /** Makes the host a bad one, and a good one again. */
  readonly prepare?: string;
  readonly restore?: string;
  /** Host and step, and what is wrong. */
  readonly says: RegExp;
}

const STRANGER = "mqtt-cluster-stranger";
/** Of nobody: as long as a real one. */
const OTHER_KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;

const CASES: Case[] = [
  {
    what: "an unreachable host",
    // A network for documentation (RFC 5737): nobody answers there.
    login: { address: "192.0.2.1" },
    says: /broker-1-preflight[\s\S]*192\.0\.2\.1|192\.0\.2\.1[\s\S]*broker-1-preflight/,
  },
  {
    what: "another host key",
    login: { hostKey: OTHER_KEY },
    says: /broker-1-preflight[\s\S]*(host key|handshake|knownhosts)/,
  },
  {
    what: "a user without sudo",
    login: { user: STRANGER },
    prepare: `useradd -m -s /bin/sh ${STRANGER} && cp -r ~${BED.user}/.ssh ~${STRANGER}/ && chown -R ${STRANGER}: ~${STRANGER}/.ssh`,
    restore: `userdel -r ${STRANGER} 2>/dev/null`,
    says: new RegExp(`broker-1-preflight[\\s\\S]*${STRANGER} may not run sudo`),
  },
  {
    what: "a distribution that is not supported",
    prepare: "mv /etc/os-release /etc/os-release.kept && printf 'ID=fedora\\nVERSION_ID=41\\n' >/etc/os-release",
    restore: "mv /etc/os-release.kept /etc/os-release",
    says: /broker-1 \([^)]+\): check of the host: fedora 41 is not supported/,
  },
  {
    what: "a version that no repository has",
    version: "3.99",
    says: /broker-1 \([^)]+\): check of the packages: rabbitmq-server 3\.99 is wanted/,
  },
  {
    what: "a port that another program has",
    // Perl is on every Debian and Ubuntu.
    prepare:
      "systemd-run --quiet --unit=squatter perl -MIO::Socket::INET -e " +
      '"\\$s = IO::Socket::INET->new(Listen => 1, LocalPort => 1883); sleep"',
    restore: "systemctl stop squatter",
    says: /broker-1 \([^)]+\): check of the host: port 1883 is taken by/,
  },
];

describeOnHosts("what servers cannot honour is named before anything is changed", 2, () => {
  const [bad, good] = HOSTS;
  const folder = temporaryFolder();

  function definition({ login, version = "3.10" }: Case) {
    return (stack: TerraformStack) => {
      const { address, hostKey } = bad;
      const target = Target.vms({
        ssh: { user: BED.user, privateKeyFile: BED.key },
        brokers: { "broker-1": { address, hostKey, ...login } },
        monitoring: { address: good.address, hostKey: good.hostKey },
      });
      deployOn(target, stack, {
        broker: Broker.rabbitmq({ version, nodes: 1 }),
        balancer: Balancer.none(),
        webhook: "http://127.0.0.1/nobody",
      });
    };
  }

  test.each(CASES)(
    "$what",
    async (wrong) => {
      const project = new TerraformProject(`${folder}/${wrong.what.replaceAll(" ", "-")}`, "vms");
      project.synthesise(definition(wrong));
      project.writeSecrets(SECRETS);
      await project.init();
      if (wrong.prepare) {
        await bad.run(wrong.prepare);
      }
      try {
        const before = await takeInventory([bad, good]);
        const applied = await project.apply();
        expect(applied.status).toBe(1);
        expect(applied.output).toMatch(wrong.says);
        expect(differences(before, await takeInventory([bad, good]))).toEqual([]);
      } finally {
        if (wrong.restore) {
          await bad.run(wrong.restore);
        }
        await project.destroy();
      }
    },
    120_000,
  );
});
