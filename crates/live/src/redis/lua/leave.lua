-- ARGV: P, ahead, instance
clear_instance(ARGV[3])
return 1
