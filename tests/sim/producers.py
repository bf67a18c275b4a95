"""Producers: one kind that loses and doubles nothing, one kind that takes what comes."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

from wire.errors import ErrorCode
from wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData

from .actors import TOPIC, Actor, encode
from .client import Gone, batch_of
from .history import Value

PRODUCE_VERSION = 12


class Pending:
    """One batch on its way: it keeps its sequence through every retry."""

    def __init__(self, partition: int, values: list[Value], number: int) -> None:
        self.partition, self.values, self.number = partition, values, number
        self.tries = 0


class Producer(Actor):
    def request(self, partition: int, blob: bytes, acks: int) -> ProduceRequest:
        data = PartitionProduceData(index=partition, records=memoryview(bytearray(blob)))
        topic = TopicProduceData(name=TOPIC, partition_data=[data])
        return ProduceRequest(transactional_id=None, acks=acks, timeout_ms=30_000, topic_data=[topic])

    def acknowledged(self, partition: int, base_offset: int, values: list[Value]) -> None:
        for i, value in enumerate(values):
            self.history.acknowledged[value] = ((TOPIC, partition), base_offset + i)


class IdempotentProducer(Producer):
    """KIP-98 without transactions: up to five batches in flight per partition, resent in order until acknowledged."""

    window = 5
    batches_per_partition = 20

    async def run(self) -> None:
        self.history.ordered.append(self.name)
        await asyncio.gather(*(self.lane(partition) for partition in range(self.scene.partitions)))

    async def identity(self) -> tuple[int, int]:
        while True:
            with suppress(Gone):
                return await self.new_producer_id()

    async def lane(self, partition: int) -> None:
        """All batches for one partition. After any failure everything unacknowledged is sent again, oldest first."""
        queue = self.batches(partition)
        flight: list[Pending] = []
        identity, first = await self.identity(), 0
        while queue or flight:
            if not flight and self.dice.random() < 0.25:
                identity, first = await self.identity(), queue[0].number
                self.hits["producer began anew"] += 1
            while queue and len(flight) < self.window and self.dice.random() < 0.8:
                flight.append(queue.pop(0))
            if not flight:
                await self.pause(self.dice.random() * 0.05)
                continue
            connection = await self.connected(await self.leader(partition))
            asked = [
                (pending, connection.send(self.batch(pending, identity, first), PRODUCE_VERSION)) for pending in flight
            ]
            for pending, future in asked:
                pending.tries += 1
                self.hits["resend"] += pending.tries > 1
                if not await self.landed(pending, future):
                    await self.pause(self.dice.random() ** 2 * 0.1)
                    break
                flight.remove(pending)
            else:
                await self.pause(self.dice.random() ** 3 * 2)

    def batches(self, partition: int) -> list[Pending]:
        made, number = [], 0
        for _ in range(self.batches_per_partition):
            count = self.dice.randint(1, 4)
            values = [(self.name, partition, number + i) for i in range(count)]
            self.history.sent.update(dict.fromkeys(values))
            made.append(Pending(partition, values, number))
            number += count
        return made

    def batch(self, pending: Pending, identity: tuple[int, int], first: int) -> ProduceRequest:
        """The sequence is the number of the first value, counted from the first one of this producer id."""
        blob = batch_of(
            [encode(value) for value in pending.values],
            self.scene.now_ms(),
            producer_id=identity[0],
            producer_epoch=identity[1],
            base_sequence=pending.number - first,
            compression=self.dice.choice((0, 0, 1)),
        )
        return self.request(pending.partition, blob, -1)

    async def landed(self, pending: Pending, future: Awaitable[object]) -> bool:
        """Whether the batch is acknowledged. False: it must be sent again, and all behind it."""
        try:
            answer = await future
        except Gone:
            self.hits["answer lost"] += 1
            return False
        assert isinstance(answer, ProduceResponse)
        (part,) = answer.responses[0].partition_responses
        if part.error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
            # Behind a batch that failed the next ones are out of order, until the first is sent again.
            self.hits["produce OUT_OF_ORDER_SEQUENCE_NUMBER"] += 1
            assert pending.tries < 50, (self.name, pending.partition, "is out of order for ever")
            return False
        if part.error_code:
            await self.refused(part.error_code, "produce", pending.partition)
            return False
        self.acknowledged(pending.partition, part.base_offset, pending.values)
        now = asyncio.get_running_loop().time()
        self.history.acknowledged_at.update(dict.fromkeys(pending.values, now))
        return True


class LateProducer(IdempotentProducer):
    """Comes when all faults are over: whoever hangs does not hear of it."""

    batches_per_partition = 6


class CarelessProducer(Producer):
    """Without a producer id: acks 0 or 1, and nothing is sent twice. What it lost is lost, but nothing is doubled."""

    batches = 40

    async def run(self) -> None:
        number = 0
        for _ in range(self.batches):
            await self.pause(self.dice.random() ** 3)
            partition, acks = self.dice.randrange(self.scene.partitions), self.dice.choice((0, 1, 1))
            written = [(self.name, partition, number + i) for i in range(self.dice.randint(1, 3))]
            number += len(written)
            self.history.sent.update(dict.fromkeys(written))
            blob = batch_of([encode(value) for value in written], self.scene.now_ms())
            connection = await self.connected(await self.leader(partition))
            try:
                answer = await connection.send(self.request(partition, blob, acks), PRODUCE_VERSION)
            except Gone:
                self.hits["careless write unknown"] += 1
                self.leaders.pop(partition, None)
                continue
            if not acks:
                self.hits["written with acks=0"] += 1
                continue
            assert isinstance(answer, ProduceResponse)
            (part,) = answer.responses[0].partition_responses
            if part.error_code:
                await self.refused(part.error_code, "careless produce", partition)
            else:
                self.acknowledged(partition, part.base_offset, written)
