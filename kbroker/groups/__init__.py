"""Groups: who consumes together, and how far each group has come.

    coordinator.py   Groups, the facade: which partition of `__consumer_offsets` a group lives in, and its runtime
    machine.py       GroupsMachine: all groups of one such partition, routes events to the parts below
    events.py        what can happen: requests with their tickets, and timers
    turn.py          one step: what it knows of the world, and its effects as they gather
    store.py         what is durable: group metadata and committed offsets, written only by applying records
    records.py       the records in Kafka's own format
    history.py       what has happened to each group, and why
    classic/         the JoinGroup protocol: states, members, join and sync phases, static membership
    consumer/        groups whose coordinator assigns (KIP-848)
    share/           groups that share the records of partitions (KIP-932)
    streams/         applications of Kafka Streams (KIP-1071)
    offsets/         commit, fetch, expiry, removal
    settings.py      the configs                topics.py     what we need of transactions

The durable and the living. `Store` holds what the log says and changes by `apply` alone. `ClassicGroup` objects are
alive: parked joins, session deadlines, a rebalance half done. They are made from the store at `Loaded`, and a step
may change them, because losing them is harmless: whoever was in the middle of a rebalance hears UNKNOWN_MEMBER_ID or
ILLEGAL_GENERATION and joins again.
"""

from kbroker.groups.coordinator import Groups

__all__ = ["Groups"]
