"""What a test wants to do to a broker: one table of verbs, carried out inside the broker's loop.

    table.py        what a verb is: name, arguments with types, answer, doc
    verbs/          the verbs, a file for each noun
    plain.py        typed values as plain JSON, and back
    shapes.py       what verbs take and answer with
    control.py      what a verb has at hand
    asking.py       asking a handler from inside
    watch.py        waiting on events, with words
    settling.py     until nothing moves any more
    views.py        the broker's parts as shapes
    history.py      every request and reply, as bytes
    reading.py      the same, decoded, when somebody looks
    journal.py      the broker's log, in memory
    faults/         what becomes of chosen requests
    storage.py      a disk that misbehaves
    anew.py         reset, snapshot, restore, crash
    counters.py     what never goes back when the data does
    guard.py        old clients make no topics again
    world.py        time in somebody's hand
    releases.py     the versions of Kafka's releases
    partitioner.py  where a key belongs
    house.py        several brokers in one process
    door.py         the first door: JSON lines over a socket pair
    child.py        the process behind it

A verb is a function whose first argument is the `Control`; the rest of its signature, its annotations and its docstring
are the table, from which doors and documents are made. A verb that answers with a stream of events is a subscription:
the door sends each event as it comes, until the asker has enough.

Nothing here is imported by a broker that nobody controls. `plain` and `shapes` know only the standard library: the
client of the verbs (`kbroker.testing`) has them, too.
"""
