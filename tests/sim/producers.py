"""Producers: one kind that loses and doubles nothing, one kind that takes what comes."""

import asyncio
from collections.abc import Awaitable

from wire.errors import ErrorCode
from wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData

from .actors import RETRIABLE, TOPIC, Actor, encode
from .client import Gone, batch_of
from .history import Value

PRODUCE_VERSION, INIT_VERSION = 12, 4


class Pending:
    """One batch on its way: it keeps its sequence through every retry."""

    def __init__(self, partition: int, values: list[Value], base_sequence: int) -> None:
        self.partition, self.values, self.base_sequence = partition, values, base_sequence
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
        producer_id, epoch = await self.identity()
        lanes = [self.lane(partition, producer_id, epoch) for partition in range(self.scene.partitions)]
        await asyncio.gather(*lanes)

    async def identity(self) -> tuple[int, int]:
        while True:
            request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
            try:
                answer = await (await self.connected()).ask(request, INIT_VERSION, InitProducerIdResponse)
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
            connection = await self.connected(await self.leader(partition))
            asked = [
                (pending, connection.send(self.batch(pending, producer_id, epoch), PRODUCE_VERSION))
                for pending in flight
            ]
            for pending, future in asked:
                pending.tries += 1
                self.hits["resend"] += pending.tries > 1
                if not await self.landed(pending, future):
                    break
                flight.remove(pending)
            else:
                await self.pause(self.dice.random() ** 3 * 2)
                continue
            await self.pause(self.dice.random() ** 2 * 0.1)

    def batches(self, partition: int) -> list[Pending]:
        made, number = [], 0
        for _ in range(self.batches_per_partition):
            count = self.dice.randint(1, 4)
            values = [(self.name, partition, number + i) for i in range(count)]
            self.history.sent.update(dict.fromkeys(values))
            made.append(Pending(partition, values, number))
            number += count
        return made

    def batch(self, pending: Pending, producer_id: int, epoch: int) -> ProduceRequest:
        blob = batch_of(
            [encode(value) for value in pending.values],
            self.scene.now_ms(),
            producer_id=producer_id,
            producer_epoch=epoch,
            base_sequence=pending.base_sequence,
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
        return True


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
