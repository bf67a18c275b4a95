"""The log cleaner: retention and compaction of every log of the broker.

    settings.py      what a topic's config says of it            keys.py      the last offset of each key, bounded
    records.py       records as slices of their batch, pure      marks.py     which transaction a batch belongs to, pure
    sieve.py         what stays of a batch, pure                 run.py       compaction of one log
    work.py          where a run looks into batches               outside.py   ... by a process of its own, hand.py
    schedule.py      what is due when, one timer                 cleaner.py   Cleaner: looks at logs, does what is due
    dirty.py         how far a log was compacted                 breath.py    giving way
    ports.py         what is needed of the others

Storage decides on whole pieces (`storage/retention.py`, `storage/compaction.py`) and swaps them; here batches are
looked into. What others use:

    Cleaner(engine, world, config, topics, partitions, catalog_log)
        .start()                    the first look, after log.initial.task.delay.ms
        .grown(log)                 something was written to the log since the last look
        .changed(topic)             its config is another one now
        await .run(topic=None)      look at all logs, or those of one topic, now; answers when what was due is done
        await .close()              stops within a step, or ends the other process; what was begun is undone

Nothing runs while nothing is due: a log that nobody writes to has at most the one alarm at which its oldest piece
becomes too old.
"""

from .cleaner import Cleaner

__all__ = ["Cleaner"]
