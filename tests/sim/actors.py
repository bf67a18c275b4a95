"""What works in a life: producers, readers, group members, and one that watches epochs. Each writes into the history.

An actor does what a good client does: it retries what may be retried, with the same sequence, and starts anew where the
protocol says so. What it may not do is hide a fault: whatever it sees goes into the history as it is.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

from wire.batch import batches
from wire.errors import ErrorCode
from wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData
from wire.records import iterate

from .checkers import History, Partition, Value
from .client import Connection, Gone, batch_of

TOPIC = "events"
PRODUCE_VERSION, FETCH_VERSION, METADATA_VERSION = 12, 12, 12
RETRIABLE = {
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.KAFKA_STORAGE_ERROR,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.REQUEST_TIMED_OUT,
    ErrorCode.NOT_ENOUGH_REPLICAS,
    ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_COORDINATOR,
}


def encode(value: Value) -> bytes:
    return "/".join(map(str, value)).encode()


def decode(text: bytes | None) -> Value:
    producer, partition, number = (text or b"").decode().split("/")
    return producer, int(partition), int(number)


class Actor:
    """One client: its dice, its connection, the history that it writes into."""

    def __init__(
        self,
        name: str,
        dice: random.Random,
        history: History,
        hits: Counter[str],
        find: Callable[[], tuple[str, int]],
        now_ms: Callable[[], int],
    ) -> None:
        self.name, self.dice, self.history, self.hits = name, dice, history, hits
        self.find, self.now_ms = find, now_ms
        self.connection: Connection | None = None
        self.stopping = False

    async def connected(self) -> Connection:
        """The connection, made again where it went; a broker that is down is asked until it is back."""
        while self.connection is None or self.connection.is_gone:
            try:
                self.connection = await Connection.to(self.find(), self.name)
            except Gone:
                await self.pause(0.05)
        return self.connection

    async def pause(self, seconds: float) -> None:
        await asyncio.wait([asyncio.ensure_future(passed(seconds))])

    async def run(self) -> None:
        raise AssertionError("each kind of actor runs in its own way")


async def passed(seconds: float) -> None:
    """Virtual time passes."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_later(seconds, lambda: future.done() or future.set_result(None))
    await future


class Pending:
    """One batch on its way: it keeps its sequence through every retry."""

    def __init__(self, partition: int, values: list[Value], base_sequence: int) -> None:
        self.partition, self.values, self.base_sequence = partition, values, base_sequence
        self.tries = 0


class IdempotentProducer(Actor):
    """KIP-98 without transactions: up to five batches in flight per partition, resent in order until acknowledged."""

    window = 5

    async def run(self) -> None:
        producer_id, epoch = await self.identity()
        lanes = [self.lane(partition, producer_id, epoch) for partition in range(self.partitions)]
        await asyncio.gather(*lanes)

    partitions = 1
    batches_per_partition = 20

    async def identity(self) -> tuple[int, int]:
        while True:
            try:
                connection = await self.connected()
                answer = await connection.ask(
                    InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000),
                    4,
                    InitProducerIdResponse,
                )
            except Gone:
                continue
            if answer.error_code == 0:
                self.history.producer_ids.append(answer.producer_id)
                return answer.producer_id, answer.producer_epoch
            assert ErrorCode(answer.error_code) in RETRIABLE, ErrorCode(answer.error_code)
            await self.pause(0.05)

    async def lane(self, partition: int, producer_id: int, epoch: int) -> None:
        """All batches for one partition. After any failure everything unacknowledged is sent again, oldest first."""
        queue = self.batches(partition)
        flight: list[Pending] = []
        while queue or flight:
            while queue and len(flight) < self.window and self.dice.random() < 0.8:
                flight.append(queue.pop(0))
            if not flight:
                await self.pause(self.dice.random() * 0.05)
                continue
            connection = await self.connected()
            asked = [
                (pending, connection.send(self.request(pending, producer_id, epoch), PRODUCE_VERSION))
                for pending in flight
            ]
            for pending, future in asked:
                pending.tries += 1
                self.hits["resend"] += pending.tries > 1
                if not await self.landed(pending, future):
                    break
                flight.remove(pending)
            await self.pause(self.dice.random() ** 3 * 2)

    def batches(self, partition: int) -> list[Pending]:
        made, number = [], 0
        for _ in range(self.batches_per_partition):
            count = self.dice.randint(1, 4)
            values = [(self.name, partition, number + i) for i in range(count)]
            self.history.sent.update(values)
            made.append(Pending(partition, values, number))
            number += count
        return made

    def request(self, pending: Pending, producer_id: int, epoch: int) -> ProduceRequest:
        blob = batch_of(
            [encode(value) for value in pending.values],
            self.now_ms(),
            producer_id=producer_id,
            producer_epoch=epoch,
            base_sequence=pending.base_sequence,
            compression=self.dice.choice((0, 0, 1)),
        )
        data = PartitionProduceData(index=pending.partition, records=memoryview(bytearray(blob)))
        topic = TopicProduceData(name=TOPIC, partition_data=[data])
        return ProduceRequest(transactional_id=None, acks=-1, timeout_ms=30_000, topic_data=[topic])

    async def landed(self, pending: Pending, future: Awaitable[object]) -> bool:
        """Whether the batch is acknowledged. False: it must be sent again, and all behind it."""
        try:
            answer = await future
        except Gone:
            self.hits["answer lost"] += 1
            return False
        assert isinstance(answer, ProduceResponse)
        (part,) = answer.responses[0].partition_responses
        if part.error_code:
            code = ErrorCode(part.error_code)
            self.hits[f"produce {code.name}"] += 1
            # Behind a batch that failed the next ones are out of order, until the first is sent again.
            assert code in RETRIABLE or code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, (self.name, code)
            return False
        where: Partition = (TOPIC, pending.partition)
        for i, value in enumerate(pending.values):
            self.history.acknowledged[value] = (where, part.base_offset + i)
        return True


class Reader(Actor):
    """Reads every partition from the start, by long polls; with a fetch session or without, as the dice say."""

    partitions = 1

    async def run(self) -> None:
        position = dict.fromkeys(range(self.partitions), 0)
        session = self.dice.random() < 0.5
        session_id, session_epoch = 0, 0 if session else -1
        told: dict[int, int] = {}
        while not self.stopping:
            try:
                connection = await self.connected()
                if session_epoch <= 0:
                    told = {}
                changed = {p: at for p, at in position.items() if told.get(p) != at}
                told.update(changed)
                request = self.request(changed, session_id, session_epoch)
                answer = await connection.ask(request, FETCH_VERSION, FetchResponse)
            except Gone:
                session_id, session_epoch = 0, 0 if session else -1
                continue
            if answer.error_code:
                self.hits[f"fetch {ErrorCode(answer.error_code).name}"] += 1
                session_id, session_epoch = 0, 0
                continue
            if session:
                session_id, session_epoch = answer.session_id, session_epoch + 1 if answer.session_id else 0
                self.hits["incremental fetch"] += session_epoch > 1
            await self.take(answer, position)

    def request(self, positions: dict[int, int], session_id: int, session_epoch: int) -> FetchRequest:
        parts = [
            FetchPartition(partition=p, fetch_offset=at, partition_max_bytes=self.dice.choice((1, 200, 100_000)))
            for p, at in positions.items()
        ]
        return FetchRequest(
            max_wait_ms=self.dice.choice((0, 20, 500)),
            min_bytes=1,
            max_bytes=self.dice.choice((1, 500, 1_000_000)),
            session_id=session_id,
            session_epoch=session_epoch,
            topics=[FetchTopic(topic=TOPIC, partitions=parts)] if parts else [],
            forgotten_topics_data=[],
        )

    async def take(self, answer: FetchResponse, position: dict[int, int]) -> None:
        seen = False
        for part in (part for topic in answer.responses for part in topic.partitions):
            if part.error_code:
                code = ErrorCode(part.error_code)
                self.hits[f"fetch {code.name}"] += 1
                assert code in RETRIABLE, (self.name, code)
                continue
            for batch in batches(part.records if isinstance(part.records, memoryview) else b""):
                for record in iterate(batch):
                    if record.offset >= position[part.partition_index]:
                        self.history.reads[self.name].append(
                            ((TOPIC, part.partition_index), record.offset, decode(record.value))
                        )
                        position[part.partition_index] = record.offset + 1
                        seen = True
                position[part.partition_index] = max(position[part.partition_index], batch.next_offset)
        if not seen:
            self.hits["empty fetch"] += 1
            await self.pause(0.005)


class Watcher(Actor):
    """Asks for metadata over and over: leader epochs may never go back."""

    async def run(self) -> None:
        while not self.stopping:
            try:
                connection = await self.connected()
                request = MetadataRequest(
                    topics=[MetadataRequestTopic(name=TOPIC)],
                    allow_auto_topic_creation=False,
                    include_topic_authorized_operations=False,
                )
                answer = await connection.ask(request, METADATA_VERSION, MetadataResponse)
            except Gone:
                continue
            for topic in answer.topics:
                for part in topic.partitions:
                    self.history.epochs.append(((TOPIC, part.partition_index), part.leader_epoch))
            await self.pause(0.2)
