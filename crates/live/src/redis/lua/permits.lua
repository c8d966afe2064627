-- <P>:permits              hash: call -> ["instance","agent","tenant"]
-- <P>:permits:<instance>   set of the calls with a permit there
-- <P>:taken                hash: i:<instance>, a:<agent>, t:<tenant> -> permits taken
local PERMITS, TAKEN = P .. ':permits', P .. ':taken'

local function taken(field)
  return tonumber(redis.call('HGET', TAKEN, field) or 0)
end

-- {instance, agent, tenant} of the permit that the call holds, or nil.
local function permit_of(id)
  local text = redis.call('HGET', PERMITS, id)
  return text and cjson.decode(text) or nil
end

-- Counts so many more (or less) for instance, agent and tenant; a name that holds nothing is forgotten.
local function count_permit(permit, more)
  local fields = {'i:' .. permit[1], 'a:' .. permit[2], 't:' .. permit[3]}
  local counts, kept = redis.call('HMGET', TAKEN, unpack(fields)), {}
  for index, field in ipairs(fields) do
    local count = (counts[index] or 0) + more
    if count > 0 then
      kept[#kept + 1] = field
      kept[#kept + 1] = string.format('%.0f', count)
    else
      redis.call('HDEL', TAKEN, field)
    end
  end
  if #kept > 0 then
    redis.call('HSET', TAKEN, unpack(kept))
  end
end

local function drop_permit(id, known)
  local permit = known or permit_of(id)
  if not permit then
    return false
  end
  redis.call('HDEL', PERMITS, id)
  redis.call('SREM', PERMITS .. ':' .. permit[1], id)
  count_permit(permit, -1)
  return true
end

-- Enters a permit; what the call held is given back before.
local function put_permit(id, instance, agent, tenant)
  local permit = {instance, agent, tenant}
  redis.call('HSET', PERMITS, id, cjson.encode(permit))
  redis.call('SADD', PERMITS .. ':' .. instance, id)
  count_permit(permit, 1)
end

local function take_permit(id, instance, agent, tenant)
  drop_permit(id)
  put_permit(id, instance, agent, tenant)
end

-- What an instance enters before its first heartbeat is cleared when none follows within the lease (us).
local function note_instance(name, lease)
  redis.call('ZADD', P .. ':instances', 'NX', NOW + lease, name)
end

-- The call is taken up, or waits: it is not open for resume any more.
local function resumed(id)
  if redis.call('HDEL', P .. ':lost', id) == 1 then
    redis.call('ZREM', P .. ':lost:since', id)
  end
end
