-- <P>:queue:calls      sorted set of those who wait: call -> microseconds they wait since, less what their priority counts
-- <P>:queue:since      sorted set of those and of those with a lease: call -> microseconds they wait since
-- <P>:queue:entries    hash: call -> JSON, of those who wait, were granted a place, or were dequeued
-- <P>:queue:grants     sorted set of those who were granted a place or dequeued: call -> end of the lease
-- <P>:queue:leased     hash of the same: call -> g (granted) or d (dequeued) | holder | score in calls
-- <P>:queue:granted:<instance>   set of the calls granted to it
-- <P>:queue:held:<instance>      set of the calls whose socket it has
-- <P>:queue:orphans    sorted set: call -> since when its instance is dead
-- <P>:queue:stats      hash of the totals, of the last time given out, and of what was measured: rate_last, rate_mean, rate_measured
-- <P>:queue:lapsed     list of the calls whose grant lapsed since the queue was served
local Q = P .. ':queue:'
local CALLS, SINCE, ENTRIES, GRANTS, LEASED, STATS = Q .. 'calls', Q .. 'since', Q .. 'entries', Q .. 'grants', Q .. 'leased', Q .. 'stats'
-- What is served is measured: older measurements (us) say nothing about now; there must be so many.
local FRESH, MEASURED = 600000000, 3
