import { isBusinessEmqx } from "../../definition/cross-checks";
import { INSTANCE_HOST, PEER_HOST } from "../../formats/references";
import type { Placement } from "../../placement/placement";
import type { Membership } from "../../workload";
import type { EmqxCluster } from "./config";
import { type EmqxPlaces, nodeName } from "./places";

export function emqxMembership({ membership }: EmqxPlaces, nodes: number): Membership {
  const command = (what: string, ...peer: string[]) => ["bash", membership, what, ...peer];
  return {
    sees: command("sees", PEER_HOST),
    // A single node has nobody to send its clients to.
    ...(nodes > 1 && { drain: command("drain") }),
    forget: command("forget", PEER_HOST),
    leave: command("leave", INSTANCE_HOST),
    httpsGet: command("https-get"),
  };
}

/** Answers of `emqx ctl` are read: it ends with status 0 whatever went wrong. */
export function membershipScript({ broker }: EmqxCluster, { software }: Pick<Placement, "software">): string {
  return `#!/bin/bash
# Usage: membership sees|forget PEER_HOST, membership drain, membership leave OWN_HOST,
# membership https-get URL TOKEN_FILE AUTHORITY_FILE
# Prints why it fails.
set -eu
peer=${nodeName("${2:-}")}

fail() {
  echo "$*" >&2
  exit 1
}

is_true() {
  answer=$(emqx eval "$1." 2>&1) || fail "$answer"
  [ "$answer" = true ]
}

${isBusinessEmqx(broker.version) ? evacuation(broker.listeners) : disconnection(broker.listeners, software === "image")}
# A host without power is missed only after the net tick time.
await_end() {
  for _ in {1..75}; do
    is_true "lists:member('$peer', emqx:running_nodes())" || return 0
    sleep 2
  done
  fail "$peer still runs: stop it first"
}

# A node that leaves while it runs is a cluster of its own at once, and takes clients. So the others are told to strike this
# one off as soon as it has stopped. One that sees nobody may be the one that is cut off.
leave() {
  drain
  answer=$(emqx eval '
    begin
      Me = node(),
      Others = emqx:running_nodes() -- [Me],
      true = Others =/= [] orelse mria:cluster_nodes(all) =:= [Me],
      Strike = fun
        Strike(0) -> ok;
        Strike(Seconds) ->
          timer:sleep(1000),
          case lists:member(Me, emqx:running_nodes()) of
            true -> Strike(Seconds - 1);
            false -> ekka:force_leave(Me)
          end
      end,
      [spawn(Other, fun() -> Strike(600) end) || Other <- Others],
      ok
    end.' 2>&1) || fail "$answer"
  [ "$answer" = ok ] || fail "$answer"
}

# The token on standard input: whoever looks at processes sees their arguments.
https_get() {
  printf 'header = "Authorization: Bearer %s"\n' "$(cat "$2")" | curl -fsS --max-time 10 --cacert "$3" --config - "$1"
}

case $1 in
  sees) is_true "lists:member('$peer', emqx:running_nodes())" || fail "$peer is not among the running members" ;;
  drain) drain ;;
  leave) leave ;;
  https-get) https_get "$2" "$3" "$4" ;;
  forget)
    await_end
    if is_true "lists:member('$peer', mria:cluster_nodes(all))"; then
      answer=$(emqx ctl cluster force-leave "$peer" 2>&1) || fail "$answer"
      ! is_true "lists:member('$peer', mria:cluster_nodes(all))" || fail "$answer"
    fi
    ;;
esac; exit
`;
}

interface Listeners {
  readonly wsPort: number;
  readonly internalPort: number;
}

/**
 * Open-source EMQX can only stop its listeners, and with them every session dies. Here clients are told to go (MQTT 5) and
 * cut off while their sessions stay, so that they take them along to the node where they connect again.
 *
 * @param noticed By balancers, which nobody else tells: the page that they ask is gone for as long as it takes three checks
 *   to fail. Otherwise they would send every new client here, where the fewest are.
 */
function disconnection({ wsPort }: Listeners, noticed: boolean): string {
  return `drain() {
  answer=$(emqx eval '
    begin
      ${noticed ? "emqx_dashboard:stop_listeners(),\n      timer:sleep(5000),\n      " : ""}[esockd:set_max_connections(L, 0) || {L, _} <- esockd:listeners()],
      ${wsPort === 0 ? "" : `ranch:suspend_listener(list_to_existing_atom("ws:default")),`}
      Live = fun() ->
        emqx_utils_stream:consume(emqx_cm:live_connection_stream([emqx_connection, emqx_ws_connection]))
      end,
      Cut = fun
        Cut([], _) -> ok;
        Cut(Left, 0) -> error({clients_left, length(Left)});
        Cut(Left, Seconds) ->
          [Pid ! {disconnect, 16#9c, use_another_server, #{}} || Pid <- Left],
          timer:sleep(1000),
          Cut(Live(), Seconds - 1)
      end,
      Cut(Live(), 20),
      Settle = fun Settle(Before, Seconds) ->
        timer:sleep(2000),
        case emqx_cm:get_sessions_count() of
          Now when Now =:= 0; Now =:= Before; Seconds =< 0 -> ok;
          Now -> Settle(Now, Seconds - 2)
        end
      end,
      Settle(-1, 10)
    end.' 2>&1) || fail "$answer"
  [ "$answer" = ok ] || fail "$answer"
}
`;
}

/** The sessions of clients that are away go, too. An evacuation would go on after a restart: it is stopped when it is done. */
function evacuation({ wsPort, internalPort }: Listeners): string {
  const listeners = [
    "tcp:default",
    ...(internalPort === 0 ? [] : ["tcp:internal"]),
    ...(wsPort === 0 ? [] : ["ws:default"]),
  ];
  return `drain() {
  emqx ctl rebalance start --evacuation --wait-health-check 1 --wait-takeover 5 \\
    --conn-evict-rate 5000 --sess-evict-rate 5000
  for _ in {1..20}; do
    status=$(emqx ctl rebalance node-status)
    case $status in
      *'state: prohibiting'*)
        for listener in ${listeners.join(" ")}; do emqx ctl listeners stop "$listener"; done
        emqx ctl rebalance stop
        return
        ;;
    esac
    sleep 1
  done
  fail "$status"
}
`;
}
