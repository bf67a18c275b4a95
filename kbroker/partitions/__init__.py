"""Partitions: one `Partition` per log, the only writer of it, whatever the number of nodes in this process.

    partition.py   Partition: offsets, appends, reads, recovery        registry.py   Partitions: all of them, and who leads
    producers.py   KIP-98: sequences and epochs, pure                  epochs.py     where each leader epoch begins, pure
    replicas.py    marks of the replicas, the high watermark, pure     waiters.py    who waits for the log to move
    validate.py    the checks of a produced batch, pure                rewrite.py    other compression, broker's time
    checkpoint.py  what is saved so that a restart need not read all   topics.py     what we need of the catalog

What others use (all offsets are ints, times ms since the epoch, futures those of the loop):

    Partitions(engine, world, topics, validate_records=False, producer_expiration_ms=86_400_000)
        .lookup(node_id, topic, index, current_leader_epoch=-1) -> Partition     topic: the catalog's Topic or None
             raises KafkaError: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, FENCED_ and UNKNOWN_LEADER_EPOCH
        .open(topic, index) -> Partition         without asking who leads; made at the first call, loads by itself
        .append(stagings) -> Future[None]        what produce uses: one engine.append for a whole request
        .changed(topic)                          leaders, epochs, replicas or configs of the topic are others now
        .drop(topic)                             deleted: parked requests wake and find no topic; the logs are deleted
        .close() -> Future[None]                 checkpoints of a clean stop

    Partition
        .name  "orders-0"   .log  the engine's name of the log   .topic_id   .index
        .is_open, .ready() -> Future[None]       nothing else may be asked before it is open, or KAFKA_STORAGE_ERROR is
                                                 raised; a partition without bytes is usually open at once
        .log_start  .end                         `end` is the offset that the next batch will get, so it counts writes that
                                                 are still under way; it moves inside append(), before any await
        .high_watermark  .last_stable_offset     move only when the write is done (and for the marks of the ISR)
        .leader_epoch  .epochs  .producers  .replicas  .waiters
        .append(batches) -> Future[Appended]     batches made by this broker (runtimes, markers): whole batches in writable
                                                 buffers, base offsets and epoch are stamped here; the first gets .end as
                                                 it was before the call. KafkaError(KAFKA_STORAGE_ERROR) if the write fails
        .read(offset, max_bytes, before=None) -> Future[Chunk]       to the end of what is written, or to `before`
        .bound(read_committed) -> int            high watermark or last stable offset
        .offset_for_time(at_ms, before) -> Future[Found | None]      Found(offset, timestamp, leader_epoch)
        .offset_of_max_timestamp(before) -> Future[Found | None]
        .end_for_epoch(epoch) -> (epoch, end offset)                 (-1, -1) when unknown
        .delete_records(offset) -> Future[int]   the new log start; offset -1 is the high watermark

A `Partition` has what a runtime asks of a log (`MachineLog`): log_start, end, append, read. It knows offsets, not leaders:
who may use it is `Partitions.lookup`'s business.
"""
