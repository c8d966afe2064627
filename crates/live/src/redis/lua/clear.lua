settle()
local cleared = 0
for _, id in ipairs(redis.call('ZRANGE', CALLS, 0, -1)) do
  if not take_out(id) then
    redis.call('ZREM', CALLS, id)
    redis.call('ZREM', SINCE, id)
  end
  cleared = cleared + 1
end
idle_when_empty()
if cleared > 0 then
  hint('*')
end
return cleared
