import type { TerraformStack } from "cdktf";
import { Balancer, Broker, Target, type VmHostProps } from "../../../src";
import { temporaryFolder } from "../../support/programs";
import { TerraformProject } from "../../support/terraform";
import { deployOn } from "../cluster";
import { expectSuccess } from "../support";
import { SECRETS } from "./bed";
import { BED, describeOnHosts, HOSTS, type Host } from "./hosts";
import { differences, takeInventory } from "./inventory";

/** What is said otherwise of the hosts, or wanted of them. */
interface Variant {
  readonly broker?: Partial<VmHostProps>;
  readonly monitoring?: Partial<VmHostProps>;
  readonly version?: string;
}

interface Case {
  readonly what: string;
  readonly variant?: Variant;
  /** Makes the broker's host a bad one, and a good one again. */
  readonly prepare?: string;
  readonly restore?: string;
  /** Host and step, and what is wrong. */
  readonly says: readonly RegExp[];
}

const STRANGER = "mqtt-cluster-stranger";
/** Of nobody: as long as a real one. */
const OTHER_KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;
const APT = "/etc/apt";

const CASES: Case[] = [
  {
    // Both are tried for half a minute.
    what: "an unreachable host, and one with another key",
    // A network for documentation (RFC 5737): nobody answers there.
    variant: { broker: { address: "192.0.2.1" }, monitoring: { hostKey: OTHER_KEY } },
    says: [/broker-1-preflight[\s\S]*192\.0\.2\.1/, /prometheus-preflight[\s\S]*(key mismatch|handshake|knownhosts)/],
  },
  {
    what: "a user without sudo",
    variant: { broker: { user: STRANGER } },
    prepare: `useradd -m -s /bin/sh ${STRANGER} && cp -r ~${BED.user}/.ssh ~${STRANGER}/ && chown -R ${STRANGER}: ~${STRANGER}/.ssh`,
    restore: `userdel -r ${STRANGER} 2>/dev/null`,
    says: [new RegExp(`broker-1-preflight[\\s\\S]*${STRANGER} may not run sudo`)],
  },
  {
    what: "a distribution that is not supported",
    prepare: "mv /etc/os-release /etc/os-release.kept && printf 'ID=fedora\nVERSION_ID=41\n' >/etc/os-release",
    restore: "mv /etc/os-release.kept /etc/os-release",
    says: [/broker-1 \([^)]+\): check of the host: fedora 41 is not supported/],
  },
  {
    what: "a version that no repository has",
    variant: { version: "3.99" },
    says: [/broker-1 \([^)]+\): check of the packages: rabbitmq-server 3\.99 is wanted/],
  },
  {
    what: "a package that no repository has",
    prepare: `mkdir /run/kept && mv ${APT}/sources.list* /run/kept/ && apt-get update -qq`,
    restore: `mv /run/kept/* ${APT}/ && rmdir /run/kept && apt-get update -qq`,
    says: [/broker-1 \([^)]+\): check of the packages: the repositories of this host have no package rabbitmq-server/],
  },
  {
    what: "a port that another program has",
    // Perl is on every Debian and Ubuntu. No `$`, which is systemd's.
    prepare:
      "systemd-run --quiet --unit=squatter perl -MIO::Socket::INET " +
      '-e "@s = IO::Socket::INET->new(Listen => 1, LocalPort => 1883); sleep" && ' +
      "timeout 10 sh -c 'until ss -H -l -t -n sport = :1883 | grep -q .; do sleep 0.1; done'",
    restore: "systemctl stop squatter",
    says: [/broker-1 \([^)]+\): check of the host: port 1883 is taken by/],
  },
];

const [BROKER, MONITORING] = HOSTS;

function definition({ broker, monitoring, version = "3.10" }: Variant = {}) {
  return (stack: TerraformStack) => {
    const onHost = ({ address, hostKey }: Host) => ({ address, hostKey });
    const target = Target.vms({
      ssh: { user: BED.user, privateKeyFile: BED.key },
      brokers: { "broker-1": { ...onHost(BROKER), ...broker } },
      monitoring: { ...onHost(MONITORING), ...monitoring },
    });
    const parts = { broker: Broker.rabbitmq({ version, nodes: 1 }), balancer: Balancer.none() };
    deployOn(target, stack, parts, { webhook: "http://127.0.0.1/nobody" });
  };
}

describeOnHosts("what servers cannot honour", 2, () => {
  const folder = temporaryFolder();

  async function projectOf(name: string, variant?: Variant): Promise<TerraformProject> {
    const project = new TerraformProject(`${folder}/${name.replaceAll(" ", "-")}`, "vms");
    project.synthesise(definition(variant));
    project.writeSecrets(SECRETS);
    expectSuccess(await project.init());
    return project;
  }

  test.each(CASES)(
    "$what is named before anything is changed",
    async ({ what, variant, prepare = "true", restore = "true", says }) => {
      const project = await projectOf(what, variant);
      await BROKER.run(prepare);
      try {
        const before = await takeInventory([BROKER, MONITORING]);
        const { status, output } = await project.apply();
        expect(status).toBe(1);
        for (const words of says) {
          expect(output).toMatch(words);
        }
        expect(differences(before, await takeInventory([BROKER, MONITORING]))).toEqual([]);
      } finally {
        await BROKER.run(restore);
        expectSuccess(await project.destroy());
      }
    },
    120_000,
  );

  test("a first deployment that fails half-way can be destroyed, and leaves nothing", async () => {
    const before = await takeInventory([BROKER, MONITORING]);
    const project = await projectOf("half-way");
    const noStart = "/run/systemd/system/vms-mqtt-broker-1.service.d";
    await BROKER.run(`mkdir -p ${noStart} && printf '[Service]\\nExecStartPre=/bin/false\\n' >${noStart}/e2e.conf`);
    const noInstall = `${APT}/apt.conf.d/zz-e2e`;
    await MONITORING.run(`echo 'DPkg::Pre-Install-Pkgs { "! grep -q alertmanager"; };' >${noInstall}`);
    try {
      const { status, output } = await project.apply();
      expect(status).toBe(1);
      expect(output).toMatch(/broker-1 \([^)]+\): start: /);
      expect(output).toMatch(/alertmanager \([^)]+\): packages: cannot install prometheus-alertmanager/);
    } finally {
      await MONITORING.run(`rm ${noInstall}`);
      await BROKER.run(`rm -r ${noStart}`);
      expectSuccess(await project.destroy());
    }
    expect(differences(before, await takeInventory([BROKER, MONITORING]))).toEqual([]);
  }, 240_000);
});
