-- ARGV: P, ahead, call, instance, agent, tenant, agent's limit or '', tenant's limit or '', scan, grant lease (us), service threshold (us)
local id, instance, agent, tenant = ARGV[3], ARGV[4], ARGV[5], ARGV[6]

-- 'admitted', or the limit that keeps the call out.
local function admit()
  local held = permit_of(id)
  if not held or held[1] ~= instance then
    local limit = full(held or {}, instance, agent, tenant, tonumber(ARGV[7]), tonumber(ARGV[8]))
    if limit then
      return limit
    end
    if held then
      drop_permit(id, held)
    end
    put_permit(id, instance, agent, tenant)
  end
  resumed(id)
  return 'admitted'
end

-- The usual case, without what the others need: nobody is in the queue.
if redis.call('HLEN', ENTRIES) == 0 then
  return admit()
end
