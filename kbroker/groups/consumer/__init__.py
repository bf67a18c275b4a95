"""Consumer groups (KIP-848): the coordinator assigns, and leads every member to its part with its heartbeats.

    states.py      the states of group and member, as tables: read them first
    reconcile.py   one step of one member towards its target, pure: the heart of it
    assignors/     who should read what, pure
    heartbeat.py   the one request that members send       decisions.py   what they may and may not
    update.py      epochs, targets and timers              group.py       what is durable, and how records change it
    change.py      what one step makes of a group: its records    member.py  assignment.py  metadata.py   values
    describe.py    what groups look like from outside
    classic.py     members of the classic protocol in a consumer group     migration.py  a group changes its type

Nothing of such a group is alive but its timers: each step reads the durable state and writes records. So whoever
takes over the log goes on in the middle of a rebalance, and no member notices.
"""
