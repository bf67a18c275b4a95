"""Classic groups: the JoinGroup protocol, in which a member of the group assigns the partitions.

    states.py    what each state lets each request do, and where it may go: the table to read first
    member.py    one member         group.py    the group: members, instances, who has joined, who has synced
    decisions.py pure choices: may this one join, which protocol, is this member who it says
    rebalance.py the join phase from its beginning to a new generation
    join.py  sync.py  leave.py  heartbeat.py    what requests do     describe.py    what they look like from outside

A generation is made in two phases. In the join phase (PreparingRebalance) everyone who wants to be in it sends
JoinGroup and is parked; its end numbers the generation, chooses a leader and a protocol, and answers all. In the sync
phase (CompletingRebalance) the leader computes the assignment and sends it with its SyncGroup; the others ask with
theirs and are parked until it is there. Then the group is Stable and is written to the log: once a generation, not
once a step.
"""
