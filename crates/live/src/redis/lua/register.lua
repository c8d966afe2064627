-- ARGV: P, ahead, call, started_at, instance, lease (us), time to live (ms), then field and value for each
local P, id, instance = ARGV[1], ARGV[3], ARGV[5]
local key = P .. ':calls:' .. id
if redis.call('ZADD', P .. ':live', ARGV[4], id) == 0 then
  local old = redis.pcall('HGET', key, 'instance')
  if type(old) == 'string' and old ~= instance then
    redis.call('SREM', P .. ':live:' .. old, id)
  end
  redis.call('DEL', key)
end
if type(redis.pcall('HSET', key, unpack(ARGV, 8))) == 'table' then
  -- Something that is not ours stands there.
  redis.call('DEL', key)
  redis.call('HSET', key, unpack(ARGV, 8))
end
redis.call('PEXPIRE', key, ARGV[7])
redis.call('SADD', P .. ':live:' .. instance, id)
if redis.call('HDEL', P .. ':lost', id) == 1 then
  redis.call('ZREM', P .. ':lost:since', id)
end
if not redis.call('ZSCORE', P .. ':instances', instance) then
  -- It is cleared when no heartbeat follows within the lease.
  local time = redis.call('TIME')
  redis.call('ZADD', P .. ':instances', time[1] * 1000000 + time[2] + ARGV[2] + ARGV[6], instance)
end
return 1
