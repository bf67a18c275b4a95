"""A transactional client at a whole broker in memory, which says exactly what a test wants it to say.

Errors are told by their numbers, as a client reads them.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from kbroker.broker import Broker
from kbroker.machine import Producer
from tests.kbroker.running import Client, connect, run, serving
from wire.batch import batches
from wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest
from wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
)
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from wire.messages.end_txn import EndTxnRequest
from wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from wire.messages.find_coordinator import FindCoordinatorRequest
from wire.messages.init_producer_id import InitProducerIdRequest
from wire.messages.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from wire.messages.write_txn_markers import WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest
from wire.records import Record, build_batch, iterate

V1, V2 = 11, 12
"""Produce versions: the last that verifies, and the first that adds its partition."""

Places = Sequence[tuple[str, int]]


class Transactional:
    """One connection to a broker that has the topic `topic` with three partitions."""

    topic = "t"

    def __init__(self, broker: Broker, client: Client) -> None:
        self.broker = broker
        self.client = client

    async def ask(self, request: Any, version: int) -> Any:
        return await self.client.ask(request, version)

    async def at_another_node(self, transactional_id: str) -> "Transactional":
        """A connection to a node that does not coordinate this id."""
        answer = await self.ask(FindCoordinatorRequest(key_type=1, coordinator_keys=[transactional_id]), 4)
        (found,) = answer.coordinators
        nodes = [int(place.rpartition(":")[2]) for place in self.broker.bound]
        other = next(index for index, port in enumerate(nodes) if port != found.port)
        return Transactional(self.broker, await connect(self.broker, other))

    async def at_the_same_node(self) -> "Transactional":
        return Transactional(self.broker, await connect(self.broker))

    # --- the coordinator ----------------------------------------------------------------------------------------------

    async def find(self, key: str, kind: int = 1) -> int:
        (found,) = (await self.ask(FindCoordinatorRequest(key_type=kind, coordinator_keys=[key]), 4)).coordinators
        return int(found.error_code)

    async def init(
        self, name: str, producer_id: int = -1, epoch: int = -1, *, timeout_ms: int = 60_000, version: int = 5
    ) -> tuple[int, int, int]:
        request = InitProducerIdRequest(
            transactional_id=name,
            transaction_timeout_ms=timeout_ms,
            producer_id=producer_id,
            producer_epoch=epoch,
        )
        answer = await self.ask(request, version)
        return answer.error_code, answer.producer_id, answer.producer_epoch

    async def until_init(self, name: str) -> tuple[int, int, int]:
        """Asked again as long as an earlier transaction is on its way to its end."""
        while (answer := await self.init(name))[0] == 51:
            pass
        return answer

    async def producer(self, name: str) -> Producer:
        code, producer_id, epoch = await self.init(name)
        assert code == 0
        return Producer(producer_id, epoch)

    async def add(self, name: str, producer: Producer, places: Places, version: int = 3) -> dict[tuple[str, int], int]:
        request = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=name,
            v3_and_below_producer_id=producer.id,
            v3_and_below_producer_epoch=producer.epoch,
            v3_and_below_topics=[AddPartitionsToTxnTopic(name=each, partitions=[index]) for each, index in places],
        )
        answer = await self.ask(request, version)
        return {
            (topic.name, each.partition_index): each.partition_error_code
            for topic in answer.results_by_topic_v3_and_below
            for each in topic.results_by_partition
        }

    async def add_as_broker(
        self, *asked: tuple[str, Producer, Places], verify: bool = False, version: int = 5
    ) -> dict[tuple[str, str, int], int]:
        request = AddPartitionsToTxnRequest(
            transactions=[
                AddPartitionsToTxnTransaction(
                    transactional_id=name,
                    producer_id=producer.id,
                    producer_epoch=producer.epoch,
                    verify_only=verify,
                    topics=[AddPartitionsToTxnTopic(name=each, partitions=[index]) for each, index in places],
                )
                for name, producer, places in asked
            ]
        )
        answer = await self.ask(request, version)
        assert answer.error_code == 0
        return {
            (result.transactional_id, topic.name, each.partition_index): each.partition_error_code
            for result in answer.results_by_transaction
            for topic in result.topic_results
            for each in topic.results_by_partition
        }

    async def add_group(self, name: str, producer: Producer, group: str, version: int = 4) -> int:
        request = AddOffsetsToTxnRequest(
            transactional_id=name, producer_id=producer.id, producer_epoch=producer.epoch, group_id=group
        )
        return int((await self.ask(request, version)).error_code)

    async def end(self, name: str, producer: Producer, committed: bool, version: int = 4) -> tuple[int, int, int]:
        request = EndTxnRequest(
            transactional_id=name, producer_id=producer.id, producer_epoch=producer.epoch, committed=committed
        )
        answer = await self.ask(request, version)
        return answer.error_code, answer.producer_id, answer.producer_epoch

    # --- partitions ---------------------------------------------------------------------------------------------------

    async def produce(
        self, name: str | None, producer: Producer, sequence: int, partition: int = 0, *, version: int = V1, **more: Any
    ) -> tuple[int, int]:
        """Error and base offset."""
        answer = await self.ask(self.produce_request(name, producer, sequence, partition, **more), version)
        (told,) = answer.responses[0].partition_responses
        return told.error_code, told.base_offset

    def produce_request(
        self,
        name: str | None,
        producer: Producer,
        sequence: int,
        partition: int = 0,
        *,
        value: bytes = b"v",
        count: int = 1,
        transactional: bool = True,
    ) -> ProduceRequest:
        records = build_batch(
            [Record(b"k", value)] * count,
            timestamp=1_000,
            producer_id=producer.id,
            producer_epoch=producer.epoch,
            base_sequence=sequence,
            transactional=transactional,
        )
        data = [PartitionProduceData(index=partition, records=records)]
        return ProduceRequest(
            transactional_id=name,
            acks=-1,
            timeout_ms=5_000,
            topic_data=[TopicProduceData(name=self.topic, partition_data=data)],
        )

    async def fetch(self, partition: int, offset: int = 0, committed: bool = True) -> Any:
        asked = FetchPartition(partition=partition, fetch_offset=offset, partition_max_bytes=1 << 20)
        request = FetchRequest(
            max_wait_ms=0,
            min_bytes=0,
            max_bytes=1 << 20,
            isolation_level=int(committed),
            topics=[FetchTopic(topic=self.topic, partitions=[asked])],
            forgotten_topics_data=[],
        )
        (told,) = (await self.ask(request, 12)).responses[0].partitions
        assert told.error_code == 0
        return told

    async def committed(self, partition: int) -> tuple[list[bytes | None], int]:
        """What a reader of committed records shows its application, and how far it has come."""
        told = await self.fetch(partition)
        skipped: set[int] = set()
        aborted = sorted(told.aborted_transactions, key=lambda each: each.first_offset)
        values: list[bytes | None] = []
        for batch in batches(told.records or b""):
            while aborted and aborted[0].first_offset <= batch.last_offset:
                skipped.add(aborted.pop(0).producer_id)
            if batch.is_control:
                skipped.discard(batch.producer_id)
            elif batch.producer_id not in skipped or not batch.is_transactional:
                values += [record.value for record in iterate(batch)]
        return values, told.last_stable_offset

    async def end_offset(self, partition: int, committed: bool) -> int:
        asked = ListOffsetsPartition(partition_index=partition, timestamp=-1, current_leader_epoch=-1)
        topics = [ListOffsetsTopic(name=self.topic, partitions=[asked])]
        answer = await self.ask(ListOffsetsRequest(replica_id=-1, isolation_level=int(committed), topics=topics), 7)
        return int(answer.topics[0].partitions[0].offset)

    async def mark(
        self,
        producer: Producer,
        committed: bool,
        places: Places,
        *,
        coordinator_epoch: int = 0,
        transaction_version: int = 0,
        version: int = 2,
    ) -> list[int]:
        marker = WritableTxnMarker(
            producer_id=producer.id,
            producer_epoch=producer.epoch,
            transaction_result=committed,
            topics=[WritableTxnMarkerTopic(name=name, partition_indexes=[index]) for name, index in places],
            coordinator_epoch=coordinator_epoch,
            transaction_version=transaction_version,
        )
        answer = await self.ask(WriteTxnMarkersRequest(markers=[marker]), version)
        return [each.error_code for topic in answer.markers[0].topics for each in topic.partitions]

    # --- groups -------------------------------------------------------------------------------------------------------

    async def commit_offset(
        self,
        name: str,
        producer: Producer,
        group: str,
        offset: int,
        partition: int = 0,
        *,
        version: int = 3,
        generation: int = -1,
        member: str = "",
        topic: str | None = None,
        topic_id: bytes = bytes(16),
    ) -> int:
        each = TxnOffsetCommitRequestPartition(
            partition_index=partition, committed_offset=offset, committed_metadata="m"
        )
        request = TxnOffsetCommitRequest(
            transactional_id=name,
            group_id=group,
            producer_id=producer.id,
            producer_epoch=producer.epoch,
            topics=[TxnOffsetCommitRequestTopic(name=topic or self.topic, topic_id=topic_id, partitions=[each])],
        )
        if version >= 3:
            request.generation_id_or_member_epoch = generation
            request.member_id = member
        (told,) = (await self.ask(request, version)).topics[0].partitions
        return int(told.error_code)

    async def offset(self, group: str, partition: int = 0, *, stable: bool = True) -> tuple[int, int]:
        """Error and committed offset."""
        wanted = OffsetFetchRequestTopics(name=self.topic, partition_indexes=[partition])
        request = OffsetFetchRequest(
            groups=[OffsetFetchRequestGroup(group_id=group, topics=[wanted])], require_stable=stable
        )
        (told,) = (await self.ask(request, 8)).groups[0].topics[0].partitions
        return told.error_code, told.committed_offset


def with_transactions(test: Callable[[Transactional], Awaitable[None]], nodes: int = 1, **texts: str) -> None:
    """Run a test at a broker that has the topic and both internal ones."""

    async def body() -> None:
        async with serving(nodes, **texts) as broker:
            here = Transactional(broker, await connect(broker))
            topic = CreatableTopic(
                name=here.topic, num_partitions=3, replication_factor=1, assignments=[], configs=[]
            )
            await here.ask(CreateTopicsRequest(topics=[topic], timeout_ms=1_000), 7)
            assert await here.find("my-id") == await here.find("a-group", 0) == 0
            await test(here)
            await here.client.close()

    run(body)
