import { GIVE_BACK, HEARTBEAT, JOIN, NOTE } from './redis-pending-scripts.ts';
import { DEAD_LETTER, DROP_LETTERS, LIST_LETTERS, REPLAY_LETTER } from './redis-letter-scripts.ts';
import { NOW, type RedisScript, script, SETTLE_ENTRY } from './redis-script.ts';

/**
 * Admission and append in one step. Refused up front when Redis is over its memory limit (no `allow-oom`).
 * It counts first and takes back what it refuses: the way of what is admitted is four commands, no text made of numbers.
 * Counters heal themselves: an empty stream holds nothing, whatever the hash says.
 */
export const APPEND = script(
  'append',
  `#!lua
-- KEYS[1] stream  KEYS[2] counters  [KEYS[3] live zset  KEYS[4] restarting mark]
-- ARGV[1] most frames  ARGV[2] most bytes  ARGV[3] longest wait in ms, 0 for any  ARGV[4] frames taken whatever the wait
-- ARGV[5] frames  ARGV[6] entry
-- returns {1, live consumers} | {0, frames held, frames settled per second} when full | {-1} when nobody is there
local live = 0
if KEYS[3] then
  live = redis.call('ZCARD', KEYS[3])
  if live == 0 and redis.call('EXISTS', KEYS[4]) == 0 then return {-1} end
end
-- Whether the first entry nobody has been given waits too long. Not while the service restarts: then it shall wait.
local function overdue()
  if live == 0 or redis.call('EXISTS', KEYS[4]) == 1 then return false end
  local group, delivered = redis.call('XINFO', 'GROUPS', KEYS[1])[1] or {}, nil
  for i = 1, #group, 2 do
    if group[i] == 'last-delivered-id' then delivered = group[i + 1] end
  end
  local first = delivered and redis.call('XRANGE', KEYS[1], '(' .. delivered, '+', 'COUNT', 1)[1]
  if not first then return false end
  ${NOW}
  return now - tonumber(string.match(first[1], '^%d+')) > tonumber(ARGV[3])
end
local function full(frames, bytes)
  if frames > tonumber(ARGV[1]) or bytes > tonumber(ARGV[2]) then return true end
  return ARGV[3] ~= '0' and frames > tonumber(ARGV[4]) and overdue()
end
local size = #ARGV[6]
local frames = redis.call('HINCRBY', KEYS[2], 'frames', ARGV[5])
local bytes = redis.call('HINCRBY', KEYS[2], 'bytes', size)
if full(frames, bytes) then
  if redis.call('XLEN', KEYS[1]) == 0 then
    frames, bytes = tonumber(ARGV[5]), size
    redis.call('HSET', KEYS[2], 'frames', frames, 'bytes', bytes)
  end
  if full(frames, bytes) then
    local held = redis.call('HINCRBY', KEYS[2], 'frames', '-' .. ARGV[5])
    redis.call('HINCRBY', KEYS[2], 'bytes', -size)
    return {0, held, math.floor(tonumber(redis.call('HGET', KEYS[2], 'rate') or '0'))}
  end
end
redis.call('XADD', KEYS[1], '*', 'n', ARGV[5], 'f', ARGV[6])
return {1, live}`,
);

/** Ends a consumer: its presence, and its name in the group unless entries are still pending under it. */
export const LEAVE = script(
  'leave',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] live zset  KEYS[3] reclaim lease  KEYS[4] shares
-- ARGV[1] group  ARGV[2] consumer  ARGV[3] lease token
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('HDEL', KEYS[4], ARGV[2])
if redis.call('GET', KEYS[3]) == ARGV[3] then redis.call('DEL', KEYS[3]) end
local mine = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if mine.err or #mine > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1`,
);

/** Acknowledges and deletes up to 128 entries. An entry counts down once, however often it is settled. */
export const SETTLE = script(
  'settle',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] counters  [KEYS[3] notes]
-- ARGV[1] group  ARGV[2] '1' when several groups may read the stream  ARGV[3…] id, frames, bytes of each entry
-- returns how many entries were deleted
${SETTLE_ENTRY}
if redis.call('EXISTS', KEYS[1]) == 0 then
  if KEYS[3] then redis.call('DEL', KEYS[3]) end
  return 0
end
local waiting = ARGV[2] == '1' and others(KEYS[1], ARGV[1]) or {}
local deleted, frames, bytes = 0, 0, 0
for i = 3, #ARGV, 3 do
  if KEYS[3] then redis.call('HDEL', KEYS[3], ARGV[i]) end
  if settle(KEYS[1], ARGV[1], waiting, ARGV[i]) == 1 then
    deleted = deleted + 1
    frames = frames + tonumber(ARGV[i + 1])
    bytes = bytes + tonumber(ARGV[i + 2])
  end
end
release(KEYS[1], KEYS[2], frames, bytes)
return deleted`,
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
-- KEYS[1] stream  KEYS[2] lease  KEYS[3] notes
-- ARGV[1] group  ARGV[2] consumer  ARGV[3] min idle ms  ARGV[4] count  ARGV[5] cursor  ARGV[6] token  ARGV[7] lease ms
-- returns {pending, held 0|1, next cursor, {id, attempt, frames, entry, group, note}…}; pending is -1 when there is no group
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
    local fields = {n = '1', f = '', g = ''}
    for i = 1, #item[2], 2 do fields[item[2][i]] = item[2][i + 1] end
    local note = redis.call('HGET', KEYS[3], item[1])
    result[#result + 1] = {item[1], state and state[4] or 1, fields['n'], fields['f'], fields['g'], note}
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
-- ARGV[1] most entries  ARGV[2] most bytes  ARGV[3] entry
-- returns 1 appended | 0 nobody there | -1 full
local size = #ARGV[3]
local bytes = redis.call('HINCRBY', KEYS[2], 'bytes', size)
local length = redis.call('XLEN', KEYS[1])
if length == 0 and bytes > size then
  bytes = size
  redis.call('HSET', KEYS[2], 'bytes', bytes)
end
if length >= tonumber(ARGV[1]) or bytes > tonumber(ARGV[2]) then
  redis.call('HINCRBY', KEYS[2], 'bytes', -size)
  return -1
end
if redis.call('XADD', KEYS[1], 'NOMKSTREAM', '*', 'f', ARGV[3]) then return 1 end
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
-- ARGV[1] most entries  ARGV[2] most bytes  ARGV[3] entry
-- returns {number of the hint, hints trimmed}
local epoch = redis.call('HGET', KEYS[2], 'epoch')
if not epoch then
  ${NOW}
  epoch = t[1] .. '.' .. t[2]
  redis.call('HSET', KEYS[2], 'epoch', epoch)
end
local seq = redis.call('HINCRBY', KEYS[2], 'seq', 1)
redis.call('XADD', KEYS[1], '*', 's', seq, 'e', epoch, 'f', ARGV[3])
local length, bytes, trimmed = redis.call('XLEN', KEYS[1]), 0, 0
if length == 1 then
  bytes = #ARGV[3]
  redis.call('HSET', KEYS[2], 'bytes', bytes)
else
  bytes = redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[3])
end
while trimmed < 128 and length > 1 and (length > tonumber(ARGV[1]) or bytes > tonumber(ARGV[2])) do
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  redis.call('XDEL', KEYS[1], oldest[1])
  bytes = redis.call('HINCRBY', KEYS[2], 'bytes', -#oldest[2][6])
  length = length - 1
  trimmed = trimmed + 1
end
return {seq, trimmed}`,
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

/** Claims up to 128 requests, each for its window: whoever sets a key first runs that request. */
export const CLAIM = script(
  'claim',
  `#!lua
-- KEYS[1…] claims
-- ARGV[1] window in ms
-- returns 1 for each claim that was free, else 0
local first = {}
for i, key in ipairs(KEYS) do
  first[i] = redis.call('SET', key, '1', 'NX', 'PX', ARGV[1]) and 1 or 0
end
return first`,
);

/** Depth, pending and lag of one stream, by the summary forms only: a scan of the pending list blocks Redis. */
export const READING = script(
  'reading',
  `#!lua flags=no-writes,allow-oom
-- KEYS[1] stream  KEYS[2] counters  [KEYS[3] live zset]
-- ARGV[1] group, when there is one
-- returns {entries, frames, bytes, pending, oldest pending id, lag or -1 when unknown, first id not delivered, live}
local held = redis.call('HMGET', KEYS[2], 'frames', 'bytes')
local entries = redis.call('XLEN', KEYS[1])
local result = {entries, math.max(tonumber(held[1]) or 0, 0), math.max(tonumber(held[2]) or 0, 0), 0, '', 0, '', 0}
if entries == 0 then result[2], result[3] = 0, 0 end
if not KEYS[3] then return result end
${NOW}
result[8] = redis.call('ZCOUNT', KEYS[3], string.format('(%.0f', now), '+inf')
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
if groups.err then return result end
for _, info in ipairs(groups) do
  local g = {}
  for i = 1, #info, 2 do g[info[i]] = info[i + 1] end
  if g['name'] == ARGV[1] then
    local pending = redis.call('XPENDING', KEYS[1], ARGV[1])
    result[4], result[5] = pending[1], pending[2] or ''
    result[6] = g['lag'] or -1
    if result[6] ~= 0 then
      local first = redis.call('XRANGE', KEYS[1], '(' .. g['last-delivered-id'], '+', 'COUNT', 1)[1]
      -- Nothing is left behind the last delivery: then it is known, whatever was deleted.
      if first then result[7] = first[1] else result[6] = 0 end
    end
  end
end
return result`,
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
  CLAIM,
  READING,
  NOTE,
  GIVE_BACK,
  LIST_LETTERS,
  REPLAY_LETTER,
  DROP_LETTERS,
];
