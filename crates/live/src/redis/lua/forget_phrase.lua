-- ARGV: P, ahead, name
forget_phrase(ARGV[3])
return 1
