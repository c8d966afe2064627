-- ARGV: P, ahead, call, instance
local id, name = ARGV[3], ARGV[4]
settle()
local call = take_call(id, name)
if not call then
  return 0
end
open_for_resume(id, call.text)
local permit = permit_of(id)
if permit and permit[1] == name and not is_granted(id) then
  drop_permit(id)
  if redis.call('ZCARD', CALLS) > 0 then
    hint('*')
  end
end
return 1
