-- ARGV: P, ahead, instance, command, life (ms), most commands
local box = P .. ':inbox:' .. ARGV[3]
redis.call('RPUSH', box, string.format('%.0f', NOW + ARGV[5] * 1000) .. '|' .. ARGV[4])
redis.call('LTRIM', box, -ARGV[6], -1)
redis.call('PEXPIRE', box, ARGV[5])
redis.call('PUBLISH', P .. ':hints', ARGV[3])
return 1
