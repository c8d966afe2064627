-- ARGV[1]: key prefix. ARGV[2]: microseconds that a test is ahead of the server's clock, else 0.
-- Numbers go into commands as numbers: joined to text with '..' they would lose digits.
local P = ARGV[1]
local time = redis.call('TIME')
local NOW = time[1] * 1000000 + time[2] + ARGV[2]
