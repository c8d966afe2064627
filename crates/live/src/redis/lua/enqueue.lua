-- The other cases: what has run out returns to its place, then it is as above, or the caller is in the queue already, or it is full.
settle()
if holder ~= '' then
  note_instance(holder, ARGV[10])
end

local entry = redis.call('HGET', ENTRIES, id)
if entry then
  local old = holder_of(entry)
  local lease = lease_of(id)
  if lease and lease.kind == 'g' and lease.holder ~= holder then
    -- The grant counted against the former instance's room.
    drop_permit(id)
    return_to_place(id, lease)
  elseif lease then
    lease.holder = holder
    set_lease(id, lease)
  end
  if old then
    redis.call('SREM', Q .. 'held:' .. old, id)
  end
  redis.call('ZREM', Q .. 'orphans', id)
  set_holder(id, entry, holder ~= '' and holder or nil)
  if holder ~= '' then
    redis.call('SADD', Q .. 'held:' .. holder, id)
  else
    -- Its socket is gone: it is given up like a dead instance's when nobody takes it.
    redis.call('ZADD', Q .. 'orphans', NOW, id)
  end
  resumed(id)
  return {'already', place_of(id)}
end

-- What had run out is put right: the caller may try again.
return redis.call('ZCARD', CALLS) < tonumber(ARGV[9]) and {'again'} or {'full'}
