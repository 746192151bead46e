import { HOSTS } from "./hosts";

/**
 * What a deployment might leave behind on a host: files with their texts, packages, users, units, kernel settings. Left out
 * is what installing and removing a package changes for good, whoever does it: Debian's packages of RabbitMQ, Erlang and
 * Prometheus leave their users behind. What a timer of the system starts ("start") is there for a moment.
 */
const INVENTORY = `
find /etc /usr/local /var/lib /opt /srv /root /home -xdev \\
  \\( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/systemd -o -path /var/lib/ucf -o -path /var/lib/pam \\
  -o -path /srv/debs -o -path /etc/ld.so.cache -o -path '/etc/*-' -o -path /var/lib/logrotate \\) -prune \\
  -o -printf 'file %y %m %u:%g %p %l\\n'
find /etc -xdev -type f ! -path /etc/ld.so.cache ! -path '/etc/*-' ! -name passwd ! -name group ! -name shadow ! -name gshadow -exec cksum {} +
getent passwd | cut -d: -f1 | grep -v -x -e rabbitmq -e epmd -e prometheus | sed 's/^/user /'
dpkg-query -W -f 'package \${Package} \${db:Status-Abbrev}\\n'
apt-mark showhold | sed 's/^/held /'
systemctl list-unit-files --no-legend --no-pager | sed 's/^/unit file /'
systemctl list-units --all --no-legend --no-pager --plain --type=service,socket,timer | awk '$3 != "inactive" && $4 != "start" { print "unit", $1, $3 }'
sysctl -a 2>/dev/null | grep -E '^(net.core|net.ipv4.(ip_|tcp_)|vm.overcommit|vm.swappiness)' | sed 's/^/kernel /'
ss -H -l -t -n | awk '{ print "listens", $4 }'
`;

export type Inventory = ReadonlyMap<string, ReadonlySet<string>>;

/** Of every host, or those named. */
export async function takeInventory(hosts = HOSTS): Promise<Inventory> {
  const lines = await Promise.all(hosts.map((host) => host.run(INVENTORY)));
  return new Map(hosts.map(({ name }, index) => [name, new Set(lines[index].split("\n"))]));
}

/** `h1: + …` for what is there now and was not, `h1: - …` for what is gone. */
export function differences(before: Inventory, after: Inventory): string[] {
  return [...after].flatMap(([host, now]) => {
    const then = before.get(host) as ReadonlySet<string>;
    return [
      ...[...now].filter((line) => !then.has(line)).map((line) => `${host}: + ${line}`),
      ...[...then].filter((line) => !now.has(line)).map((line) => `${host}: - ${line}`),
    ];
  });
}
