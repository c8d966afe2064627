-- ARGV: P, ahead, call, instance
local P, id, instance = ARGV[1], ARGV[3], ARGV[4]
local key = P .. ':calls:' .. id
local owner = redis.pcall('HGET', key, 'instance')
if type(owner) == 'string' and owner ~= instance then
  return 0
end
if redis.call('SREM', P .. ':live:' .. instance, id) == 0 then
  return 0
end
redis.call('ZREM', P .. ':live', id)
-- An entry that has run out was no entry any more.
return redis.call('DEL', key)
