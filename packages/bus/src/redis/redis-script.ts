import { createHash } from 'node:crypto';

/** A Lua script and the digest the server knows it by. Keys are always passed, loops are bounded by their arguments. */
export interface RedisScript {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

export const script = (name: string, source: string): RedisScript => ({
  name,
  source,
  sha: createHash('sha1').update(source).digest('hex'),
});

/** The server's time in ms, as `now`; `t` is what TIME answered. */
export const NOW = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

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
