"""Streams groups (KIP-1071): applications of Kafka Streams, whose members run tasks.

Members bring their topology: which topics each part of the application reads, and which internal topics it needs. The
broker makes those, cuts the work into tasks, gives them to the members and leads every member to its part with its
heartbeats, in the ways of consumer groups (../consumer).

    states.py      the states of group and member, and the warnings, as tables: read them first
    reconcile.py   one step of one member towards its target, pure: the heart of it
    assignor.py    who should run what, pure       configure.py  the topology meets the topics that there are, pure
    heartbeat.py   the one request that members send             decisions.py  what they may and may not
    update.py      epochs, targets and timers                    group.py      what is durable, and what records change
    change.py      what one step makes of a group: its records   tasks, topology, member, settings: values
    describe.py    what groups look like from outside            endpoints.py  where tasks can be asked
    making.py      internal topics, made through the catalog

Nothing of such a group is alive but its timers: each step reads the durable state and writes records. So whoever
takes over the log goes on in the middle of a rebalance, and no member notices.
"""
