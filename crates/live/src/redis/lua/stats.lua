settle()
-- Those with a lease stand among those who wait, but wait no more.
local oldest, from = 0, 0
repeat
  local next = redis.call('ZRANGE', SINCE, from, from, 'WITHSCORES')
  from = from + 1
  if next[1] and redis.call('HEXISTS', LEASED, next[1]) == 0 then
    oldest = math.max(0, math.floor((NOW - next[2]) / 1000))
    break
  end
until not next[1]
local totals = redis.call('HMGET', STATS, unpack(ARGV, 3))
for index, total in ipairs(totals) do
  totals[index] = total or '0'
end
return {redis.call('ZCARD', CALLS), whole(oldest), totals}
