-- ARGV: P, ahead, instance
settle()
local depth, interval, found = redis.call('ZCARD', CALLS), interval_of_service(), {}
for _, id in ipairs(redis.call('SMEMBERS', Q .. 'held:' .. ARGV[3])) do
  local rank = redis.call('ZRANK', CALLS, id)
  if rank then
    found[#found + 1] = {id, place(rank + 1, depth, interval)}
  end
end
table.sort(found, function(a, b) return a[2][1] < b[2][1] end)
return found
