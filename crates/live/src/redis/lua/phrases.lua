-- <P>:phrases          sorted set: phrase -> microseconds at which it goes
-- <P>:phrases:sizes    hash: phrase -> bytes; the field '' holds the bytes of all
-- <P>:phrase:<name>    the phrase
local INDEX, SIZES = P .. ':phrases', P .. ':phrases:sizes'
local function forget_phrase(name)
  local size = tonumber(redis.call('HGET', SIZES, name) or 0)
  redis.call('DEL', P .. ':phrase:' .. name)
  redis.call('ZREM', INDEX, name)
  redis.call('HDEL', SIZES, name)
  -- Not -size: what Lua writes for minus zero is no number to the server.
  return redis.call('HINCRBY', SIZES, '', 0 - size)
end
