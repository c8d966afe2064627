local key = ARGV[1] .. ':check:' .. ARGV[3]
redis.call('SET', key, ARGV[3], 'PX', 10000)
local read = redis.call('GET', key)
redis.call('DEL', key)
return read
