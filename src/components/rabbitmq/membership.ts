import { INSTANCE_HOST, PEER_HOST } from "../../formats/references";
import type { Membership } from "../../workload";
import type { BrokerInterface } from "../broker-interface";
import type { RabbitmqPaths } from "./config";

export function rabbitmqMembership({ membership }: RabbitmqPaths, nodes: number): Membership {
  return {
    sees: ["sh", membership, "sees", PEER_HOST],
    // A single node has nobody to send its clients to.
    ...(nodes > 1 && { drain: ["sh", membership, "drain"] }),
    release: ["sh", membership, "release", PEER_HOST],
    forget: ["sh", membership, "forget", PEER_HOST],
    leave: ["sh", membership, "leave", INSTANCE_HOST],
    httpsGet: ["sh", membership, "https-get"],
  };
}

/**
 * `rabbitmq-upgrade drain` closes the clients of all nodes before 3.10.10 and 3.11.8, and stops the replicas of queues that
 * `release` has to copy; `rabbitmq-queues grow` and `shrink` leave queues with two replicas, and end with status 0 whatever
 * went wrong. So this calls what they call.
 */
export function membershipScript({ tcpPort, ws }: BrokerInterface): string {
  return `# Usage: membership sees|release|forget PEER_HOST, membership drain, membership leave OWN_HOST,
# membership https-get URL TOKEN_FILE AUTHORITY_FILE
# Prints why it fails.
set -eu
peer=rabbit@\${2:-}

# Debian's wrappers, found first elsewhere, take another cookie when they see one.
ctl() { PATH="/usr/lib/rabbitmq/bin:$PATH" rabbitmqctl --silent "$@"; }

# An expression about P, the peer, that fails when something is wrong.
erlang() { ctl eval "P = binary_to_atom(_1, utf8), $1." "$peer"; }

fail() {
  echo "$*" >&2
  exit 1
}

is_true() {
  answer=$(erlang "$1") || fail "$answer"
  [ "$answer" = true ]
}

# Closed again and again, because one may be about to log in; after ten seconds also those that never do.
drain() {
  erlang '
    Close = case erlang:function_exported(rabbit_mqtt, close_local_client_connections, 1) of
      true -> fun() -> rabbit_mqtt:close_local_client_connections(maintenance) end;
      false -> fun() ->
        [rabbit_mqtt_reader:close_connection(C, maintenance) || {_, C} <- rabbit_mqtt_collector:list(), node(C) =:= node()]
      end
    end,
    Connections = fun() ->
      lists:append([ranch:procs(L, connections) ||
        {acceptor, _, Port} = L <- maps:keys(ranch:info()), lists:member(Port, [${[tcpPort, ...(ws ? [ws.port] : [])].join(", ")}])])
    end,
    Wait = fun
      Wait([], _) -> ok;
      Wait(Left, 0) -> error({clients_left, length(Left)});
      Wait(Left, Seconds) ->
        if Seconds > 20 -> Close(); true -> [exit(C, kill) || C <- Left] end,
        timer:sleep(1000),
        Wait(Connections(), Seconds - 1)
    end,
    rabbit_maintenance:suspend_all_client_listeners(),
    Wait(Connections(), 30)' >/dev/null
}

# Every queue gets replicas on three nodes that stay, as far as there are so many, before it loses the one on the peer: so a
# majority has all messages at all times. What is done already is left alone. A queue without a leader answers after five seconds that
# it has none, and is asked again for a minute.
hand_over() {
  erlang '
    Staying = rabbit_nodes:all_running() -- [P],
    Now = fun() -> erlang:monotonic_time(second) end,
    Change = fun Change(F, Until) ->
      case F() of
        {error, Reason} when Reason =/= timeout ->
          case Now() < Until of
            true -> timer:sleep(200), Change(F, Until);
            false -> {error, Reason}
          end;
        Result -> Result
      end
    end,
    Keep = fun Keep({resource, VHost, queue, Name} = Queue, Members) ->
      Rest = Members -- [P],
      Up = length([M || M <- Rest, lists:member(M, Staying)]),
      Spare = Staying -- Rest,
      if
        Spare =/= [], length(Rest) < 3 orelse 2 * Up =< length(Rest) ->
          New = lists:nth(rand:uniform(length(Spare)), Spare),
          Add = fun() -> rabbit_quorum_queue:add_member(VHost, Name, New, 15000) end,
          case Change(Add, Now() + 60) of
            ok -> Keep(Queue, [New | Members]);
            Error -> [{Name, Error}]
          end;
        Rest =:= Members -> [];
        2 * Up =< length(Rest) -> [{Name, {no_majority_without, P}}];
        true ->
          Remove = fun() -> rabbit_quorum_queue:delete_member(VHost, Name, P) end,
          case Change(Remove, Now() + 60) of
            ok -> [];
            Error -> [{Name, Error}]
          end
      end
    end,
    Replicas = fun(Q) -> proplists:get_value(members, rabbit_amqqueue:info(Q, [members])) end,
    Queues = [Q || Q <- rabbit_amqqueue:list(), amqqueue:get_type(Q) =:= rabbit_quorum_queue],
    Share = fun(N) -> [Q || {Number, Q} <- lists:zip(lists:seq(1, length(Queues)), Queues), Number rem 16 =:= N] end,
    Workers = [
      spawn_monitor(fun() -> exit({done, lists:append([Keep(amqqueue:get_name(Q), Replicas(Q)) || Q <- Share(N)])}) end)
      || N <- lists:seq(0, 15)
    ],
    Result = fun({Pid, Monitor}) ->
      receive
        {_, Monitor, process, Pid, {done, Failed}} -> Failed;
        {_, Monitor, process, Pid, Reason} -> [Reason]
      end
    end,
    case lists:flatmap(Result, Workers) of
      [] -> ok;
      Failed -> error({queues_not_moved, length(Failed), lists:sublist(Failed, 10)})
    end' >/dev/null
}

# The group in which MQTT clients are known (3.10 and 3.11): a member that is gone counts in every vote.
leave_mqtt_group() {
  erlang '
    Members = fun() -> {ok, M, _} = ra:members({mqtt_node, node()}), M end,
    case whereis(mqtt_node) =/= undefined andalso lists:member({mqtt_node, P}, Members()) of
      false -> ok;
      true -> rabbit_mqtt_collector:leave(_1), false = lists:member({mqtt_node, P}, Members()), ok
    end' >/dev/null
}

# Of two, the one that stays would pause itself as soon as the other one ends, and could not strike it off any more. That the
# other one's Erlang machine runs is enough to keep it going.
part_from_only_peer() {
  is_true 'lists:sort(rabbit_nodes:all()) =:= lists:sort([node(), P])' || return 0
  erlang 'ok = rpc:call(P, rabbit, stop, [])' >/dev/null
  strike_off
}

strike_off() {
  if is_true 'lists:member(P, rabbit_nodes:all())'; then
    ctl forget_cluster_node "$peer"
    ! is_true 'lists:member(P, rabbit_nodes:all())' || fail "$peer is a member still"
  fi
}

# A host without power is missed only after the net tick time.
await_end() {
  for _ in $(seq 75); do
    is_true 'lists:member(P, rabbit_nodes:all_running())' || return 0
    sleep 2
  done
  fail "$peer still runs: stop it first"
}

# What others do for a peer, this node has another one do for it: whichever answers. One that sees nobody may be the one that
# is cut off.
leave() {
  answer=$(erlang '
    Others = rabbit_nodes:all() -- [P],
    Running = rabbit_nodes:all_running() -- [P],
    true = Others =:= [] orelse Running =/= [],
    [io:format("~s~n", [N]) || N <- Running],
    ok')
  others=$(echo "$answer" | grep @) || return 0
  drain
  by_another release "$1"
  ctl stop_app
  until by_another forget "$1"; do sleep 5; done
}

by_another() {
  for other in $others; do
    ! RABBITMQ_NODENAME=$other sh "$0" "$@" || return 0
  done
  echo "none of the other nodes could $1 $2" >&2
  return 1
}

https_get() {
  ctl eval '
    {ok, Token} = file:read_file(_2),
    {ok, _} = application:ensure_all_started(inets),
    Authorization = "Bearer " ++ string:trim(binary_to_list(Token)),
    MatchHost = public_key:pkix_verify_hostname_match_fun(https),
    Tls = [{verify, verify_peer}, {cacertfile, binary_to_list(_3)}, {customize_hostname_check, [{match_fun, MatchHost}]}],
    Request = {binary_to_list(_1), [{"authorization", Authorization}]},
    {ok, {_, _, Body}} = httpc:request(get, Request, [{ssl, Tls}, {timeout, 10000}], []),
    io:format("~s~n", [Body]).' "$@"
}

case $1 in
  sees) is_true 'lists:member(P, rabbit_nodes:all_running())' || fail "$peer is not among the running members" ;;
  drain) drain ;;
  leave) leave "$2" ;;
  https-get) shift && https_get "$@" ;;
  release)
    hand_over
    leave_mqtt_group
    part_from_only_peer
    ;;
  forget)
    await_end
    hand_over
    leave_mqtt_group
    strike_off
    ;;
esac; exit
`;
}
