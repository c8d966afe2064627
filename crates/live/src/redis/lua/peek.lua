-- ARGV: P, ahead, from, to (as in ZRANGE)
settle()
local found = {}
for _, id in ipairs(redis.call('ZRANGE', CALLS, ARGV[3], ARGV[4])) do
  found[#found + 1] = redis.call('HGET', ENTRIES, id) or ''
end
return found
