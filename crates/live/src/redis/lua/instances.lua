-- <P>:instances            sorted set: instance -> end of its lease
-- <P>:instance:<name>      hash of its last heartbeat
-- <P>:heard                when anybody's heartbeat came last
-- <P>:live                 sorted set: call -> when it began
-- <P>:live:<instance>      set of its calls
-- <P>:lost                 hash of the calls that are open for resume: call -> JSON
-- <P>:lost:since           sorted set: call -> since when
local function older_first(calls)
  table.sort(calls, function(a, b) return a.at < b.at or (a.at == b.at and a.id < b.id) end)
  local texts = {}
  for index, call in ipairs(calls) do
    texts[index] = call.text
  end
  return texts
end

-- Takes a call of this instance out of the registry; nothing when it is not its call, or has gone.
local function take_call(id, name)
  local key = P .. ':calls:' .. id
  local list = redis.pcall('HGETALL', key)
  local hash = {}
  for index = 1, #list, 2 do
    hash[list[index]] = list[index + 1]
  end
  if hash.instance and hash.instance ~= name then
    return nil
  end
  redis.call('SREM', P .. ':live:' .. name, id)
  redis.call('ZREM', P .. ':live', id)
  if not hash.instance then
    return nil
  end
  redis.call('DEL', key)
  return {id = id, at = tonumber(hash.started_at) or 0, text = cjson.encode(hash)}
end

local function open_for_resume(id, text)
  if redis.call('HSETNX', P .. ':lost', id, text) == 1 then
    redis.call('ZADD', P .. ':lost:since', NOW, id)
  end
end

-- The instance is gone: its callers keep their place with no holder, its grants return.
local function orphan(name)
  local held = Q .. 'held:' .. name
  for _, id in ipairs(redis.call('SMEMBERS', held)) do
    local entry = redis.call('HGET', ENTRIES, id)
    if entry and holder_of(entry) == name then
      local lease = lease_of(id)
      if lease and lease.kind == 'g' then
        return_to_place(id, lease)
      elseif lease then
        lease.holder = ''
        set_lease(id, lease)
      end
      set_holder(id, entry, nil)
      redis.call('ZADD', Q .. 'orphans', NOW, id)
    end
  end
  redis.call('DEL', held)
end

-- Takes everything from an instance. Its calls, as JSON, oldest first; they are open for resume now.
local function clear_instance(name)
  local calls = {}
  for _, id in ipairs(redis.call('SMEMBERS', P .. ':live:' .. name)) do
    local call = take_call(id, name)
    if call then
      calls[#calls + 1] = call
      open_for_resume(id, call.text)
    end
  end
  redis.call('DEL', P .. ':live:' .. name)
  for _, id in ipairs(redis.call('SMEMBERS', PERMITS .. ':' .. name)) do
    drop_permit(id)
  end
  orphan(name)
  redis.call('DEL', P .. ':instance:' .. name)
  redis.call('ZREM', P .. ':instances', name)
  if redis.call('ZCARD', CALLS) > 0 then
    hint('*')
  end
  return older_first(calls)
end
