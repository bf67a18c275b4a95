"""What `kbroker learn` says of the frames that somebody's own client sends, and whether its exercises are done.

    mistakes.py    which byte of a frame is wrong, what was expected there, and how it would read well
    repairs.py     the one length, header or version with which a broken frame reads well
    batches.py     what a record batch says of itself that is not so
    scram.py       what is wrong in the messages of a login
    shapes.py      what is said, as values
    rules.py       the rule behind: of the frame, of flexible versions, of the field in its versions
    exercises.py   what is done, what is wrong, what is still to do; lessons.py has the ten of them

All of it reads exchanges (`kbroker.trace.exchange`) and nothing else, so it does not matter where they come from. What
is known of messages is in their definitions (`wire.messages`) and is read from there and by `wire.explain`.
"""
