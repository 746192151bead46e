import { READ_ACCESS, WRITE_SESSIONS } from "./access-control";
import { SESSION_LIBRARY, SESSION_LUA } from "./session-function";

/** Ends the library in the script; no line of Lua can be the same. */
const END = "END-OF-LIBRARY";

/**
 * What brokers need of a Redis that somebody else runs. Passwords come by the environment and go on by standard input: a
 * command line can be read by every user of the machine, and is kept by the shell.
 *
 * The user `default` is left alone, and nothing is written to redis.conf: both are somebody else's.
 */
export function setupScript(): string {
  const user = (name: string, rules: string, variable: string) =>
    `printf '>%s' "$${variable}" | redis "$@" -x ACL SETUSER ${name} reset on ${quoted(rules)}`;
  return `#!/bin/sh
# Makes a Redis (7.0 or later) ready for SessionStore.existingRedis(): the users writer and access, and the library of
# functions ${SESSION_LIBRARY}. It may be run again, with new passwords or a newer library.
#
# Arguments are those of redis-cli, as a user who may do all this: sh setup.sh -h redis.example.com --user admin
# The environment holds that user's password in REDISCLI_AUTH, and those to set in WRITER_PASSWORD and ACCESS_PASSWORD.
set -eu
: "\${WRITER_PASSWORD:?is the password of the user writer}" "\${ACCESS_PASSWORD:?is the password of the user access}"

redis() {
  redis-cli -e --no-auth-warning "$@"
}

redis "$@" -x FUNCTION LOAD REPLACE << '${END}'
${SESSION_LUA}${END}
${user("writer", WRITE_SESSIONS, "WRITER_PASSWORD")}
${user("access", READ_ACCESS, "ACCESS_PASSWORD")}

# Functions are kept with the data, users are not.
if ! redis "$@" ACL SAVE > /dev/null 2>&1; then
  echo "Redis has no file of users: these are gone when it restarts, unless CONFIG REWRITE or you write them to redis.conf" >&2
fi
`;
}

/** Patterns of keys are patterns of files to a shell. */
function quoted(rules: string): string {
  return rules.replace(/\S*[~*&]\S*/g, "'$&'");
}
