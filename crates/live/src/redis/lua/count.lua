-- ARGV: P, ahead, registry time to live (us) less the lease
-- Entries run out by themselves only when their instance has been silent for longer than they live, and nobody has cleared it.
for _, name in ipairs(redis.call('ZRANGEBYSCORE', P .. ':instances', '-inf', string.format('%.0f', NOW - ARGV[3]))) do
  for _, id in ipairs(redis.call('SMEMBERS', P .. ':live:' .. name)) do
    if redis.call('EXISTS', P .. ':calls:' .. id) == 0 then
      redis.call('SREM', P .. ':live:' .. name, id)
      redis.call('ZREM', P .. ':live', id)
    end
  end
end
return redis.call('ZCARD', P .. ':live')
