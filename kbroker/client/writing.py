"""Records into batches, batches to the leaders of their partitions, acks=all.

A batch is sent again when its leader has moved. The producer id and sequences of an idempotent producer (KIP-98) see
to it that nothing is written twice by that; a cluster that gives no id (older than 0.11, or not allowed) is written
to without.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from kbroker.client.cluster import Client
from kbroker.client.errors import check
from kbroker.client.offsets import Place
from kbroker.partitioner import PARTITIONERS
from wire.compression import NONE
from wire.errors import ErrorCode, KafkaError
from wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData
from wire.primitives import ZERO_UUID
from wire.records import Record, build_batch

BY_NAME = 12
"""The newest Produce that names topics."""
BATCH_BYTES = 512 << 10
BATCH_RECORDS = 5000
ACKS_ALL = -1
RECORD_OVERHEAD = 32


class Written(NamedTuple):
    """Where the records of one batch came to stand."""

    topic: str
    partition: int
    base_offset: int
    records: int


class Writer:
    """Collects; `add` sends a partition's batch when it is full, `flush` the rest. Raises KafkaError, ClientError."""

    def __init__(self, client: Client, *, partitioner: str = "murmur2", compression: int = NONE) -> None:
        self.written: list[Written] = []
        self._client = client
        self._place = PARTITIONERS[partitioner]
        self._compression = compression
        self._partitions: dict[str, int] = {}
        self._waiting: dict[Place, list[Record]] = defaultdict(list)
        self._bytes: dict[Place, int] = defaultdict(int)
        self._turns: dict[str, int] = defaultdict(int)
        self._sequences: dict[Place, int] = defaultdict(int)
        self._producer = self._producer_id()

    def add(self, topic: str, record: Record, partition: int | None = None) -> None:
        place = topic, self._choose(topic, record.key) if partition is None else self._known(topic, partition)
        self._waiting[place].append(record)
        self._bytes[place] += RECORD_OVERHEAD + len(record.key or b"") + len(record.value or b"")
        if self._bytes[place] >= BATCH_BYTES or len(self._waiting[place]) >= BATCH_RECORDS:
            self._send(place)

    def flush(self) -> None:
        """Send everything; on return all of it is acknowledged."""
        for place in list(self._waiting):
            self._send(place)

    def _choose(self, topic: str, key: bytes | None) -> int:
        count = self._count(topic)
        if key is not None:
            return self._place(key, count)
        self._turns[topic] += 1
        return self._turns[topic] % count

    def _known(self, topic: str, partition: int) -> int:
        if not 0 <= partition < self._count(topic):
            check(3, f"{topic} has no partition {partition}; it has 0 to {self._count(topic) - 1}.")
        return partition

    def _count(self, topic: str) -> int:
        if topic not in self._partitions:
            self._partitions[topic] = len(self._client.topic(topic, create=True).partitions)
        return self._partitions[topic]

    def _producer_id(self) -> tuple[int, int]:
        try:
            answer = self._client.settled(self._init)
        except KafkaError as error:
            if error.code != ErrorCode.CLUSTER_AUTHORIZATION_FAILED:
                raise
            return -1, -1
        return answer.producer_id, answer.producer_epoch

    def _init(self) -> InitProducerIdResponse:
        request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
        answer = self._client.any().call(request, InitProducerIdResponse)
        check(answer.error_code)
        return answer

    def _send(self, place: Place) -> None:
        records = self._waiting.pop(place)
        self._bytes.pop(place)
        producer_id, epoch = self._producer
        sequence = self._sequences[place] if producer_id >= 0 else -1
        batch = build_batch(
            records,
            compression=self._compression,
            producer_id=producer_id,
            producer_epoch=epoch,
            base_sequence=sequence,
        )
        base = self._client.settled(lambda: self._sent(place, batch))
        self._sequences[place] += len(records)
        self.written.append(Written(*place, base, len(records)))

    def _sent(self, place: Place, batch: bytearray) -> int:
        topic, index = place
        leader = self._client.node(self._client.leaders(topic)[index])
        partitions = [PartitionProduceData(index=index, records=batch)]
        data = TopicProduceData(name=topic, topic_id=ZERO_UUID, partition_data=partitions)
        request = ProduceRequest(acks=ACKS_ALL, timeout_ms=int(self._client.settings.timeout * 1000), topic_data=[data])
        answer = leader.call(request, ProduceResponse, newest=BY_NAME)
        partition = answer.responses[0].partition_responses[0]
        if partition.error_code:
            first = partition.record_errors[0].batch_index_error_message if partition.record_errors else None
            check(partition.error_code, first or partition.error_message)
        return partition.base_offset
