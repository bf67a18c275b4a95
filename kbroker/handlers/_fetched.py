"""One partition of a Fetch: what is told of it, and up to where it may be read.

Does this node lead it in the epoch that the client believes in is asked before (`Partitions.lookup`); here: is the
offset inside the log, and has the client's log diverged (KIP-595).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kbroker.catalog import Topic
from kbroker.partitions import Partition
from wire.batch import batches
from wire.crc import Buffer
from wire.errors import ErrorCode
from wire.messages.fetch import AbortedTransaction, EpochEndOffset, LeaderIdAndEpoch, PartitionData, SnapshotId

if TYPE_CHECKING:
    from kbroker.server.sessions import Interest

NO_RECORDS = b""
NO_EPOCH: EpochEndOffset = EpochEndOffset.__default__()  # these three are shared by all answers that have none
NO_LEADER: LeaderIdAndEpoch = LeaderIdAndEpoch.__default__()
NO_SNAPSHOT: SnapshotId = SnapshotId.__default__()

# Errors that Kafka answers without asking the partition; the list of aborted transactions is empty there, and not null.
UNASKED = frozenset(
    (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.TOPIC_AUTHORIZATION_FAILED)
)


class Slot(PartitionData):
    """One partition of the request: what is told of it, and what is to be read for that."""

    __slots__ = ("bound", "interest", "is_final", "size", "source", "topic")

    def __init__(self, interest: Interest, topic: Topic | None) -> None:
        self.interest = interest
        self.topic = topic
        self.source: Partition | None = None
        self.bound = self.size = 0
        self.is_final = False  # an error or a divergence: there is nothing to wait for
        self.partition_index = interest.index
        self.error_code = 0
        self.high_watermark = self.last_stable_offset = self.log_start_offset = self.preferred_read_replica = -1
        self.diverging_epoch = NO_EPOCH
        self.current_leader = NO_LEADER
        self.snapshot_id = NO_SNAPSHOT
        self.aborted_transactions = None
        self.records = NO_RECORDS
        self.unknown_tags = None

    def examine(self, partition: Partition, read_committed: bool) -> None:
        """What the partition says of itself, and up to where it may be read."""
        interest = self.interest
        if not partition.is_open:
            self.refuse(ErrorCode.KAFKA_STORAGE_ERROR)
            return
        if interest.fetch_offset < partition.log_start:
            self.refuse(ErrorCode.OFFSET_OUT_OF_RANGE)
            return
        high = self.high_watermark = partition.replicas.high_watermark
        stable = self.last_stable_offset = partition.last_stable_offset
        self.log_start_offset = partition.log_start
        if read_committed:
            self.aborted_transactions = []
        if interest.last_fetched_epoch >= 0:
            epoch, end = partition.end_for_epoch(interest.last_fetched_epoch)
            if epoch < 0:
                self.refuse(ErrorCode.OFFSET_OUT_OF_RANGE)
                return
            if epoch < interest.last_fetched_epoch or end < interest.fetch_offset:
                self.diverging_epoch = EpochEndOffset(epoch=epoch, end_offset=end)
                self.is_final = True
                return
        if interest.fetch_offset > partition.end:
            self.refuse(ErrorCode.OFFSET_OUT_OF_RANGE)
            return
        self.bound = stable if read_committed else high

    def refuse(self, code: ErrorCode) -> None:
        """Tell the error, and nothing else of the partition."""
        self.error_code = code
        self.high_watermark = self.last_stable_offset = self.log_start_offset = -1
        self.records = NO_RECORDS
        self.aborted_transactions = [] if code in UNASKED else None
        self.bound = self.size = 0
        self.is_final = True


def aborted(slot: Slot, end: int) -> list[AbortedTransaction]:
    """What a reader of committed records skips in what it gets."""
    assert slot.source is not None
    return [
        AbortedTransaction(producer_id=each.producer_id, first_offset=each.first)
        for each in slot.source.undecided.aborted_between(slot.interest.fetch_offset, end)
    ]


def cut(buffers: Sequence[Buffer], limit: int) -> tuple[list[Buffer], int]:
    """The whole batches that fit, and their size."""
    kept: list[Buffer] = []
    size = 0
    for buffer in buffers:
        if size + len(buffer) <= limit:
            kept.append(buffer)
            size += len(buffer)
            continue
        fits = 0
        for batch in batches(buffer):
            if size + fits + batch.length > limit:
                break
            fits += batch.length
        if fits:
            kept.append(memoryview(buffer)[:fits])
        return kept, size + fits
    return kept, size
