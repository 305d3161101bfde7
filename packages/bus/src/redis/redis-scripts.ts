import { createHash } from 'node:crypto';

/** A Lua script and the digest the server knows it by. Keys are always passed, loops are bounded by their arguments. */
export interface RedisScript {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

/** Names a script and takes its digest. */
export const script = (name: string, source: string): RedisScript => ({
  name,
  source,
  sha: createHash('sha1').update(source).digest('hex'),
});

/** Lua: the clock as `now`, in ms. */
export const NOW = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

/**
 * Admission and append in one step. Refused up front when Redis is over its memory limit (no `allow-oom`).
 * It counts first and takes back what it refuses: the way of what is admitted is four commands, no text made of numbers.
 * Counters heal themselves: an empty stream holds nothing, whatever the hash says.
 */
export const APPEND = script(
  'append',
  `#!lua
-- KEYS[1] stream  KEYS[2] counters  [KEYS[3] live zset  KEYS[4] restarting mark]
-- ARGV[1] entry  ARGV[2] frames  ARGV[3] bytes of the entry  ARGV[4] most frames  ARGV[5] most bytes
-- returns {1, live consumers} | {0, frames held, frames settled per second} when full | {-1} when nobody is there
local live = 0
if KEYS[3] then
  live = redis.call('ZCARD', KEYS[3])
  if live == 0 and redis.call('EXISTS', KEYS[4]) == 0 then return {-1} end
end
local frames = redis.call('HINCRBY', KEYS[2], 'frames', ARGV[2])
local bytes = redis.call('HINCRBY', KEYS[2], 'bytes', ARGV[3])
if frames > tonumber(ARGV[4]) or bytes > tonumber(ARGV[5]) then
  if redis.call('XLEN', KEYS[1]) == 0 then
    frames, bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
    redis.call('HSET', KEYS[2], 'frames', ARGV[2], 'bytes', ARGV[3])
  end
  if frames > tonumber(ARGV[4]) or bytes > tonumber(ARGV[5]) then
    local held = redis.call('HINCRBY', KEYS[2], 'frames', '-' .. ARGV[2])
    redis.call('HINCRBY', KEYS[2], 'bytes', '-' .. ARGV[3])
    return {0, held, math.floor(tonumber(redis.call('HGET', KEYS[2], 'rate') or '0'))}
  end
end
redis.call('XADD', KEYS[1], '*', 'n', ARGV[2], 'f', ARGV[1])
return {1, live}`,
);

/** Creates the group if it is missing, at 0: what remains in the stream is unsettled. Renews the consumer's presence. */
export const JOIN = script(
  'join',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] live zset
-- ARGV[1] group  ARGV[2] consumer  ARGV[3] lease ms
-- returns 1 when the group was made, else 0
local missing = redis.pcall('XPENDING', KEYS[1], ARGV[1]).err ~= nil
if missing then
  local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
  if made.err then return made end
end
${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[2], string.format('%.0f', now + tonumber(ARGV[3])), ARGV[2])
-- The last one's presence ends with the key, so that a count of the members is the count of the living.
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return missing and 1 or 0`,
);

/**
 * Renews the presence of every consumer of a shard in one call. Groups are not looked after: whoever reads one that is
 * gone is told by its read. Now and then the clock is asked and names that are gone are removed; in between a renewal
 * costs Redis two commands for each set.
 */
export const HEARTBEAT = script(
  'heartbeat',
  `#!lua flags=allow-oom
-- KEYS live zsets, at most 128
-- ARGV[1] lease ms  ARGV[2] ms of Redis's clock, or '' to ask it and to tidy  ARGV[3…] consumer in each zset
-- returns {seconds, microseconds} of the clock when it was asked, else {}
local now, t, tidy = tonumber(ARGV[2]), {}, ARGV[2] == ''
if tidy then
  t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local ends = string.format('%.0f', now + tonumber(ARGV[1]))
for i = 1, #KEYS do
  if tidy then redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.0f', now)) end
  redis.call('ZADD', KEYS[i], ends, ARGV[i + 2])
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
end
return t`,
);

/** Ends a consumer: its presence, and its name in the group unless entries are still pending under it. */
export const LEAVE = script(
  'leave',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] live zset  KEYS[3] reclaim lease
-- ARGV[1] group  ARGV[2] consumer  ARGV[3] lease token
redis.call('ZREM', KEYS[2], ARGV[2])
if redis.call('GET', KEYS[3]) == ARGV[3] then redis.call('DEL', KEYS[3]) end
local mine = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if mine.err or #mine > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1`,
);

/** A work entry is deleted when every group has had it and none holds it pending. */
export const SETTLE_ENTRY = `local function compare(a, b)
  local am, as = string.match(a, '(%d+)-(%d+)'); local bm, bs = string.match(b, '(%d+)-(%d+)')
  if tonumber(am) ~= tonumber(bm) then return tonumber(am) - tonumber(bm) end
  return tonumber(as) - tonumber(bs)
end
local function others(stream, group)
  local found = {}
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local g = {}
    for i = 1, #info, 2 do g[info[i]] = info[i + 1] end
    if g['name'] ~= group then found[#found + 1] = g end
  end
  return found
end
local function wanted(stream, waiting, id)
  for _, g in ipairs(waiting) do
    if compare(id, g['last-delivered-id']) > 0 then return true end
    if #redis.call('XPENDING', stream, g['name'], id, id, 1) > 0 then return true end
  end
  return false
end
local function settle(stream, group, waiting, id)
  redis.call('XACK', stream, group, id)
  if #waiting > 0 and wanted(stream, waiting, id) then return 0 end
  return redis.call('XDEL', stream, id)
end
local function release(stream, counters, frames, bytes)
  ${NOW}
  local c = redis.call('HMGET', counters, 'frames', 'bytes', 'since', 'count', 'rate')
  local left = redis.call('XLEN', stream)
  local f, b = math.max((tonumber(c[1]) or 0) - frames, 0), math.max((tonumber(c[2]) or 0) - bytes, 0)
  if left == 0 then f, b = 0, 0 end
  local since, count, rate = tonumber(c[3]) or now, (tonumber(c[4]) or 0) + frames, tonumber(c[5]) or 0
  if now - since >= 1000 or now < since then
    local fresh = count * 1000 / math.max(now - since, 1000)
    rate = rate == 0 and fresh or rate / 2 + fresh / 2
    since, count = now, 0
  end
  redis.call('HSET', counters, 'frames', f, 'bytes', b, 'since', string.format('%.0f', since), 'count', count, 'rate', math.floor(rate))
end`;

/** Acknowledges and deletes up to 128 entries. An entry counts down once, however often it is settled. */
export const SETTLE = script(
  'settle',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] counters
-- ARGV[1] group  ARGV[2] '1' when several groups may read the stream  ARGV[3…] id, frames, bytes of each entry
-- returns how many entries were deleted
${SETTLE_ENTRY}
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local waiting = ARGV[2] == '1' and others(KEYS[1], ARGV[1]) or {}
local deleted, frames, bytes = 0, 0, 0
for i = 3, #ARGV, 3 do
  if settle(KEYS[1], ARGV[1], waiting, ARGV[i]) == 1 then
    deleted = deleted + 1
    frames = frames + tonumber(ARGV[i + 1])
    bytes = bytes + tonumber(ARGV[i + 2])
  end
end
release(KEYS[1], KEYS[2], frames, bytes)
return deleted`,
);

/** Copies an entry to the dead letters with its original bytes, then settles it. The oldest dead letters make room. */
export const DEAD_LETTER = script(
  'dead-letter',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] counters  KEYS[3] dead letters  KEYS[4] their counters
-- ARGV[1] group  ARGV[2] '1' when several groups may read the stream  ARGV[3] id  ARGV[4] frames  ARGV[5] reason
-- ARGV[6] attempt  ARGV[7] consumer  ARGV[8] most dead letters  ARGV[9] most bytes of them
-- returns {1 when moved or 0 when the entry was gone, dead letters dropped}
${SETTLE_ENTRY}
local found = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])
if #found == 0 then
  redis.pcall('XACK', KEYS[1], ARGV[1], ARGV[3])
  return {0, 0}
end
local entry, fields = '', found[1][2]
for i = 1, #fields, 2 do
  if fields[i] == 'f' then entry = fields[i + 1] end
end
redis.call('XADD', KEYS[3], '*', 'stream', KEYS[1], 'id', ARGV[3], 'reason', ARGV[5], 'attempt', ARGV[6],
  'consumer', ARGV[7], 'f', entry)
local bytes, dropped = redis.call('HINCRBY', KEYS[4], 'bytes', #entry), 0
while dropped < 128 and (redis.call('XLEN', KEYS[3]) > tonumber(ARGV[8]) or bytes > tonumber(ARGV[9])) do
  local oldest = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)[1]
  if not oldest then break end
  redis.call('XDEL', KEYS[3], oldest[1])
  for i = 1, #oldest[2], 2 do
    if oldest[2][i] == 'f' then bytes = redis.call('HINCRBY', KEYS[4], 'bytes', -#oldest[2][i + 1]) end
  end
  dropped = dropped + 1
end
if dropped > 0 then redis.call('HINCRBY', KEYS[4], 'dropped', dropped) end
local waiting = ARGV[2] == '1' and others(KEYS[1], ARGV[1]) or {}
if settle(KEYS[1], ARGV[1], waiting, ARGV[3]) == 1 then
  release(KEYS[1], KEYS[2], tonumber(ARGV[4]), #entry)
end
return {1, dropped}`,
);

/** Keeps entries a live consumer is still working on from being reclaimed; leaves alone what another took over. */
export const RENEW = script(
  'renew',
  `#!lua flags=allow-oom
-- KEYS[1] stream
-- ARGV[1] group  ARGV[2] consumer  ARGV[3…] ids, at most 128
for i = 3, #ARGV do
  local mine = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])
  if mine.err then return 0 end
  if #mine > 0 then redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID') end
end
return 1`,
);

/**
 * Takes over entries whose consumer has been silent. One holder of the lease per stream does it and keeps the cursor:
 * a scan examines ten times COUNT entries, so a cursor thrown away never gets past a long head of busy ones.
 */
export const RECLAIM = script(
  'reclaim',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] lease
-- ARGV[1] group  ARGV[2] consumer  ARGV[3] min idle ms  ARGV[4] count  ARGV[5] cursor  ARGV[6] token  ARGV[7] lease ms
-- returns {pending, held 0|1, next cursor, {id, attempt, frames, entry}…}; pending is -1 when there is no group
local summary = redis.pcall('XPENDING', KEYS[1], ARGV[1])
if summary.err then return {-1, 0, '0-0'} end
if summary[1] == 0 then return {0, 0, '0-0'} end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[6] then return {summary[1], 0, '0-0'} end
redis.call('SET', KEYS[2], ARGV[6], 'PX', ARGV[7])
local claim = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[5], 'COUNT', ARGV[4])
local result = {summary[1], 1, claim[1]}
for _, item in ipairs(claim[2]) do
  if item and item[2] then
    local state = redis.call('XPENDING', KEYS[1], ARGV[1], item[1], item[1], 1)[1]
    local frames, entry = '1', ''
    for i = 1, #item[2], 2 do
      if item[2][i] == 'n' then frames = item[2][i + 1] elseif item[2][i] == 'f' then entry = item[2][i + 1] end
    end
    result[#result + 1] = {item[1], state and state[4] or 1, frames, entry}
  end
end
return result`,
);

/** Gives a lease back to whoever comes next, if it is still ours. */
export const RELEASE = script(
  'release',
  `#!lua flags=allow-oom
-- KEYS[1] lease
-- ARGV[1] token
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`,
);

/** Removes names of consumers that are gone. Never one with pending entries: deleting it would destroy them. */
export const JANITOR = script(
  'janitor',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] live zset
-- ARGV[1] group  ARGV[2] most consumers looked at
-- returns how many were removed
${NOW}
local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if consumers.err then return 0 end
local removed = 0
for i = 1, math.min(#consumers, tonumber(ARGV[2])) do
  local c = {}
  for j = 1, #consumers[i], 2 do c[consumers[i][j]] = consumers[i][j + 1] end
  if c['pending'] == 0 and (tonumber(redis.call('ZSCORE', KEYS[2], c['name']) or '0') or 0) <= now then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], c['name'])
    removed = removed + 1
  end
end
return removed`,
);

/** Makes an inbox that is not there, and renews its lease. An empty stream without a group keeps its time to live. */
export const OPEN_INBOX = script(
  'open-inbox',
  `#!lua flags=allow-oom
-- KEYS[1] inbox  KEYS[2] counters
-- ARGV[1] lease ms
-- returns 1 when it was made, else 0
local made = redis.call('PEXPIRE', KEYS[1], ARGV[1]) == 0 and 1 or 0
if made == 1 then
  redis.call('XGROUP', 'CREATE', KEYS[1], 'make', '$', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', KEYS[1], 'make')
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  redis.call('HSET', KEYS[2], 'bytes', 0)
end
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return made`,
);

/** Appends to an inbox that is there. Nothing is made for an owner that is gone. */
export const APPEND_INBOX = script(
  'append-inbox',
  `#!lua
-- KEYS[1] inbox  KEYS[2] counters
-- ARGV[1] entry  ARGV[2] bytes of the entry  ARGV[3] most entries  ARGV[4] most bytes
-- returns 1 appended | 0 nobody there | -1 full
local bytes = redis.call('HINCRBY', KEYS[2], 'bytes', ARGV[2])
local length = redis.call('XLEN', KEYS[1])
if length == 0 and bytes > tonumber(ARGV[2]) then
  bytes = tonumber(ARGV[2])
  redis.call('HSET', KEYS[2], 'bytes', ARGV[2])
end
if length >= tonumber(ARGV[3]) or bytes > tonumber(ARGV[4]) then
  redis.call('HINCRBY', KEYS[2], 'bytes', '-' .. ARGV[2])
  return -1
end
if redis.call('XADD', KEYS[1], 'NOMKSTREAM', '*', 'f', ARGV[1]) then return 1 end
redis.call('DEL', KEYS[2])
return 0`,
);

/** Drops what the owner of an inbox has read. */
export const TRIM_INBOX = script(
  'trim-inbox',
  `#!lua flags=allow-oom
-- KEYS[1] inbox  KEYS[2] counters
-- ARGV[1] first id that stays  ARGV[2] bytes that were read
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local dropped = redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[1])
if redis.call('XLEN', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[2], 'bytes', 0)
else
  redis.call('HINCRBY', KEYS[2], 'bytes', -tonumber(ARGV[2]))
end
local lease = redis.call('PTTL', KEYS[1])
if lease > 0 then redis.call('PEXPIRE', KEYS[2], lease) end
return dropped`,
);

/**
 * Numbers and appends a hint; the oldest make room. The epoch names the life of the counter: after a restart without
 * data the numbers begin again, and a follower must not mistake that for an unbroken row.
 */
export const PUBLISH_HINT = script(
  'publish-hint',
  `#!lua
-- KEYS[1] hints  KEYS[2] counters
-- ARGV[1] entry  ARGV[2] most entries  ARGV[3] most bytes
-- returns the number of the hint
local epoch, id = redis.call('HGET', KEYS[2], 'epoch'), '*'
if not epoch then
  ${NOW}
  epoch = t[1] .. '.' .. t[2]
  redis.call('HSET', KEYS[2], 'epoch', epoch)
  -- A follower of the former life goes on behind its last id, which may be of this very millisecond.
  if redis.call('EXISTS', KEYS[1]) == 0 then id = string.format('%.0f-0', now + 1) end
end
local seq = redis.call('HINCRBY', KEYS[2], 'seq', 1)
redis.call('XADD', KEYS[1], id, 's', seq, 'e', epoch, 'f', ARGV[1])
local length, bytes, trimmed = redis.call('XLEN', KEYS[1]), 0, 0
if length == 1 then
  bytes = #ARGV[1]
  redis.call('HSET', KEYS[2], 'bytes', bytes)
else
  bytes = redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[1])
end
while trimmed < 128 and length > 1 and (length > tonumber(ARGV[2]) or bytes > tonumber(ARGV[3])) do
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  redis.call('XDEL', KEYS[1], oldest[1])
  bytes = redis.call('HINCRBY', KEYS[2], 'bytes', -#oldest[2][6])
  length = length - 1
  trimmed = trimmed + 1
end
return seq`,
);

/** Where the hints of a topic end now. */
export const HINT_END = script(
  'hint-end',
  `#!lua flags=no-writes,allow-oom
-- KEYS[1] hints  KEYS[2] counters
-- returns {number of the last hint, epoch, id of the last entry}
local state = redis.call('HMGET', KEYS[2], 'seq', 'epoch')
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
end
return {tonumber(state[1]) or 0, state[2] or '', last}`,
);

/** All of them: loaded on every new connection that writes. */
export const REDIS_SCRIPTS: readonly RedisScript[] = [
  APPEND,
  JOIN,
  HEARTBEAT,
  LEAVE,
  SETTLE,
  DEAD_LETTER,
  RENEW,
  RECLAIM,
  RELEASE,
  JANITOR,
  OPEN_INBOX,
  APPEND_INBOX,
  TRIM_INBOX,
  PUBLISH_HINT,
  HINT_END,
];
