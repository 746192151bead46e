import type { RedisDefinition } from "../../definition/cluster";
import type { RedisPaths } from "./paths";

/** Each broker reads credentials and rules over 16 connections, Webdis writes over 8; the rest is for other readers. */
export const MAX_CLIENTS = 1000;

export function redisConfig(redis: RedisDefinition, paths: RedisPaths): string {
  return `# Every interface; but the TCP port is opened by the start script only when the data is loaded and the session functions
# are there. Before that Redis would answer errors, which EMQX takes for success: Webdis sends them with status 200.
bind * -::*
port 0
unixsocket ${paths.socket}
unixsocketperm 700
protected-mode yes
aclfile ${paths.users}

maxclients ${MAX_CLIENTS}
# Finds clients that vanished without a word; idle ones are left alone.
tcp-keepalive 60
timeout 0
databases 1

# A full memory refuses new sessions and raises an alert. Any other policy would throw sessions, or users, away in silence.
maxmemory ${redis.memory}
maxmemory-policy noeviction

# Every write is in the log on disc after a second. Snapshots would add a fork and no safety.
dir ${paths.data}
appendonly yes
appendfsync everysec
save ""

daemonize no
logfile ""
`;
}
