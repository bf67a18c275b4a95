"""A broker and its clients in one thread, in virtual time, over a network and a disk made of memory.

    loop.py       the event loop: time passes only when nothing is left to do
    network.py    connections in memory: delays, pieces, cuts, by the dice of one seed
    client.py     a small Kafka client on `wire.conversation`
    life.py       one seed, one life: a broker, clients at work, faults, and what the checkers say in the end
    checkers.py   what must never be seen, in Maelstrom's words
    mutants.py    planted bugs: a checker is believed after it has caught them

Everything that chance decides is drawn from `random.Random(seed)`, so a seed can be lived again.
"""
