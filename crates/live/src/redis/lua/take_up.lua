-- ARGV: P, ahead, call, instance, service threshold (us)
settle()
local lease = lease_of(ARGV[3])
if not lease or lease.kind ~= 'g' or lease.holder ~= ARGV[4] then
  return false
end
local waited = served(ARGV[3], ARGV[5])
return waited and whole(waited) or false
