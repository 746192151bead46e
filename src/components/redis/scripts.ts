import { REDIS_PORT, type RedisPaths } from "./paths";
import { READY_FUNCTION, SESSION_FUNCTION, SESSION_LIBRARY } from "./session-function";

/**
 * redis-cli ends with status 0 after an error of the server unless told otherwise (-e), and takes the password from the
 * environment, where only its own user can see it.
 */
const CLI = "redis-cli -e --no-auth-warning";

/**
 * Redis becomes the process that was started, so stop signals and exit statuses are its own; what remains to be done is
 * done beside it, through a socket that only Redis' user may open.
 *
 * Loading the functions fails when the memory is full; those of the last run, which Redis keeps with its data, will do
 * then, because brokers must still be able to read credentials.
 *
 * Redis is the parent of what ran beside it, and will once say "detected child with unmatched pid": that is this.
 */
export function startScript(paths: RedisPaths): string {
  return `#!/bin/sh
set -eu
umask 0077

redis() {
  REDISCLI_AUTH=$(cat ${paths.adminPassword}) ${CLI} --user admin -s ${paths.socket} "$@"
}

load_functions() {
  redis -x FUNCTION LOAD REPLACE < ${paths.library} ||
    redis FUNCTION LIST LIBRARYNAME ${SESSION_LIBRARY} | grep -q -x ${SESSION_FUNCTION}
}

prepare() {
  until redis PING > /dev/null 2>&1; do
    # $$ is Redis: nothing is left to do when it is gone.
    kill -0 $$ 2> /dev/null || return 1
    sleep 0.2
  done
  until load_functions && redis CONFIG SET port ${REDIS_PORT}; do
    kill -0 $$ 2> /dev/null || return 1
    sleep 5
  done
}

prepare &
exec redis-server ${paths.config}
`;
}

/** Over TCP, so that it proves what others depend on: the port is open, the functions are there, writes are accepted. */
export function healthScript({ monitorPassword }: RedisPaths): string {
  return `#!/bin/sh
REDISCLI_AUTH=$(cat ${monitorPassword})
export REDISCLI_AUTH
exec ${CLI} --user monitor -h 127.0.0.1 -p ${REDIS_PORT} FCALL ${READY_FUNCTION} 0
`;
}
