"""Who came in by HTTP, and what they may do with records: `User:console`, under the access rules like anybody.

Reading goes to the partition itself, which a fetch would only wrap; writing goes through the handlers of Kafka's own
requests, so that what they refuse is refused here, in their words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kbroker.control.control import accept, refusal
from kbroker.control.table import ControlError
from kbroker.http.kafka import PRINCIPAL, Visitor, ask
from kbroker.partitioner import PARTITIONERS
from wire.errors import ErrorCode, KafkaError
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.records import Record, build_batch

if TYPE_CHECKING:
    from kbroker.broker import Broker
    from kbroker.catalog import Topic
    from kbroker.cluster import Cluster
    from kbroker.partitions.partition import Partition

ACKS_ALL = -1
TIMEOUT_MS = 30_000


class Visit:
    """One request by HTTP: in whose name, on which broker."""

    def __init__(self, broker: Broker, visitor: Visitor) -> None:
        self.broker = broker
        self.visitor = visitor

    @property
    def cluster(self) -> Cluster:
        return self.broker.cluster

    def topic(self, name: str, operation: str) -> Topic:
        """The topic, if it is there and this may be done with it."""
        authorizer = self.cluster.authorizer
        if authorizer is not None:
            (may,) = authorizer.may(PRINCIPAL, self.visitor.host, operation, "TOPIC", (name,))
            if not may:
                raise refusal(ErrorCode.TOPIC_AUTHORIZATION_FAILED, f"{PRINCIPAL} may not {operation} topic {name}")
        found = self.cluster.catalog.topic(name)
        if found is None:
            raise ControlError("missing", f"there is no topic {name}")
        return found

    async def partition(self, name: str, index: int) -> Partition:
        """A partition to read, open."""
        topic = self.topic(name, "READ")
        if not 0 <= index < len(topic.partitions):
            raise ControlError("missing", f"{name} has no partition {index}; it has 0 to {len(topic.partitions) - 1}")
        partition = self.cluster.partitions.open(topic, index)
        try:
            await partition.ready()
        except KafkaError as error:
            raise refusal(error.code, error.message) from None
        return partition

    async def write(self, topic: Topic, index: int, records: Sequence[Record], compression: int = 0) -> int:
        """Write a batch, acks=all; the offset of its first record."""
        now = self.cluster.world.time_ms()
        timed = [each if each.timestamp >= 0 else each._replace(timestamp=now) for each in records]
        batch = build_batch(timed, compression=compression)
        data = PartitionProduceData(index=index, records=memoryview(batch))
        named = TopicProduceData(name=topic.name, topic_id=topic.id, partition_data=[data])
        request = ProduceRequest(acks=ACKS_ALL, timeout_ms=TIMEOUT_MS, topic_data=[named])
        leader = topic.partitions[index].leader
        node = next((each for each in self.broker.nodes if each.id == leader), self.broker.nodes[0])
        try:
            api = self.cluster.apis.row(ProduceRequest.__api_key__)
            response: Any = await ask(self.broker, node, api, api.max_version, request, self.visitor)
        except KafkaError as error:
            raise refusal(error.code, error.message) from None
        (answer,) = response.responses[0].partition_responses
        first = answer.record_errors[0].batch_index_error_message if answer.record_errors else None
        accept(answer.error_code, first or answer.error_message)
        base: int = answer.base_offset
        return base


def partition_for(record: Record, turn: int, partitions: int, partitioner: str = "murmur2") -> int:
    """Where a record belongs by its key; without one they go in turns."""
    if record.key is None:
        return turn % partitions
    return PARTITIONERS[partitioner](record.key, partitions)
