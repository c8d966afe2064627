-- ARGV: P, ahead, call, statistic that counts it or ''
settle()
local id = ARGV[3]
if is_granted(id) then
  drop_permit(id)
end
if not take_out(id) then
  return 0
end
if ARGV[4] ~= '' then
  redis.call('HINCRBY', STATS, ARGV[4], 1)
end
idle_when_empty()
hint('*')
return 1
