"""Partitions: one `Partition` per log, the only writer of it, whatever the number of nodes in this process.

    partition.py   Partition: offsets, appends, reads       registry.py    Partitions: all of them, and who leads
    staging.py     a write under way                        recovery.py    opening from a note and the log's tail
    producers.py   KIP-98: sequences and epochs, pure       epochs.py      where each leader epoch begins, pure
    undecided.py   open and aborted transactions, pure      marking.py     how a transaction ends
    replicas.py    marks and the high watermark, pure       waiters.py     who waits for the log to move
    validate.py    the checks of a produced batch, pure     rewrite.py     other compression, the broker's time
    checkpoint.py  what is saved for the next start, pure   search.py      offsets by time
    topics.py      what is needed of the catalog

What others use (offsets are ints, times ms since the epoch, futures those of the loop):

    Partitions(engine, world, *, producer_expiration_ms=86_400_000, every_record=False)
        .lookup(node_id, topic, index, current_leader_epoch=-1) -> Partition    topic: the catalog's Topic, or None
             raises KafkaError: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, FENCED_ or UNKNOWN_LEADER_EPOCH
        .open(topic, index) -> Partition        without asking who leads; made at the first call, loads by itself
        .changed(topic)                         leaders, epochs, replicas or configs of the topic are others now
        .on_growth, .tell_growth(topic_id, index)      who is told that a log was written to, once until asked for again
        .drop(topic)                            deleted: whoever waits wakes and finds no topic; its logs are deleted
        await .close()                          checkpoints of a clean stop, before the engine closes

    Partition
        .name  "orders-0"     .log  the engine's name of the log
        .is_open  .is_loading  .ready() -> Future[None]  .when_open(callback)
             before it is open nothing else may be asked; without bytes, or after a clean stop, it is open at once
        .log_start  .end                        `end` is the offset that the next batch will get: it counts writes still
                                                under way, and moves inside append(), before any await
        .high_watermark  .last_stable_offset    move only when the write is done (and by the marks of the ISR)
        .leader_epoch  .epochs  .producers  .undecided  .replicas  .waiters  .rules
        .is_ongoing(producer_id, epoch) -> bool
        .undecided.admission(producer_id, epoch, sequence) -> Admission     for stage(); see undecided.py
        .stage(records, zstd_allowed, admission) -> Staging | Duplicate,  .write(staging)
                                                what produce uses: a place for a client's batch, then its write
        .append(batches) -> Future[int], .put(batches, settled)
                                                batches made by this broker (runtimes; markers), whole, in writable
                                                buffers, stamped here; the base offset of the first, which is .end as it
                                                was before the call. KafkaError(KAFKA_STORAGE_ERROR) if the write fails
        .read(offset, max_bytes, before=None) -> Future[Chunk]      to the end of what is written, or to `before`
        .bound(read_committed) -> int           high watermark or last stable offset
        await .offset_for_time(at_ms, before) -> Found | None       Found(offset, timestamp)
        await .offset_of_max_timestamp(before) -> Found | None
        .end_for_epoch(epoch) -> (epoch, end offset)                (-1, -1) when unknown
        .delete_records(offset) -> Future[int]  the new log start; offset -1 is the high watermark

A `Partition` has what a runtime asks of a log (`MachineLog`): log_start, end, append, read. It knows offsets, not
clients: who may use it is `Partitions.lookup`'s business.
"""

from typing import TYPE_CHECKING

from .registry import Partitions

if TYPE_CHECKING:
    from .partition import Partition

__all__ = ["Partition", "Partitions"]


def __getattr__(name: str) -> object:
    """`Partition` comes with all that knows batches: a start without requests does not need it."""
    if name != "Partition":
        raise AttributeError(name)
    from .partition import Partition

    return Partition
