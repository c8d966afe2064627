settle()
permit = permit_of(ARGV[3])
if not permit or permit[1] ~= ARGV[4] or is_granted(ARGV[3]) then
  return 0
end
drop_permit(ARGV[3], permit)
if redis.call('ZCARD', CALLS) > 0 then
  hint('*')
end
return 1
