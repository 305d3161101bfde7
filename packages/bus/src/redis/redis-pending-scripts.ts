import { NOW, script } from './redis-script.ts';

/**
 * Creates the group if it is missing, at 0: what remains in the stream is unsettled. Renews the consumer's presence and
 * its share of what the group may hold pending. Shares are given out here and nowhere else, so their sum stays in the bound.
 */
export const JOIN = script(
  'join',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] live zset  KEYS[3] shares  KEYS[4] notes  KEYS[5] counters
-- ARGV[1] group  ARGV[2] consumer  ARGV[3] lease ms  ARGV[4] most entries pending in the group
-- ARGV[5] entries a read under way may still bring  ARGV[6] share asked for
-- returns {1 when the group was made else 0, share, when an entry was last given back}
local group, me = ARGV[1], ARGV[2]
local summary = redis.pcall('XPENDING', KEYS[1], group)
local missing = summary.err ~= nil
if missing then
  local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], group, '0', 'MKSTREAM')
  if made.err then return made end
  redis.call('DEL', KEYS[4])
  summary = {0}
end
${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[2], string.format('%.0f', now + tonumber(ARGV[3])), me)
-- The last one's presence ends with the key, so that a count of the members is the count of the living.
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local held, live, used, orphaned = {}, 1, 0, 0
if summary[4] then
  for _, c in ipairs(summary[4]) do held[c[1]] = tonumber(c[2]) end
end
local shares = redis.call('HGETALL', KEYS[3])
for i = 1, #shares, 2 do
  local name = shares[i]
  if name ~= me then
    if redis.call('ZSCORE', KEYS[2], name) then
      live = live + 1
      used = used + math.max(tonumber(shares[i + 1]) or 0, held[name] or 0)
      held[name] = nil
    else
      redis.call('HDEL', KEYS[3], name)
    end
  end
end
for name, n in pairs(held) do
  if name ~= me then orphaned = orphaned + n end
end
local bound, mine = tonumber(ARGV[4]), (held[me] or 0) + tonumber(ARGV[5])
local fair = math.floor(math.max(bound - orphaned, 0) / live)
-- Of what is free no more than half, so that whoever comes next finds some.
local free = math.ceil((bound - used - orphaned - mine) / 2)
local share = mine + math.max(math.min(tonumber(ARGV[6]) - mine, fair - mine, free), 0)
redis.call('HSET', KEYS[3], me, share)
redis.call('PEXPIRE', KEYS[3], tonumber(ARGV[3]) * 4)
-- A read that has just ended is counted twice in mine: right for the others, who must not get it, too much for us.
share = math.min(share, math.max(bound - used - orphaned, 0))
return {missing and 1 or 0, share, tonumber(redis.call('HGET', KEYS[5], 'back:' .. group)) or 0}`,
);

/**
 * Renews the presence of everything that consumes on a shard in one call. Groups are not looked after: whoever reads one
 * that is gone is told by its read. Now and then the clock is asked, names that are gone are removed, and the shares are kept.
 */
export const HEARTBEAT = script(
  'heartbeat',
  `#!lua flags=allow-oom
-- KEYS live zset of each presence, at most 128, then the shares of every consumer when it tidies
-- ARGV[1] lease ms  ARGV[2] ms of Redis's clock, or '' to ask it and to tidy  ARGV[3…] name in each live zset
-- returns {seconds, microseconds} of the clock when it was asked, else {}
local now, t, tidy = tonumber(ARGV[2]), {}, ARGV[2] == ''
if tidy then
  t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local ends = string.format('%.0f', now + tonumber(ARGV[1]))
for i = 1, #ARGV - 2 do
  if tidy then redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.0f', now)) end
  redis.call('ZADD', KEYS[i], ends, ARGV[i + 2])
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
end
for i = #ARGV - 1, #KEYS do redis.call('PEXPIRE', KEYS[i], tonumber(ARGV[1]) * 4) end
return t`,
);

/** Writes a note on an entry, if it is pending under this consumer's name. */
export const NOTE = script(
  'note',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] notes
-- ARGV[1] group  ARGV[2] consumer  ARGV[3] id  ARGV[4] note
-- returns 1, or 0 when the entry is not this consumer's
local mine = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2])
if mine.err or #mine == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
return 1`,
);

/** Gives a pending entry back: idle for long at once, so that the next round of a reclaimer takes it; the delivery is not counted. */
export const GIVE_BACK = script(
  'give-back',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] notes  KEYS[3] counters
-- ARGV[1] group  ARGV[2] consumer  ARGV[3] id  ARGV[4] idle ms  ARGV[5] note, or ''
-- returns 1, or 0 when the entry is not this consumer's
local mine = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2])
if mine.err or #mine == 0 then return 0 end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[2], ARGV[3], ARGV[5]) end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'IDLE', ARGV[4],
  'RETRYCOUNT', math.max(tonumber(mine[1][4]) - 1, 0), 'JUSTID')
${NOW}
redis.call('HSET', KEYS[3], 'back:' .. ARGV[1], string.format('%.0f', now))
return 1`,
);
