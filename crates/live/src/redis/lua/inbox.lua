-- ARGV: P, ahead, instance
settle()
local leases = {}
for _, id in ipairs(redis.call('SMEMBERS', Q .. 'granted:' .. ARGV[3])) do
  local lease, ends = lease_of(id), redis.call('ZSCORE', GRANTS, id)
  if lease and ends then
    leases[#leases + 1] = {id = id, score = lease.score, ends = tonumber(ends)}
  end
end
table.sort(leases, function(a, b) return a.score < b.score or (a.score == b.score and a.id < b.id) end)
local grants = {}
for index, lease in ipairs(leases) do
  grants[index] = {redis.call('HGET', ENTRIES, lease.id) or '', whole(lease.ends - NOW)}
end

local box, commands = P .. ':inbox:' .. ARGV[3], {}
for _, item in ipairs(redis.call('LRANGE', box, 0, -1)) do
  local ends, command = string.match(item, '^(%d+)|(.*)$')
  if ends and NOW < tonumber(ends) then
    commands[#commands + 1] = command
  end
end
redis.call('DEL', box)
return {grants, commands}
