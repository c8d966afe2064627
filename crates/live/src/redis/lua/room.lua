-- Whether there is room for one more call.
local beats = {}

-- What an instance said of itself, when its lease runs: {limit, draining}.
local function beat_of(name)
  if beats[name] == nil then
    local hash = redis.call('HMGET', P .. ':instance:' .. name, 'limit', 'draining', 'ends')
    local alive = hash[3] and tonumber(hash[3]) >= NOW
    beats[name] = alive and {limit = tonumber(hash[1]), draining = hash[2] == '1'} or false
  end
  return beats[name]
end

-- The limit that keeps the call out, or nothing. What the call holds already is not counted against it.
local function full(own, instance, agent, tenant, agent_limit, tenant_limit)
  local function others(kind, name, held)
    return taken(kind .. name) - (held == name and 1 or 0)
  end
  local beat = beat_of(instance)
  local limit = beat and not beat.draining and beat.limit or 0
  if others('i:', instance, own[1]) >= limit then
    return 'instance'
  elseif agent_limit and others('a:', agent, own[2]) >= agent_limit then
    return 'agent'
  elseif tenant_limit and others('t:', tenant, own[3]) >= tenant_limit then
    return 'tenant'
  end
end

