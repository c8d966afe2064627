-- ARGV: P, ahead, instance, limit, draining, url, lease (us), registry time to live (ms), resume window (us), dead at once
local name, lease, ttl, window = ARGV[3], tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local INSTANCES, hash = P .. ':instances', P .. ':instance:' .. name

-- An instance's entries live as long as their calls: some microseconds for each, every heartbeat. None runs out before its instance's lease has
-- run out for the rest of the time to live, which is what the count relies on.
local function renew(instance)
  for _, id in ipairs(redis.call('SMEMBERS', P .. ':live:' .. instance)) do
    if redis.call('PEXPIRE', P .. ':calls:' .. id, ttl) == 0 then
      redis.call('SREM', P .. ':live:' .. instance, id)
      redis.call('ZREM', P .. ':live', id)
    end
  end
end

-- Nobody was heard for a whole lease: not all of them are dead, the server was out of reach, or its clock jumped. The others get a lease to be
-- heard again; this one tells what it has anyway.
local function grace()
  local heard = tonumber(redis.call('GET', P .. ':heard'))
  if heard and NOW - heard > lease then
    for _, other in ipairs(redis.call('ZRANGEBYSCORE', INSTANCES, '-inf', '(' .. whole(NOW))) do
      if other ~= name then
        redis.call('ZADD', INSTANCES, NOW + lease, other)
        renew(other)
        if redis.call('EXISTS', P .. ':instance:' .. other) == 1 then
          redis.call('HSET', P .. ':instance:' .. other, 'seen', whole(NOW), 'ends', whole(NOW + lease))
        end
      end
    end
  end
  redis.call('SET', P .. ':heard', whole(NOW))
end

-- The dead by name, this one's former self before the others.
local function dead()
  local names = redis.call('ZRANGEBYSCORE', INSTANCES, '-inf', '(' .. whole(NOW))
  table.sort(names, function(a, b)
    if (a == name) ~= (b == name) then
      return a == name
    end
    return a < b
  end)
  return names
end

-- Calls that nobody took up.
local function given_up()
  local over = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. ':lost:since', '-inf', whole(NOW - window))) do
    local text = redis.call('HGET', P .. ':lost', id)
    if text then
      local read, call = pcall(cjson.decode, text)
      over[#over + 1] = {id = id, at = read and tonumber(call.started_at) or 0, text = text}
    end
    resumed(id)
    redis.call('ZREM', P .. ':lost:since', id)
  end
  return older_first(over)
end

-- Waiting callers who did not come back.
local function abandoned()
  local over = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', Q .. 'orphans', '-inf', whole(NOW - window))) do
    local score = redis.call('ZSCORE', CALLS, id)
    if score then
      local _, entry = take_out(id)
      over[#over + 1] = {id = id, at = tonumber(score), text = entry}
      redis.call('HINCRBY', STATS, 'abandoned', 1)
    elseif not lease_of(id) then
      redis.call('ZREM', Q .. 'orphans', id)
    end
  end
  idle_when_empty()
  return older_first(over)
end

local ends = redis.call('ZSCORE', INSTANCES, name)
local known = ends and tonumber(ends) >= NOW and redis.call('HEXISTS', hash, 'limit') == 1
local lost = {}
grace()
for number, gone in ipairs(dead()) do
  if number > tonumber(ARGV[10]) then
    break
  end
  for _, text in ipairs(clear_instance(gone)) do
    lost[#lost + 1] = text
  end
end
redis.call('HSET', hash, 'limit', ARGV[4], 'draining', ARGV[5], 'url', ARGV[6], 'seen', whole(NOW), 'ends', whole(NOW + lease))
redis.call('ZADD', INSTANCES, NOW + lease, name)
renew(name)
settle()
return {known and 1 or 0, lost, given_up(), abandoned()}
