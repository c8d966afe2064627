-- ARGV: P, ahead, call, JSON before queued_at, JSON after it without holder, holder or '', microseconds that the priority counts,
--       queued_at or '', capacity, lease (us)
-- The usual case, without what the others need: no lease has run out, there is room, and the caller is new.
local id, holder, earlier = ARGV[3], ARGV[6], tonumber(ARGV[8])
local wall = NOW / 1000000
local written = earlier and earlier < wall
local depth = redis.call('ZCARD', CALLS)
if depth < tonumber(ARGV[9]) and #redis.call('ZRANGEBYSCORE', GRANTS, '-inf', string.format('%.0f', NOW), 'LIMIT', 0, 1) == 0 then
  local value = holder ~= '' and '"' .. holder .. '"' or 'null'
  local entry = ARGV[4] .. string.format('%.17g', written and earlier or wall) .. ARGV[5] .. ',"holder":' .. value .. '}'
  if redis.call('HSETNX', ENTRIES, id, entry) == 1 then
    local stats = redis.call('HMGET', STATS, 'total_queued', 'last_queued', 'rate_mean', 'rate_measured')
    local total, since, last = string.format('%.0f', (stats[1] or 0) + 1), NOW, stats[2]
    if written then
      since = NOW - math.floor((wall - earlier) * 1000000 + 0.5)
      redis.call('HSET', STATS, 'total_queued', total)
    else
      -- Two callers never begin to wait in the same microsecond, so that the first stays the first.
      since = math.max(NOW, (last or 0) + 1)
      redis.call('HSET', STATS, 'total_queued', total, 'last_queued', string.format('%.0f', since))
    end
    redis.call('ZADD', CALLS, since - ARGV[7], id)
    redis.call('ZADD', SINCE, since, id)
    if holder ~= '' then
      redis.call('SADD', Q .. 'held:' .. holder, id)
      -- What an instance enters before its first heartbeat is cleared when none follows within the lease.
      redis.call('ZADD', P .. ':instances', 'NX', NOW + ARGV[10], holder)
    end
    if redis.call('HDEL', P .. ':lost', id) == 1 then
      redis.call('ZREM', P .. ':lost:since', id)
    end
    redis.call('PUBLISH', P .. ':hints', '*')
    local position, expected = redis.call('ZRANK', CALLS, id) + 1, '-1'
    local first, count = string.match(stats[4] or '', '^(%d+)'), select(2, string.gsub(stats[4] or '', '%d+', ''))
    if stats[3] and count >= MEASURED and NOW - first < FRESH then
      expected = string.format('%.0f', math.floor(stats[3] * position))
    end
    return {'queued', {position, depth + 1, expected}}
  end
end
