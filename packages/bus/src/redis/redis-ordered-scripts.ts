import { NOW, type RedisScript, script, SETTLE_ENTRY } from './redis-script.ts';

/**
 * Shares partitions out. A partition belongs to the instance named in the holders' hash for as long as that instance is
 * among the living; so the heartbeat that keeps it there renews all it holds, at no cost of its own.
 */
export const ORDERED_ASSIGN: RedisScript = script(
  'ordered-assign',
  `#!lua flags=allow-oom
-- KEYS[1] live zset  KEYS[2] holders
-- ARGV[1] instance  ARGV[2] lease ms  ARGV[3] most partitions it may hold here  ARGV[4…] partitions, at most 64
-- returns {live instances that stay, partition it holds…}
${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local holders, stay, flat = {}, redis.call('ZCARD', KEYS[1]), redis.call('HGETALL', KEYS[2])
for i = 1, #flat, 2 do
  local leaving = string.match(flat[i], '^leaving:(.+)$')
  if not leaving then holders[flat[i]] = flat[i + 1]
  elseif redis.call('ZSCORE', KEYS[1], leaving) then stay = stay - 1
  else redis.call('HDEL', KEYS[2], flat[i]) end
end
local result, free = {stay}, {}
for i = 4, #ARGV do
  local holder = holders[ARGV[i]]
  if holder == ARGV[1] then result[#result + 1] = ARGV[i]
  elseif not holder or not redis.call('ZSCORE', KEYS[1], holder) then free[#free + 1] = ARGV[i] end
end
for _, partition in ipairs(free) do
  if #result - 1 >= tonumber(ARGV[3]) then break end
  redis.call('HSET', KEYS[2], partition, ARGV[1])
  result[#result + 1] = partition
end
return result`,
);

/** Reads for the holder of a partition, and for nobody else. All holders read under one name: what is pending is theirs. */
export const ORDERED_READ: RedisScript = script(
  'ordered-read',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] holders
-- ARGV[1] group  ARGV[2] instance  ARGV[3] partition  ARGV[4] count  ARGV[5] '>' or the id behind which pending ones begin
-- returns {0} when somebody else holds it | {1, last id given to the group or '', {id, attempt, frames, entry, only group it is for}…}
if redis.call('HGET', KEYS[2], ARGV[3]) ~= ARGV[2] then return {0} end
local function read()
  return redis.pcall('XREADGROUP', 'GROUP', ARGV[1], 'ordered', 'COUNT', ARGV[4], 'STREAMS', KEYS[1], ARGV[5])
end
local reply = read()
if reply and reply.err then
  redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
  reply = read()
  if reply and reply.err then return reply end
end
local result, last = {1, ''}, ''
if ARGV[5] ~= '>' then
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local g = {}
    for i = 1, #info, 2 do g[info[i]] = info[i + 1] end
    if g['name'] == ARGV[1] then result[2] = g['last-delivered-id'] end
  end
end
for _, item in ipairs(reply and reply[1] and reply[1][2] or {}) do
  if item[2] then
    local attempt, frames, entry, only = 1, '1', '', ''
    if ARGV[5] ~= '>' then
      local state = redis.call('XPENDING', KEYS[1], ARGV[1], item[1], item[1], 1)[1]
      attempt = state and state[4] or 1
    end
    for i = 1, #item[2], 2 do
      if item[2][i] == 'n' then frames = item[2][i + 1] elseif item[2][i] == 'f' then entry = item[2][i + 1]
      elseif item[2][i] == 'g' then only = item[2][i + 1] end
    end
    result[#result + 1] = {item[1], attempt, frames, entry, only}
  else
    redis.call('XACK', KEYS[1], ARGV[1], item[1])
  end
end
return result`,
);

/** Settles for the holder of a partition: of one that lost it nothing counts any more. */
export const ORDERED_SETTLE: RedisScript = script(
  'ordered-settle',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] counters  KEYS[3] holders
-- ARGV[1] group  ARGV[2] '1' when several groups may read the stream  ARGV[3] instance  ARGV[4] partition
-- ARGV[5…] id, frames, bytes of each entry, at most 128
-- returns how many entries were deleted | -1 when somebody else holds the partition
${SETTLE_ENTRY}
if redis.call('HGET', KEYS[3], ARGV[4]) ~= ARGV[3] then return -1 end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local waiting = ARGV[2] == '1' and others(KEYS[1], ARGV[1]) or {}
local deleted, frames, bytes = 0, 0, 0
for i = 5, #ARGV, 3 do
  if settle(KEYS[1], ARGV[1], waiting, ARGV[i]) == 1 then
    deleted = deleted + 1
    frames = frames + tonumber(ARGV[i + 1])
    bytes = bytes + tonumber(ARGV[i + 2])
  end
end
release(KEYS[1], KEYS[2], frames, bytes)
return deleted`,
);

/** Gives partitions back, where they are still this instance's. */
export const ORDERED_RELEASE: RedisScript = script(
  'ordered-release',
  `#!lua flags=allow-oom
-- KEYS[1] live zset  KEYS[2] holders
-- ARGV[1] instance  ARGV[2] 'stay', 'leaving' (takes no share any more) or 'leave'  ARGV[3…] partitions, at most 64
for i = 3, #ARGV do
  if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[1] then redis.call('HDEL', KEYS[2], ARGV[i]) end
end
if ARGV[2] == 'leaving' then redis.call('HSET', KEYS[2], 'leaving:' .. ARGV[1], '1') end
if ARGV[2] == 'leave' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], 'leaving:' .. ARGV[1])
end
return 1`,
);
