-- ARGV: P, ahead, call, instance, agent, tenant, lease (us), service threshold (us)
settle()
note_instance(ARGV[4], ARGV[7])
take_permit(ARGV[3], ARGV[4], ARGV[5], ARGV[6])
resumed(ARGV[3])
served(ARGV[3], ARGV[8])
return 1
