-- ARGV: P, ahead, scan, grant lease (us)
return serve(tonumber(ARGV[3]), tonumber(ARGV[4]))
