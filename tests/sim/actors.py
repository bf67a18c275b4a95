"""What works in a life: the actor as such, and two that watch. Producers, readers and members have files of their own.

An actor does what a good client does: it finds the leader of each partition, retries what may be retried, with the same
sequence, and starts anew where the protocol says so. What it may not do is hide a fault: whatever it sees goes into the
history as it is.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from wire.batch import batches, verify_crc
from wire.errors import ErrorCode
from wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
)
from wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from wire.records import iterate

from .client import Address, Connection, Gone
from .history import History, Value
from .loop import passed

TOPIC = "events"
METADATA_VERSION, EPOCH_VERSION, DELETE_RECORDS_VERSION, LIST_OFFSETS_VERSION, INIT_VERSION = 12, 4, 2, 8, 4
EARLIEST = -2
RETRIABLE = {
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.LEADER_NOT_AVAILABLE,
    ErrorCode.KAFKA_STORAGE_ERROR,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.REQUEST_TIMED_OUT,
    ErrorCode.NOT_ENOUGH_REPLICAS,
    ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.NETWORK_EXCEPTION,
}


def encode(value: Value) -> bytes:
    return "/".join(map(str, value)).encode()


def decode(text: bytes | None) -> Value:
    producer, partition, number = (text or b"").decode().split("/")
    return producer, int(partition), int(number)


def values(blob: object) -> Iterator[tuple[int, Value, int]]:
    """(offset, value, where the next batch begins) of what was fetched. Whoever reads checks the CRC, as clients do."""
    for batch in batches(blob) if isinstance(blob, memoryview) else ():
        assert verify_crc(batch), f"the batch at {batch.base_offset} is broken"
        for record in iterate(batch):
            yield record.offset, decode(record.value), batch.next_offset


@dataclass
class Scene:
    """What all actors of a life share."""

    history: History
    hits: Counter[str]
    addresses: Mapping[int, Address]
    """Node id -> where it listens."""
    now_ms: Callable[[], int]
    partitions: int
    crashes: int = 0
    """How often a broker that served clients has ended without a word."""


class Actor:
    """One client: its dice, its connections, the history that it writes into."""

    def __init__(self, name: str, dice: random.Random, scene: Scene) -> None:
        self.name, self.dice, self.scene = name, dice, scene
        self.history, self.hits = scene.history, scene.hits
        self.connections: dict[int, Connection] = {}
        self.leaders: dict[int, int] = {}
        self.stopping = self.is_calm = False

    async def connected(self, node_id: int | None = None) -> Connection:
        """A connection to that node, or to any; made again where it went. A broker that is down is asked until it is
        back."""
        while True:
            node = self.dice.choice(list(self.scene.addresses)) if node_id is None else node_id
            connection = self.connections.get(node)
            if connection is not None and not connection.is_gone:
                return connection
            try:
                self.connections[node] = await Connection.to(self.scene.addresses[node], self.name)
            except Gone:
                await self.pause(0.05)

    async def leader(self, partition: int) -> int:
        """The node that leads it, as far as this client knows."""
        while partition not in self.leaders:
            await self.learn()
        return self.leaders[partition]

    async def learn(self) -> None:
        """Ask who leads what."""
        try:
            answer = await (await self.connected()).ask(self.about_topic(), METADATA_VERSION, MetadataResponse)
        except Gone:
            await self.pause(0.02)
            return
        (topic,) = answer.topics
        for part in topic.partitions:
            if part.leader_id in self.scene.addresses:
                self.leaders[part.partition_index] = part.leader_id
        if len(self.leaders) < self.scene.partitions:
            self.hits["metadata without leaders"] += 1
            await self.pause(0.05)

    def about_topic(self) -> MetadataRequest:
        return MetadataRequest(
            topics=[MetadataRequestTopic(name=TOPIC)],
            allow_auto_topic_creation=False,
            include_topic_authorized_operations=False,
        )

    async def earliest(self, partition: int) -> int:
        """Where the log begins, for who has fallen off its front."""
        while True:
            asked = ListOffsetsPartition(partition_index=partition, timestamp=EARLIEST)
            topic = ListOffsetsTopic(name=TOPIC, partitions=[asked])
            request = ListOffsetsRequest(replica_id=-1, topics=[topic])
            connection = await self.connected(await self.leader(partition))
            answer = await connection.ask(request, LIST_OFFSETS_VERSION, ListOffsetsResponse)
            (part,) = answer.topics[0].partitions
            if not part.error_code:
                return part.offset
            await self.refused(part.error_code, "earliest", partition)

    async def new_producer_id(self) -> tuple[int, int]:
        while True:
            request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
            answer = await (await self.connected()).ask(request, INIT_VERSION, InitProducerIdResponse)
            if answer.error_code == 0:
                self.history.producer_ids.append(answer.producer_id)
                return answer.producer_id, answer.producer_epoch
            assert ErrorCode(answer.error_code) in RETRIABLE, ErrorCode(answer.error_code)
            await self.pause(0.05)

    async def refused(self, error_code: int, what: str, partition: int) -> None:
        """An answer with an error that passes: look for the leader again, a little later."""
        code = ErrorCode(error_code)
        self.hits[f"{what} {code.name}"] += 1
        assert code in RETRIABLE, (self.name, what, code)
        self.leaders.pop(partition, None)
        await self.pause(0.02 + self.dice.random() * 0.05)

    async def pause(self, seconds: float) -> None:
        await passed(seconds)

    async def run(self) -> None:
        raise AssertionError("each kind of actor runs in its own way")


class Watcher(Actor):
    """Asks for leader epochs over and over: they may never go back, and where one ended stays the same."""

    async def run(self) -> None:
        while not self.stopping:
            try:
                if self.dice.random() < 0.3:
                    await self.new_producer_id()
                connection = await self.connected()
                stops = self.scene.crashes
                answer = await connection.ask(self.about_topic(), METADATA_VERSION, MetadataResponse)
                for topic in answer.topics:
                    for part in topic.partitions:
                        at = (TOPIC, part.partition_index)
                        self.history.epochs.append((at, part.leader_epoch, stops))
                        if part.leader_epoch > 0 and part.leader_id >= 0:
                            epoch = self.dice.randrange(part.leader_epoch)
                            await self.look_back(part.leader_id, part.partition_index, epoch)
            except Gone:
                continue
            await self.pause(0.4)

    async def look_back(self, leader: int, partition: int, epoch: int) -> None:
        """Where did an epoch end that is over?"""
        asked = OffsetForLeaderPartition(partition=partition, leader_epoch=epoch)
        request = OffsetForLeaderEpochRequest(topics=[OffsetForLeaderTopic(topic=TOPIC, partitions=[asked])])
        connection = await self.connected(leader)
        answer = await connection.ask(request, EPOCH_VERSION, OffsetForLeaderEpochResponse)
        (part,) = answer.topics[0].partitions
        if not part.error_code:
            self.hits["epoch looked up"] += 1
            at = (TOPIC, partition)
            self.history.epoch_ends.append((at, epoch, part.leader_epoch, part.end_offset))


class Eraser(Actor):
    """Deletes records from the front, now and then."""

    async def run(self) -> None:
        while not self.stopping:
            await self.pause(self.dice.random() * 3)
            if self.is_calm:
                continue
            partition = self.dice.randrange(self.scene.partitions)
            at = (TOPIC, partition)
            known = [answer.high_watermark for answer in self.history.answers if answer.partition == at]
            offset = int(max(known, default=0) * self.dice.random() * 0.7)
            self.history.deleting[at] = max(offset, self.history.deleting.get(at, 0))
            try:
                await self.erase(partition, offset)
            except Gone:
                self.hits["deletion unknown"] += 1

    async def erase(self, partition: int, offset: int) -> None:
        at = (TOPIC, partition)
        asked = DeleteRecordsPartition(partition_index=partition, offset=offset)
        topic = DeleteRecordsTopic(name=TOPIC, partitions=[asked])
        connection = await self.connected(await self.leader(partition))
        request = DeleteRecordsRequest(topics=[topic], timeout_ms=1000)
        answer = await connection.ask(request, DELETE_RECORDS_VERSION, DeleteRecordsResponse)
        (part,) = answer.topics[0].partitions
        if part.error_code:
            await self.refused(part.error_code, "delete records", partition)
            return
        self.hits["records deleted"] += 1
        self.history.deleted[at] = max(part.low_watermark, self.history.deleted.get(at, 0))
