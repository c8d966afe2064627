-- ARGV: P, ahead, call, service threshold (us)
settle()
local lease = lease_of(ARGV[3])
if lease and lease.kind == 'd' and served(ARGV[3], ARGV[4]) then
  return 1
end
return 0
