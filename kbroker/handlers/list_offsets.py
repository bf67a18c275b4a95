"""ListOffsets: which offset belongs to a time, or to one of the special values.

    0 and up   the first record with that timestamp or a later one, and its own timestamp
    -1         the end for this reader: high watermark, or last stable offset with isolation level 1
    -2         the log start
    -3         the record with the greatest timestamp (KIP-734)
    -4         the start of what is stored here (KIP-405): without tiered storage the log start
    -5, -6     what tiered storage has (KIP-1005) or will get (KIP-1023): without it, nothing

-1, -2 and -4 have no timestamp to tell. Nothing found is no error: offset, timestamp and leader epoch are -1. A value
that this version does not have yet is UNSUPPORTED_VERSION. The engine finds the one batch; only its records are walked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Coroutine
from typing import Any

from kbroker.context import Context
from kbroker.partitions import Partition
from kbroker.partitions.search import Found
from storage.engine import StorageError
from wire.errors import ErrorCode, KafkaError
from wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)

LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL, LATEST_TIERED, EARLIEST_PENDING_UPLOAD = -1, -2, -3, -4, -5, -6
SPECIAL_SINCE = {
    LATEST: 0,
    EARLIEST: 0,
    MAX_TIMESTAMP: 7,
    EARLIEST_LOCAL: 8,
    LATEST_TIERED: 9,
    EARLIEST_PENDING_UPLOAD: 11,
}
CONSUMER = -1
READ_COMMITTED = 1

Search = Coroutine[Any, Any, Found | None]


def list_offsets(request: ListOffsetsRequest, ctx: Context) -> ListOffsetsResponse | Awaitable[ListOffsetsResponse]:
    tells_leader_epochs = ctx.version >= 4  # KIP-320
    knows_offset_not_available = ctx.version >= 5  # KIP-207
    listing = _Listing(request, ctx, tells_leader_epochs, knows_offset_not_available)
    response = ListOffsetsResponse(topics=[])
    named = Counter((topic.name, one.partition_index) for topic in request.topics for one in topic.partitions)
    for topic in request.topics:
        told = ListOffsetsTopicResponse(name=topic.name, partitions=[])
        response.topics.append(told)
        for asked in topic.partitions:
            times = named.pop((topic.name, asked.partition_index), 0)
            if not times:
                continue  # named before: one answer is enough
            answer = ListOffsetsPartitionResponse(partition_index=asked.partition_index, error_code=0)
            told.partitions.append(answer)
            if times > 1:
                answer.error_code = ErrorCode.INVALID_REQUEST
            else:
                listing.ask(topic.name, asked, answer)
    return listing.finish(response) if listing.later else response


class _Listing:
    """The answers in the making; `later` are those that need the engine or a partition that is still loading."""

    def __init__(
        self, request: ListOffsetsRequest, ctx: Context, tells_leader_epochs: bool, knows_offset_not_available: bool
    ) -> None:
        self.ctx = ctx
        self.tells_leader_epochs = tells_leader_epochs
        self.is_consumer = request.replica_id == CONSUMER
        self.read_committed = request.isolation_level == READ_COMMITTED
        self.not_available = (
            ErrorCode.OFFSET_NOT_AVAILABLE if knows_offset_not_available else ErrorCode.LEADER_NOT_AVAILABLE
        )
        self.later: list[tuple[ListOffsetsPartitionResponse, Coroutine[Any, Any, None]]] = []

    def ask(self, name: str, asked: ListOffsetsPartition, answer: ListOffsetsPartitionResponse) -> None:
        ctx = self.ctx
        try:
            if not ctx.authorize("DESCRIBE", "TOPIC", (name,))[0]:
                raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
            if asked.timestamp < 0 and SPECIAL_SINCE.get(asked.timestamp, ctx.version + 1) > ctx.version:
                raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
            partition = ctx.cluster.partitions.lookup(
                ctx.node.id, ctx.cluster.catalog.topic(name), asked.partition_index, asked.current_leader_epoch
            )
            if partition.is_loading or partition.end > partition.replicas.end:
                self.later.append((answer, self._when_open(partition, asked.timestamp, answer)))
            else:
                search = self._answer(partition, asked.timestamp, answer)
                if search is not None:
                    self.later.append((answer, self._searched(partition, search, answer)))
        except KafkaError as error:
            answer.error_code = error.code

    async def finish(self, response: ListOffsetsResponse) -> ListOffsetsResponse:
        for answer, search in self.later:
            try:
                await search
            except KafkaError as error:
                answer.error_code = error.code
            except StorageError:
                answer.error_code = ErrorCode.KAFKA_STORAGE_ERROR
        return response

    def _answer(self, partition: Partition, timestamp: int, answer: ListOffsetsPartitionResponse) -> Search | None:
        """Fill in what is known at once, or say what is to be searched for."""
        partition.must_be_open()
        if timestamp >= 0:
            return partition.offset_for_time(timestamp, self._bound(partition))
        if timestamp == MAX_TIMESTAMP:
            return partition.offset_of_max_timestamp(self._bound(partition))
        if timestamp == LATEST:
            self._check_available(partition)
            answer.offset = self._bound(partition)
            self._tell_epoch(answer, partition.leader_epoch)
        elif timestamp in (EARLIEST, EARLIEST_LOCAL):
            answer.offset = partition.log_start
            self._tell_epoch(answer, partition.epochs.at(partition.log_start))
        return None

    def _tell_epoch(self, answer: ListOffsetsPartitionResponse, epoch: int) -> None:
        if self.tells_leader_epochs:
            answer.leader_epoch = epoch

    def _bound(self, partition: Partition) -> int:
        return partition.bound(self.read_committed) if self.is_consumer else partition.replicas.end

    def _check_available(self, partition: Partition) -> None:
        """A new leader that does not yet know how far its followers are cannot tell the end (KIP-207)."""
        if partition.epochs.latest_start() > self._bound(partition):
            raise KafkaError(self.not_available)

    async def _when_open(self, partition: Partition, timestamp: int, answer: ListOffsetsPartitionResponse) -> None:
        """Of a partition that is loading, or has writes under way: one may be a Produce with acks=0 that came before on
        this very connection; nobody waits for its answer, and in Kafka it would be over."""
        await partition.ready()
        if (written := partition.written()) is not None:
            await written
            await partition.ready()
        search = self._answer(partition, timestamp, answer)
        if search is not None:
            await self._searched(partition, search, answer)

    async def _searched(self, partition: Partition, search: Search, answer: ListOffsetsPartitionResponse) -> None:
        found = await search
        if found is None:
            self._check_available(partition)
        else:
            answer.offset, answer.timestamp = found
            self._tell_epoch(answer, partition.epochs.at(found.offset))
