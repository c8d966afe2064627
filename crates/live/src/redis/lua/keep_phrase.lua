-- ARGV: P, ahead, name, milliseconds of life, most bytes of all, entry
local name, life, most, entry = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
forget_phrase(name)
-- What the server has let go already; the rest of many at the next time.
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', INDEX, '-inf', NOW, 'LIMIT', 0, 100)) do
  forget_phrase(gone)
end
redis.call('SET', P .. ':phrase:' .. name, entry, 'PX', life)
redis.call('ZADD', INDEX, NOW + life * 1000, name)
redis.call('HSET', SIZES, name, #entry)
local total, evicted = redis.call('HINCRBY', SIZES, '', #entry), 0
while total > most do
  local first = redis.call('ZRANGE', INDEX, 0, 0)[1]
  if not first then break end
  total = forget_phrase(first)
  evicted = evicted + 1
end
-- The index goes with the last of them.
for _, key in ipairs({ INDEX, SIZES }) do
  if redis.call('PTTL', key) < life then redis.call('PEXPIRE', key, life) end
end
return { total, redis.call('ZCARD', INDEX), evicted }
