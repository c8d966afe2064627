-- Who waits, who has a lease, and what is counted of them.
-- What a new measurement counts; the mean so far counts the rest.
local NEW = 0.2

local function hint(who)
  redis.call('PUBLISH', P .. ':hints', who)
end

local function whole(number)
  return string.format('%.0f', number)
end

-- The holder stands last in an entry, so that it can be changed without reading the rest.
local function holder_of(entry)
  return string.match(entry, ',"holder":"([%w._-]+)"}$')
end

local function set_holder(id, entry, holder)
  local value = holder and '"' .. holder .. '"' or 'null'
  redis.call('HSET', ENTRIES, id, (string.gsub(entry, ',"holder":[^,]*}$', ',"holder":' .. value .. '}')))
end

local function lease_of(id)
  local record = redis.call('HGET', LEASED, id)
  if record then
    local kind, holder, score = string.match(record, '^(%a)|([^|]*)|([^|]*)$')
    return {kind = kind, holder = holder, score = tonumber(score)}
  end
end

local function set_lease(id, lease)
  redis.call('HSET', LEASED, id, lease.kind .. '|' .. lease.holder .. '|' .. whole(lease.score))
end

local function end_lease(id, lease)
  redis.call('ZREM', GRANTS, id)
  redis.call('HDEL', LEASED, id)
  if lease.kind == 'g' then
    redis.call('SREM', Q .. 'granted:' .. lease.holder, id)
  end
end

-- From those who wait to those who have a lease.
local function begin_lease(id, kind, holder, ends)
  local score = redis.call('ZSCORE', CALLS, id)
  redis.call('ZREM', CALLS, id)
  redis.call('ZADD', GRANTS, ends, id)
  set_lease(id, {kind = kind, holder = holder, score = tonumber(score)})
  if kind == 'g' then
    redis.call('SADD', Q .. 'granted:' .. holder, id)
  end
end

-- And back, to the old place.
local function return_to_place(id, lease)
  end_lease(id, lease)
  redis.call('ZADD', CALLS, lease.score, id)
end

-- Leases that have run out: everyone returns to their place, the permits of grants are free.
local function settle()
  local over = redis.call('ZRANGEBYSCORE', GRANTS, '-inf', whole(NOW))
  if #over == 0 then
    return
  end
  for index, id in ipairs(over) do
    over[index] = {id, lease_of(id) or {score = -1}}
  end
  table.sort(over, function(a, b) return a[2].score < b[2].score or (a[2].score == b[2].score and a[1] < b[1]) end)
  for _, each in ipairs(over) do
    local id, lease = each[1], each[2]
    if not lease.kind then
      redis.call('ZREM', GRANTS, id)
    else
      if lease.kind == 'g' then
        drop_permit(id)
        redis.call('RPUSH', Q .. 'lapsed', id)
        redis.call('HINCRBY', STATS, 'lapsed', 1)
      end
      return_to_place(id, lease)
    end
  end
  hint('*')
end

local function is_granted(id)
  local lease = lease_of(id)
  return lease ~= nil and lease.kind == 'g'
end

-- Takes a caller out wherever it is; since when it waited, and the entry. Nothing when it is not in the queue.
local function take_out(id)
  local entry = redis.call('HGET', ENTRIES, id)
  if not entry then
    return nil
  end
  if redis.call('ZREM', CALLS, id) == 0 then
    local lease = lease_of(id)
    if lease then
      end_lease(id, lease)
    end
  end
  local since = redis.call('ZSCORE', SINCE, id)
  redis.call('ZREM', SINCE, id)
  redis.call('HDEL', ENTRIES, id)
  redis.call('LREM', Q .. 'lapsed', 0, id)
  local holder = holder_of(entry)
  if holder then
    redis.call('SREM', Q .. 'held:' .. holder, id)
  else
    redis.call('ZREM', Q .. 'orphans', id)
  end
  return tonumber(since or NOW), entry
end

local function somebody_waits()
  if redis.call('ZCARD', CALLS) > 0 then
    return true
  end
  for _, id in ipairs(redis.call('ZRANGE', GRANTS, 0, -1)) do
    if is_granted(id) then
      return true
    end
  end
  return false
end

-- Nobody waits: the time to the next service says how often people call, not how often they are served.
local function idle_when_empty()
  if not somebody_waits() then
    redis.call('HDEL', STATS, 'rate_last')
  end
end

local function numbers(text)
  local found = {}
  for number in string.gmatch(text or '', '%d+') do
    found[#found + 1] = tonumber(number)
  end
  return found
end

-- One more service: the mean interval between services while somebody waited, newer intervals counting more.
local function measure()
  local rate = redis.call('HMGET', STATS, 'rate_last', 'rate_mean', 'rate_measured')
  if rate[1] then
    local interval, mean, measured = NOW - tonumber(rate[1]), tonumber(rate[2] or 0), numbers(rate[3])
    if #measured == 0 or NOW - measured[#measured] >= FRESH then
      mean, measured = interval, {}
    else
      mean = (1.0 - NEW) * mean + NEW * interval
    end
    measured[#measured + 1] = NOW
    if #measured > MEASURED then
      table.remove(measured, 1)
    end
    for index, at in ipairs(measured) do
      measured[index] = whole(at)
    end
    redis.call('HSET', STATS, 'rate_mean', string.format('%.17g', mean), 'rate_measured', table.concat(measured, ','))
  end
  if somebody_waits() then
    redis.call('HSET', STATS, 'rate_last', whole(NOW))
  else
    redis.call('HDEL', STATS, 'rate_last')
  end
end

-- The caller is served. Microseconds it waited, or nothing when it was not in the queue.
local function served(id, threshold)
  local since = take_out(id)
  if not since then
    return nil
  end
  local waited = math.max(0, NOW - since)
  local ms = math.floor(waited / 1000)
  redis.call('HINCRBY', STATS, 'total_dequeued', 1)
  redis.call('HINCRBY', STATS, 'wait_total_ms', whole(ms))
  if ms > tonumber(redis.call('HGET', STATS, 'wait_max_ms') or 0) then
    redis.call('HSET', STATS, 'wait_max_ms', whole(ms))
  end
  if waited <= tonumber(threshold) then
    redis.call('HINCRBY', STATS, 'within_threshold', 1)
  end
  measure()
  return waited
end

-- Mean interval between services (us), or nothing while too little was measured.
local function interval_of_service()
  local rate = redis.call('HMGET', STATS, 'rate_mean', 'rate_measured')
  local measured = numbers(rate[2])
  if rate[1] and #measured >= MEASURED and NOW - measured[1] < FRESH then
    return tonumber(rate[1])
  end
end

-- {position, depth, expected wait in us or -1}
local function place(position, depth, interval)
  return {position, depth, interval and whole(math.floor(interval * position)) or '-1'}
end

-- Where a caller stands; in front of all, for one who waits no more.
local function place_of(id)
  return place((redis.call('ZRANK', CALLS, id) or 0) + 1, redis.call('ZCARD', CALLS), interval_of_service())
end
