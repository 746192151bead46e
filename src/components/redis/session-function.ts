/** The functions that keep the copy of every session; Redis runs them, one at a time, so each event is one atomic step. */
export const SESSION_LIBRARY = "mqtt_session";

/** `FCALL session_event 0 <event as JSON>` */
export const SESSION_FUNCTION = "session_event";

/** Answers OK when the functions are loaded and Redis accepts writes; touches no key. */
export const READY_FUNCTION = "session_ready";

/**
 * Lua, because comparing and writing must be one step: the "disconnected" of the node that a client left may arrive
 * after the "connected" of the node that it went to, and must not overwrite it.
 *
 * What is kept, and when it goes:
 *
 *   mqtt:client:<id>   state, node, username, peername, connected_at, session_since, clean_start, expiry_interval,
 *                      and after the end disconnected_at, reason
 *   mqtt:sub:<id>      topic filter -> QoS
 *
 * EMQX has no event for the end of a session. It follows from other events: a connection with a clean start ends the
 * session before; "discarded" and "kicked" end it; and a session expires its expiry interval after its connection, which
 * is how long the keys live then. A client stays listed for a day beyond, so that its last state can be looked up, and
 * clients that choose a new id each time do not fill the memory.
 *
 * Which of two connections is the later one is told by `connected_at`, so the nodes' clocks must agree more closely than
 * the time that a client needs to connect again.
 *
 * The names of keys follow from the event, so none is declared to FCALL: a single Redis allows that, a Redis cluster
 * does not. The caller's ACL holds inside as well.
 */
export const SESSION_LUA = `#!lua name=${SESSION_LIBRARY}

local DAY = 24 * 60 * 60
local NEVER = 4294967295 -- expiry interval 0xFFFFFFFF of MQTT 5

local function text(value)
  if value == nil or value == cjson.null then
    return ''
  end
  return tostring(value)
end

local function read_client(key)
  local values = redis.call('HMGET', key,
    'state', 'node', 'peername', 'connected_at', 'session_since', 'expiry_interval')
  return {
    state = values[1],
    node = values[2],
    peername = values[3],
    connected_at = tonumber(values[4] or 0),
    session_since = tonumber(values[5] or 0),
    expiry_interval = tonumber(values[6] or ''),
  }
end

local function same_connection(event, client)
  return event.connected_at == client.connected_at
    and text(event.node) == client.node and text(event.peername) == client.peername
end

local function connected(event, client_key, subscriptions_key, client)
  if event.connected_at < client.connected_at then
    return 0 -- the client has connected again since
  end
  if same_connection(event, client) then
    return 0 -- known already: a repeated request, or one that comes after the end of its connection
  end
  if event.clean_start == true then
    redis.call('DEL', subscriptions_key)
    redis.call('HSET', client_key, 'session_since', text(event.connected_at))
  end
  redis.call('HDEL', client_key, 'disconnected_at', 'reason')
  redis.call('HSET', client_key,
    'state', 'connected',
    'node', text(event.node),
    'username', text(event.username),
    'peername', text(event.peername),
    'connected_at', text(event.connected_at),
    'clean_start', text(event.clean_start),
    'expiry_interval', text(event.expiry_interval))
  redis.call('PERSIST', client_key)
  redis.call('PERSIST', subscriptions_key)
  return 1
end

-- Seconds that the session outlives this connection; a DISCONNECT packet may have changed the interval.
local function remaining(event, client)
  local properties = event.disconn_props
  local changed = type(properties) == 'table' and tonumber(properties['Session-Expiry-Interval'])
  if event.reason == 'discarded' or event.reason == 'kicked' then
    return 0
  elseif event.reason == 'takenover' then
    return DAY -- the session lives on with the client's next connection, whose event makes its keys lasting again
  elseif changed then
    return changed
  elseif same_connection(event, client) and client.expiry_interval then
    return client.expiry_interval
  end
  return DAY -- its "connected" never arrived
end

local function disconnected(event, client_key, subscriptions_key, client)
  if event.connected_at <= client.connected_at and not same_connection(event, client) then
    return 0 -- the client is connected again, perhaps to another node
  end
  redis.call('HSET', client_key,
    'state', 'disconnected',
    'node', text(event.node),
    'username', text(event.username),
    'peername', text(event.peername),
    'connected_at', text(event.connected_at),
    'disconnected_at', text(event.disconnected_at),
    'reason', text(event.reason))
  local seconds = remaining(event, client)
  if seconds == 0 then
    redis.call('DEL', subscriptions_key)
    redis.call('EXPIRE', client_key, DAY)
  elseif seconds < NEVER then
    redis.call('EXPIRE', subscriptions_key, seconds)
    redis.call('EXPIRE', client_key, seconds + DAY)
  end
  return 1
end

local function subscribed(event, _, subscriptions_key, client)
  if event.timestamp < client.session_since then
    return 0 -- of a session that a clean start has ended
  end
  redis.call('HSET', subscriptions_key, text(event.topic), text(event.qos))
  if client.state ~= 'connected' then
    redis.call('EXPIRE', subscriptions_key, DAY, 'NX') -- what comes late must not stay for ever
  end
  return 1
end

local function unsubscribed(event, _, subscriptions_key, client)
  if event.timestamp < client.session_since then
    return 0
  end
  redis.call('HDEL', subscriptions_key, text(event.topic))
  return 1
end

-- What each event must carry for its handler to be right.
local HANDLERS = {
  ['client.connected'] = { run = connected, numbers = { 'connected_at' }, texts = { 'node' } },
  ['client.disconnected'] = { run = disconnected, numbers = { 'connected_at' }, texts = { 'node' } },
  ['session.subscribed'] = { run = subscribed, numbers = { 'timestamp', 'qos' }, texts = { 'topic' } },
  ['session.unsubscribed'] = { run = unsubscribed, numbers = { 'timestamp' }, texts = { 'topic' } },
}

local function check(event, names, wanted)
  for _, name in ipairs(names) do
    if type(event[name]) ~= wanted then
      error('session event: ' .. name .. ' must be a ' .. wanted, 0)
    end
  end
end

-- Answers 1, or 0 for an event that a later one has made obsolete.
redis.register_function('${SESSION_FUNCTION}', function(_, arguments)
  local event = cjson.decode(arguments[1])
  local handler = HANDLERS[event.event]
  if not handler then
    error('session event: unknown event ' .. text(event.event), 0)
  end
  check(event, { 'clientid' }, 'string')
  check(event, handler.texts, 'string')
  check(event, handler.numbers, 'number')
  local client_key = 'mqtt:client:' .. event.clientid
  return handler.run(event, client_key, 'mqtt:sub:' .. event.clientid, read_client(client_key))
end)

-- Declared neither read-only nor allowed when memory is full, so that Redis refuses it whenever it refuses session events.
redis.register_function('${READY_FUNCTION}', function()
  return redis.status_reply('OK')
end)
`;
