-- ARGV: P, ahead, then for each who asks: key, microseconds between two, how many
-- Each key holds when everything that was taken is free again, microseconds, and lives until then.
local free_at, after, allowed, all = {}, {}, {}, true
local asks = (#ARGV - 2) / 3
for ask = 1, asks do
  local interval, count = tonumber(ARGV[ask * 3 + 1]), tonumber(ARGV[ask * 3 + 2])
  local before = tonumber(redis.call('GET', P .. ':rate:' .. ARGV[ask * 3]) or NOW)
  free_at[ask] = math.max(before, NOW)
  after[ask] = free_at[ask] + interval
  allowed[ask] = after[ask] - NOW <= interval * count
  all = all and allowed[ask]
end
local answer = {}
for ask = 1, asks do
  if all then
    free_at[ask] = after[ask]
    local life = math.ceil((after[ask] - NOW) / 1000)
    redis.call('SET', P .. ':rate:' .. ARGV[ask * 3], string.format('%.0f', after[ask]), 'PX', string.format('%.0f', life))
  end
  answer[ask] = { allowed[ask] and 1 or 0, string.format('%.0f', free_at[ask] - NOW) }
end
return answer
