"""A broker and its clients in one thread, in virtual time, over a network and a disk made of memory.

    loop.py       the event loop: time passes only when nothing is left to do
    network.py    connections in memory: delays, pieces, cuts, ambushes, by the dice of one seed
    disk.py       a disk that forgets, takes time, fails, and on which the process may die in any call
    world.py      the World that a broker is given: virtual time, dice, that disk, and a switch that kills
    plan.py       what kind of life it will be: configs, limits made small, one node or two
    client.py     a small Kafka client on `wire.conversation`
    actors.py     producers.py  readers.py  members.py  visitor.py      who is at work, and what each sees
    faults.py     what happens to the broker
    history.py    what the clients saw                checkers.py    what must never be seen, in Maelstrom's words
    life.py       one seed, one life: all of that together, and what the checkers say in the end
    mutants.py    planted bugs: a checker is believed after it has caught them
    transactions.py   transaction_mutants.py      lives with transactions, and the bugs planted in those

Everything that chance decides is drawn from `random.Random(seed)`, so a seed can be lived again: docs/simulation.md.
"""
