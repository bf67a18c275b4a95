"""Records from offsets on, from all leaders at once, as a consumer without a group reads them.

Each turn asks every leader for its partitions, then takes the answers: none waits for another. Batches are read
record by record here (this is the client's end). With `committed_only` the records of aborted transactions are left
out the way every consumer does it: the answer lists the aborted producers and from where, and a marker ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kbroker.client.cluster import Client
from kbroker.client.errors import check
from kbroker.client.offsets import EARLIEST, Place, by_leader, grouped, offsets
from kbroker.records.read import Read
from wire.batch import batches
from wire.errors import ErrorCode
from wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData, ReplicaState
from wire.primitives import ZERO_UUID, Buffer
from wire.records import control_type, iterate

BY_NAME = 12
"""The newest Fetch that names topics."""
MAX_BYTES = 50 << 20
PARTITION_MAX_BYTES = 1 << 20


class Reader:
    """`next` is the offset that comes next in each partition; whoever reads may look at it, and drop a partition."""

    def __init__(self, client: Client, start: Mapping[Place, int], *, committed_only: bool = False) -> None:
        self.next = dict(start)
        self.lost: list[tuple[Place, int, int]] = []
        """Partitions whose offset is gone: where it was to go on, and where it does."""
        self._client = client
        self._committed_only = committed_only

    def turn(self, wait_ms: int) -> Iterator[Read]:
        """Ask once, waiting up to `wait_ms` where there is nothing; gives what there is."""
        client = self._client
        asked = client.settled(lambda: by_leader(client, self.next))
        each = wait_ms if len(asked) <= 1 else wait_ms // 2
        for node, places in asked.items():
            client.node(node).send(self._request(places, each), newest=BY_NAME)
        for node in asked:
            answer = client.node(node).receive(each / 1000)
            assert isinstance(answer, FetchResponse)
            check(answer.error_code)
            for topic in answer.responses:
                for data in topic.partitions:
                    yield from self._take((topic.topic, data.partition_index), data)

    def _request(self, places: list[Place], wait_ms: int) -> FetchRequest:
        topics = [
            FetchTopic(
                topic=name,
                topic_id=ZERO_UUID,
                partitions=[
                    FetchPartition(
                        partition=at,
                        fetch_offset=self.next[name, at],
                        partition_max_bytes=PARTITION_MAX_BYTES,
                        replica_directory_id=ZERO_UUID,
                    )
                    for at in indexes
                ],
            )
            for name, indexes in grouped(places).items()
        ]
        return FetchRequest(
            max_wait_ms=wait_ms,
            min_bytes=1,
            max_bytes=MAX_BYTES,
            isolation_level=int(self._committed_only),
            replica_state=ReplicaState(),
            topics=topics,
            forgotten_topics_data=[],
        )

    def _take(self, place: Place, data: PartitionData) -> Iterator[Read]:
        if data.error_code == ErrorCode.OFFSET_OUT_OF_RANGE:
            went = offsets(self._client, {place: EARLIEST})[place]
            self.lost.append((place, self.next[place], went))
            self.next[place] = went
            return
        if data.error_code in (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.FENCED_LEADER_EPOCH):
            return  # the next turn asks who leads now
        check(data.error_code, f"{place[0]}-{place[1]} cannot be read.")
        aborted = sorted(data.aborted_transactions or (), key=lambda one: one.first_offset)
        gone: set[int] = set()
        for batch in batches(_blob(data)):
            while aborted and aborted[0].first_offset <= batch.last_offset:
                gone.add(aborted.pop(0).producer_id)
            if batch.is_control:
                if any(control_type(record) == 0 for record in iterate(batch)):
                    gone.discard(batch.producer_id)
            elif not (batch.is_transactional and batch.producer_id in gone):
                first = self.next[place]
                for record in iterate(batch):
                    if record.offset >= first:
                        self.next[place] = record.offset + 1
                        yield Read(*place, record.offset, record.timestamp, record.key, record.value, record.headers)
            self.next[place] = max(self.next[place], batch.next_offset)


def _blob(data: PartitionData) -> Buffer:
    """Decoding gives one buffer; only who encodes may give several."""
    assert data.records is None or isinstance(data.records, bytes | bytearray | memoryview)
    return data.records or b""


def read_all(
    client: Client, start: Mapping[Place, int], end: Mapping[Place, int], *, committed_only: bool = False
) -> Iterator[Read]:
    """Everything from `start` up to `end`, both by partition, and then no more."""
    reader = Reader(client, start, committed_only=committed_only)
    while True:
        reader.next = {place: at for place, at in reader.next.items() if at < end[place]}
        if not reader.next:
            return
        yield from (record for record in reader.turn(500) if record.offset < end[record.topic, record.partition])
