import { INSTANCE_NAME } from "../../formats/references";
import type { Placement, VirtualAddress } from "../../placement/placement";
import type { Workload } from "../../workload";
import { keepalivedConfig } from "./keepalived-config";

/** Address moves between hosts, not between containers: there is no image that anybody would run. */
const NO_IMAGE = "";

/** keepalived beside every balancer, where clients come to an address that moves between them. */
export function virtualAddressWorkloads(placement: Placement): Workload[] {
  return placement.virtualAddress ? [keepalivedWorkload(placement, placement.virtualAddress)] : [];
}

function keepalivedWorkload(placement: Placement, { address, interface: device, routerId }: VirtualAddress): Workload {
  const instances = placement.instances("virtual-address");
  const configPath = `${placement.folder("virtual-address", "configuration", "/etc/keepalived")}/keepalived.conf`;
  const runtime = placement.folder("virtual-address", "runtime", "/run/keepalived");
  const [pid, vrrpPid] = [`${runtime}/keepalived.pid`, `${runtime}/vrrp.pid`];
  const forInstance = ["--use-file", configPath, "--config-id", INSTANCE_NAME];
  return {
    name: "virtual-address",
    program: "keepalived",
    instances,
    image: NO_IMAGE,
    package: {
      name: "keepalived",
      // Asks the balancer for its health.
      alsoNeeds: ["curl"],
      atLeast: "2.2",
      units: ["keepalived.service"],
      user: "root",
      // It takes and gives up addresses, sends packets of a protocol of their own, and runs its script as somebody else.
      capabilities: ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SETUID", "CAP_SETGID", "CAP_KILL"],
      command: ["/usr/sbin/keepalived"],
    },
    files: [
      {
        path: configPath,
        content: keepalivedConfig(instances, { address, interface: device, routerId }),
        mode: 0o444,
        onChange: "reload",
        // In 2.2.7 a test ends by SIGTERM to itself when scripts have a user: it takes the parent that it never noted for
        // dead (acassen/keepalived#2617). In a process namespace of its own there is none.
        check: ["unshare", "--pid", "--fork", "keepalived", "--config-test", ...forInstance],
      },
    ],
    process: {
      args: [
        ...["--dont-fork", "--log-console", "--no-syslog", "--vrrp"],
        ...["--pid", pid, "--vrrp_pid", vrrpPid],
        ...forInstance,
      ],
      environment: {},
      user: "root",
      userId: 0,
      groupId: 0,
      expectedMemoryMiB: 32,
      // It gives the address up and says so, which is quicker than being missed.
      stopSignal: "SIGTERM",
      stopGraceSeconds: 5,
      openFiles: 1024,
    },
    reloadSignal: "SIGHUP",
    ports: [],
    data: [],
    health: {
      // That the process lives that does the work: without the address it is well, too.
      probe: { kind: "command", command: ["/bin/sh", "-c", `kill -0 "$(cat ${vrrpPid})"`] },
      intervalSeconds: 5,
      timeoutSeconds: 3,
      retries: 3,
      startPeriodSeconds: 10,
    },
    connectsTo: [],
    startsAfter: ["balancer"],
    startOrder: "together",
    scrape: [],
    alerts: [],
    notes: [
      `Clients come to ${address.split("/")[0]}. It is on one balancer's host; when that balancer has no broker or the host is ` +
        "gone, it moves to the other within seconds, and clients connect again.",
      "The hosts of the balancers must let VRRP (IP protocol 112) through to each other, and their network must let an address move: many clouds do not.",
      "Nothing watches keepalived itself: while it is down on one host, the address cannot move there.",
    ],
  };
}
