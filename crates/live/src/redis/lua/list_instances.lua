-- ARGV: P, ahead
settle()
local found = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', P .. ':instances', whole(NOW), '+inf')) do
  local hash = redis.call('HMGET', P .. ':instance:' .. name, 'limit', 'draining', 'url', 'seen')
  if hash[1] then
    found[#found + 1] = {name, hash[1], taken('i:' .. name), hash[2], hash[3], whole(NOW - (hash[4] or NOW))}
  end
end
return found
