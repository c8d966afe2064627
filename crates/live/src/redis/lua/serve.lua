-- Who may be answered next.
local function text_of(value)
  return type(value) == 'string' and value or ''
end

local function number_of(value)
  return type(value) == 'number' and value or nil
end

-- Grants a waiting caller a place, when holder, agent and tenant have room.
local function grant(id, lease)
  local text = redis.call('HGET', ENTRIES, id)
  local holder = text and holder_of(text)
  if not holder then
    return false
  end
  local read, entry = pcall(cjson.decode, text)
  if not read or type(entry) ~= 'table' then
    return false
  end
  local agent, tenant = text_of(entry.agent_id), text_of(entry.tenant)
  if full(permit_of(id) or {}, holder, agent, tenant, number_of(entry.agent_limit), number_of(entry.tenant_limit)) then
    return false
  end
  take_permit(id, holder, agent, tenant)
  begin_lease(id, 'g', holder, NOW + lease)
  hint(holder)
  return true
end

-- Whether any instance could take one more: while all are full, nobody in the queue has to be looked at.
local function room_anywhere()
  for _, name in ipairs(redis.call('ZRANGE', P .. ':instances', 0, -1)) do
    local beat = beat_of(name)
    if beat and not beat.draining and taken('i:' .. name) < beat.limit then
      return true
    end
  end
  return false
end

-- In order, until `scan` callers could not be served; those whose grant has lapsed come after all others.
local PAGE = 64
local function serve(scan, lease)
  settle()
  if redis.call('ZCARD', CALLS) == 0 then
    redis.call('DEL', Q .. 'lapsed')
    return 0
  end
  local lapsed, late = {}, redis.call('LRANGE', Q .. 'lapsed', 0, -1)
  redis.call('DEL', Q .. 'lapsed')
  for _, id in ipairs(late) do
    lapsed[id] = true
  end
  local granted, blocked, from, room = 0, 0, 0, room_anywhere()
  while room and blocked < scan do
    local ids = redis.call('ZRANGE', CALLS, from, from + PAGE - 1)
    if #ids == 0 then
      break
    end
    for _, id in ipairs(ids) do
      if lapsed[id] then
        from = from + 1
      elseif grant(id, lease) then
        granted = granted + 1
        -- Only a grant takes room.
        room = room_anywhere()
        if not room then
          break
        end
      else
        from, blocked = from + 1, blocked + 1
        if blocked >= scan then
          break
        end
      end
    end
  end
  for _, id in ipairs(late) do
    if redis.call('ZSCORE', CALLS, id) and grant(id, lease) then
      granted = granted + 1
    end
  end
  return granted
end
