-- ARGV: P, ahead, call, instance. The permit of a grant belongs to the queue until it is taken up.
local permit
-- The usual case, without what the others need: nobody is in the queue.
if redis.call('HLEN', ENTRIES) == 0 then
  permit = permit_of(ARGV[3])
  return permit and permit[1] == ARGV[4] and drop_permit(ARGV[3], permit) and 1 or 0
end
