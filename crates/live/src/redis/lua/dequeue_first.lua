-- ARGV: P, ahead, lease (us)
-- The usual case, without what the others need: no lease has run out.
if #redis.call('ZRANGEBYSCORE', GRANTS, '-inf', string.format('%.0f', NOW), 'LIMIT', 0, 1) == 0 then
  while true do
    local first = redis.call('ZPOPMIN', CALLS)
    local id = first[1]
    if not id then
      return false
    end
    local entry = redis.call('HGET', ENTRIES, id)
    if entry then
      local holder = string.match(entry, ',"holder":"([%w._-]+)"}$') or ''
      redis.call('ZADD', GRANTS, NOW + ARGV[3], id)
      redis.call('HSET', LEASED, id, string.format('d|%s|%.0f', holder, first[2]))
      return entry
    end
    -- Somebody else took the text away: there is nothing to hand out.
    redis.call('ZREM', SINCE, id)
  end
end
