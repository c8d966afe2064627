settle()
return redis.call('ZCARD', CALLS)
