import { BALANCER_METRICS_PORT } from "../../definition/cross-checks";
import type { VirtualAddress } from "../../placement/placement";
import type { Instance } from "../../workload";

/**
 * One file for all: a line that begins with `@NAME` counts for the instance of that name only, one that begins with
 * `@^NAME` for all others.
 *
 * Nobody preempts: an address that went back to a host that has recovered would cut every client a second time.
 */
export function keepalivedConfig(instances: readonly Instance[], virtual: VirtualAddress): string {
  const peers = instances.map(({ name, host }) => `    @^${name} ${host}`);
  return `global_defs {
  script_user nobody nogroup
  enable_script_security
}

vrrp_script balancer {
  script "/usr/bin/curl --silent --fail --output /dev/null http://127.0.0.1:${BALANCER_METRICS_PORT}/health"
  interval 1
  timeout 2
  fall 2
  rise 2
}

vrrp_instance clients {
  state BACKUP
  nopreempt
  interface ${virtual.interface}
  virtual_router_id ${virtual.routerId}
  advert_int 1
${instances.map(({ name }, index) => `  @${name} priority ${priority(index)}`).join("\n")}
${instances.map(({ name, host }) => `  @${name} unicast_src_ip ${host}`).join("\n")}
  unicast_peer {
${peers.join("\n")}
  }
  virtual_ipaddress {
    ${virtual.address}
  }
  track_script {
    balancer
  }
}
`;
}

/** Far enough apart that of two that start together the first is clearly sooner: the wait depends on it. */
function priority(index: number): number {
  return 150 - 50 * index;
}
