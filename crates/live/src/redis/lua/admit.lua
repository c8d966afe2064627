serve(tonumber(ARGV[9]), tonumber(ARGV[10]))
local verdict = admit()
if verdict == 'admitted' then
  served(id, ARGV[11])
end
return verdict
