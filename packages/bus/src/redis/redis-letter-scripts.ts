import { script, SETTLE_ENTRY } from './redis-script.ts';

/**
 * Copies an entry, or one part of it, to the dead letters with its original bytes. Moved whole it is settled; of a part
 * the rest stays pending, with what is noted of it. The oldest dead letters make room.
 */
export const DEAD_LETTER = script(
  'dead-letter',
  `#!lua flags=allow-oom
-- KEYS[1] stream  KEYS[2] counters  KEYS[3] dead letters  KEYS[4] their counters  KEYS[5] notes
-- ARGV[1] group  ARGV[2] '1' when several groups may read the stream  ARGV[3] id  ARGV[4] frames  ARGV[5] consumer
-- ARGV[6] most dead letters  ARGV[7] most bytes of them  ARGV[8] part, or '' for the whole entry  ARGV[9] note on the rest
-- ARGV[10…] fields of the letter and their values
-- returns {1 when moved or 0 when the entry is not this consumer's, dead letters dropped}
${SETTLE_ENTRY}
local found = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])
local mine = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[5])
if mine.err then return {0, 0} end
if #found == 0 then
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
  redis.call('HDEL', KEYS[5], ARGV[3])
  return {0, 0}
end
if #mine == 0 then return {0, 0} end
local entry, fields, frames = '', found[1][2], ARGV[4]
for i = 1, #fields, 2 do
  if fields[i] == 'f' then entry = fields[i + 1] end
end
local size, letter, n = #entry, entry, frames
if ARGV[8] ~= '' then letter, n = ARGV[8], 1 end
local row = {'id', ARGV[3], 'stream', KEYS[1], 'group', ARGV[1], 'consumer', ARGV[5], 'n', n}
for i = 10, #ARGV do row[#row + 1] = ARGV[i] end
row[#row + 1] = 'f'
row[#row + 1] = letter
redis.call('XADD', KEYS[3], '*', unpack(row))
local bytes, dropped = #letter, 0
if redis.call('XLEN', KEYS[3]) == 1 then
  redis.call('HSET', KEYS[4], 'bytes', bytes)
else
  bytes = redis.call('HINCRBY', KEYS[4], 'bytes', bytes)
end
while dropped < 128 and (redis.call('XLEN', KEYS[3]) > tonumber(ARGV[6]) or bytes > tonumber(ARGV[7])) do
  local oldest = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)[1]
  if not oldest then break end
  redis.call('XDEL', KEYS[3], oldest[1])
  for i = 1, #oldest[2], 2 do
    if oldest[2][i] == 'f' then bytes = redis.call('HINCRBY', KEYS[4], 'bytes', -#oldest[2][i + 1]) end
  end
  dropped = dropped + 1
end
if dropped > 0 then redis.call('HINCRBY', KEYS[4], 'dropped', dropped) end
if ARGV[8] ~= '' then
  redis.call('HSET', KEYS[5], ARGV[3], ARGV[9])
  return {1, dropped}
end
redis.call('HDEL', KEYS[5], ARGV[3])
local waiting = ARGV[2] == '1' and others(KEYS[1], ARGV[1]) or {}
if settle(KEYS[1], ARGV[1], waiting, ARGV[3]) == 1 then
  release(KEYS[1], KEYS[2], tonumber(frames), size)
end
return {1, dropped}`,
);

/** A page of dead letters without their bytes, oldest first. It ends early once enough bytes were passed over. */
export const LIST_LETTERS = script(
  'list-letters',
  `#!lua flags=no-writes,allow-oom
-- KEYS[1] dead letters
-- ARGV[1] where to begin, as XRANGE takes it  ARGV[2] most letters  ARGV[3] most bytes passed over
-- returns {1 when the end was reached else 0, {id, fields…}…}, the bytes of each as their number
local result, passed, from = {1}, 0, ARGV[1]
for i = 1, tonumber(ARGV[2]) + 1 do
  local item = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 1)[1]
  if not item then return result end
  if i > tonumber(ARGV[2]) or passed >= tonumber(ARGV[3]) then break end
  local fields = item[2]
  for j = 1, #fields, 2 do
    if fields[j] == 'f' then
      passed = passed + #fields[j + 1]
      fields[j], fields[j + 1] = 'bytes', #fields[j + 1]
    end
  end
  result[#result + 1] = {item[1], fields}
  from = '(' .. item[1]
end
result[1] = 0
return result`,
);

/**
 * Appends a dead letter again to the stream it came from and removes it, in one step. Admission as for any append,
 * refused up front when Redis is over its memory limit. An entry for one group carries its name; others settle it unseen.
 */
export const REPLAY_LETTER = script(
  'replay-letter',
  `#!lua
-- KEYS[1] dead letters  KEYS[2] their counters  KEYS[3] stream  KEYS[4] counters
-- ARGV[1] id of the letter  ARGV[2] most frames  ARGV[3] most bytes  ARGV[4] group it is for, or ''
-- returns {1} | {0, frames held, frames settled per second} when full | {-1} when there is no such letter
local letter = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not letter then return {-1} end
local entry, n = '', 1
for i = 1, #letter[2], 2 do
  if letter[2][i] == 'f' then entry = letter[2][i + 1] elseif letter[2][i] == 'n' then n = tonumber(letter[2][i + 1]) or 1 end
end
local frames, bytes = 0, 0
local held = redis.call('HMGET', KEYS[4], 'frames', 'bytes', 'rate')
if redis.call('XLEN', KEYS[3]) > 0 then
  frames, bytes = math.max(tonumber(held[1]) or 0, 0), math.max(tonumber(held[2]) or 0, 0)
end
if frames + n > tonumber(ARGV[2]) or bytes + #entry > tonumber(ARGV[3]) then
  return {0, frames, math.floor(tonumber(held[3]) or 0)}
end
if ARGV[4] == '' then
  redis.call('XADD', KEYS[3], '*', 'n', n, 'f', entry)
else
  redis.call('XADD', KEYS[3], '*', 'n', n, 'f', entry, 'g', ARGV[4])
end
redis.call('HSET', KEYS[4], 'frames', frames + n, 'bytes', bytes + #entry)
redis.call('XDEL', KEYS[1], ARGV[1])
redis.call('HINCRBY', KEYS[2], 'bytes', -#entry)
if redis.call('XLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[1], KEYS[2]) end
return {1}`,
);

/** Removes the oldest dead letters of a range. */
export const DROP_LETTERS = script(
  'drop-letters',
  `#!lua flags=allow-oom
-- KEYS[1] dead letters  KEYS[2] their counters
-- ARGV[1] first id  ARGV[2] last id  ARGV[3] most letters  ARGV[4] most bytes passed over
-- returns how many were removed
local removed, passed = 0, 0
while removed < tonumber(ARGV[3]) and passed < tonumber(ARGV[4]) do
  local item = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', 1)[1]
  if not item then break end
  redis.call('XDEL', KEYS[1], item[1])
  removed = removed + 1
  for i = 1, #item[2], 2 do
    if item[2][i] == 'f' then
      passed = passed + #item[2][i + 1]
      redis.call('HINCRBY', KEYS[2], 'bytes', -#item[2][i + 1])
    end
  end
end
if redis.call('XLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[1], KEYS[2]) end
return removed`,
);
