settle()
for _, id in ipairs(redis.call('ZRANGE', CALLS, 0, -1)) do
  local entry = redis.call('HGET', ENTRIES, id)
  if entry then
    begin_lease(id, 'd', holder_of(entry) or '', NOW + ARGV[3])
    return entry
  end
  redis.call('ZREM', CALLS, id)
  redis.call('ZREM', SINCE, id)
end
return false
