"""Share groups (KIP-932): members that read the same partitions together. The records are shared, not the partitions.

    states.py      the states of a group, as a table
    assignor.py    who should read what, pure: Kafka's `simple`
    heartbeat.py   the one request that members send     describe.py   what groups look like from outside
    group.py       what is durable, and how records change it     change.py   what one step makes of it: its records
    part.py        which group an event is about; sessions; keeping the state of partitions
    offsets.py     administration: where such a group reads on

No member ever waits for another: a partition may be given to one before another has let go of it, since it is the
records that are locked, where they are delivered (kbroker/shares). So a member goes from its epoch to that of the
target in one step, at its next heartbeat.

What is delivered must be kept somewhere, so a partition is given to members only when the share coordinator keeps its
state: a group that comes upon a new partition has it begun first (`initializing`, then `initialized`).
"""
