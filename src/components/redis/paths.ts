import type { Placement } from "../../placement/placement";

export const REDIS_PORT = 6379;

/** Where everything of Redis lies. */
export interface RedisPaths {
  readonly config: string;
  readonly users: string;
  readonly library: string;
  readonly start: string;
  readonly health: string;
  readonly adminPassword: string;
  readonly monitorPassword: string;
  readonly data: string;
  readonly socket: string;
}

export function redisPaths({ folder }: Pick<Placement, "folder">): RedisPaths {
  const configuration = folder("session-store", "configuration", "/etc/redis");
  return {
    config: `${configuration}/redis.conf`,
    users: `${configuration}/users.acl`,
    library: `${configuration}/session.lua`,
    start: `${configuration}/start.sh`,
    health: `${configuration}/health.sh`,
    adminPassword: `${configuration}/admin.password`,
    monitorPassword: `${configuration}/monitor.password`,
    data: folder("session-store", "data", "/data"),
    // In its image, beside the data: the one folder there that Redis may write to wherever it runs.
    socket: `${folder("session-store", "runtime", "/data")}/redis.sock`,
  };
}
