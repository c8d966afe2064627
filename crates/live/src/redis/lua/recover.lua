-- ARGV: P, ahead, then call, instance, JSON for each
settle()
for index = 3, #ARGV, 3 do
  local id, name, text = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  local former = take_call(id, name)
  if former then
    -- The registry still has what a former process of this instance served.
    text = former.text
    local permit = permit_of(id)
    if permit and permit[1] == name and not is_granted(id) then
      drop_permit(id)
    end
  end
  if former or redis.call('EXISTS', P .. ':calls:' .. id) == 0 then
    open_for_resume(id, text)
  end
end
return 1
