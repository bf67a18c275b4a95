"""What ShareFetch reads of one partition: which batches there are, and which of them go out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kbroker.catalog import Topic
from kbroker.partitions import Partition
from kbroker.partitions.undecided import Aborted
from kbroker.shares.acquire import Acquired, Span
from kbroker.shares.partition import SharePartition
from kbroker.shares.sessions import Place
from storage.engine import Chunk
from wire.batch import Batch, batches
from wire.crc import Buffer
from wire.errors import ErrorCode, KafkaError
from wire.messages.share_fetch import AcquiredRecords, LeaderIdAndEpoch, PartitionData

NO_RECORDS = b""


class Slot:
    """One partition of a request: what will be told of it, and what is to be read for that."""

    __slots__ = ("acquired", "bound", "data", "offset", "partition", "place", "share", "topic")

    def __init__(self, place: Place, topic: Topic | None) -> None:
        self.place = place
        self.topic = topic
        self.partition: Partition | None = None
        self.share: SharePartition | None = None
        self.offset = self.bound = 0
        self.acquired: Sequence[Acquired] = ()
        self.data = told_of(place)

    @property
    def log(self) -> str:
        assert self.partition is not None
        return self.partition.log

    def refuse(self, error: KafkaError) -> None:
        self.data.error_code, self.data.error_message = error.code, error.message

    def look(self, read_committed: bool) -> bool:
        """Is there anything to read? Then from where, and up to where."""
        if self.data.error_code or self.share is None or self.share.is_void or self.partition is None:
            return False
        offset = self.share.next_offset()
        self.bound = self.partition.bound(read_committed)
        if offset is None or offset >= self.bound:
            return False
        self.offset = offset
        return True

    def tell(self) -> PartitionData:
        self.data.acquired_records = [
            AcquiredRecords(first_offset=first, last_offset=last, delivery_count=count)
            for first, last, count in self.acquired
        ]
        return self.data


def told_of(place: Place) -> PartitionData:
    """An answer about a partition, of which there is nothing to tell yet."""
    return PartitionData(
        partition_index=place[1],
        error_code=ErrorCode.NONE,
        acknowledge_error_code=ErrorCode.NONE,
        current_leader=LeaderIdAndEpoch(leader_id=0, leader_epoch=0),
        records=NO_RECORDS,
        acquired_records=[],
    )


class Lying(NamedTuple):
    """A batch where it lies in what was read: in which buffer, from which byte to which."""

    span: Span
    buffer: int
    start: int
    end: int


def spans_of(slot: Slot, chunk: Chunk, read_committed: bool) -> list[Lying]:
    """The batches of a chunk. Those of aborted transactions are not for who reads committed records only."""
    assert slot.partition is not None
    aborted = slot.partition.undecided.aborted_between(slot.offset, chunk.next_offset) if read_committed else ()
    found = []
    for number, buffer in enumerate(chunk.buffers):
        at = 0
        for batch in batches(buffer):
            skip = bool(aborted) and batch.is_transactional and not batch.is_control and _is_of(batch, aborted)
            span = Span(batch.base_offset, batch.last_offset, skip)
            found.append(Lying(span, number, at, at + batch.length))
            at += batch.length
    return found


def _is_of(batch: Batch, aborted: Sequence[Aborted]) -> bool:
    return any(
        each.producer_id == batch.producer_id and each.first <= batch.base_offset <= each.last
        for each in aborted
    )


def taken_bytes(slot: Slot, chunk: Chunk, lying: Sequence[Lying]) -> bytes | list[Buffer]:
    """The batches of which something was taken, and what lies between them."""
    if not slot.acquired:
        return NO_RECORDS
    first, last = slot.acquired[0].first, slot.acquired[-1].last
    bounds: dict[int, tuple[int, int]] = {}
    for each in lying:
        if each.span.last >= first and each.span.first <= last:
            bounds[each.buffer] = (bounds.get(each.buffer, (each.start, 0))[0], each.end)
    return [memoryview(chunk.buffers[number])[start:end] for number, (start, end) in bounds.items()]
