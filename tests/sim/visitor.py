"""A visitor to a topic that comes and goes: it makes the topic, writes, reads it all, deletes it, and makes it again.

What it finds in one life of the topic it must have written in that very life.
"""

from wire.errors import ErrorCode
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse, DeleteTopicState
from wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData

from .actors import RETRIABLE, Actor, encode, values
from .client import Gone, batch_of
from .history import Value, Visit
from .producers import PRODUCE_VERSION
from .readers import FETCH_VERSION

FLEETING = "fleeting"
CREATE_VERSION, DELETE_VERSION = 5, 6
MADE = {ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS}
UNMADE = {ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}


class Visitor(Actor):
    async def run(self) -> None:
        number = 0
        while not self.stopping:
            if self.is_calm:
                await self.pause(0.2)
                continue
            await self.until(MADE, self.make)
            visit = Visit()
            self.history.visits.append(visit)
            for _ in range(self.dice.randint(0, 6)):
                number += 1
                await self.write((f"visit {len(self.history.visits)}", 0, number), visit)
            await self.read(visit)
            # What a vanished connection still brings would land in the next life.
            await self.pause(0.2 + 2 * self.dice.random())
            await self.until(UNMADE, self.unmake)
            self.hits["topic deleted"] += 1

    async def until(self, wanted: set[ErrorCode], ask: object) -> None:
        while True:
            try:
                code = await ask()  # type: ignore[operator]
            except Gone:
                continue
            if code in wanted:
                return
            assert code in RETRIABLE, (self.name, code)
            await self.pause(0.05)

    async def make(self) -> ErrorCode:
        connection = await self.connected()
        topic = CreatableTopic(name=FLEETING, num_partitions=1, replication_factor=1, assignments=[], configs=[])
        request = CreateTopicsRequest(topics=[topic], timeout_ms=1000)
        answer = await connection.ask(request, CREATE_VERSION, CreateTopicsResponse)
        return ErrorCode(answer.topics[0].error_code)

    async def unmake(self) -> ErrorCode:
        connection = await self.connected()
        request = DeleteTopicsRequest(topics=[DeleteTopicState(name=FLEETING)], timeout_ms=1000)
        answer = await connection.ask(request, DELETE_VERSION, DeleteTopicsResponse)
        return ErrorCode(answer.responses[0].error_code)

    async def write(self, value: Value, visit: Visit) -> None:
        visit.written.append(value)
        data = PartitionProduceData(
            index=0, records=memoryview(bytearray(batch_of([encode(value)], self.scene.now_ms())))
        )
        topic = TopicProduceData(name=FLEETING, partition_data=[data])
        request = ProduceRequest(transactional_id=None, acks=-1, timeout_ms=1000, topic_data=[topic])
        for node in self.scene.addresses:
            try:
                answer = await (await self.connected(node)).ask(request, PRODUCE_VERSION, ProduceResponse)
            except Gone:
                visit.unknown.append(value)
                return
            (part,) = answer.responses[0].partition_responses
            if not part.error_code:
                visit.acknowledged.append(value)
                return
            assert ErrorCode(part.error_code) in RETRIABLE, ErrorCode(part.error_code)

    async def read(self, visit: Visit) -> None:
        """All of it, if nothing disturbs."""
        found: list[Value] = []
        position, end = 0, 1
        try:
            while position < end:
                answer = await self.fetch(position)
                (part,) = answer.responses[0].partitions
                if part.error_code:
                    assert ErrorCode(part.error_code) in RETRIABLE, ErrorCode(part.error_code)
                    return
                end = part.high_watermark
                for _, value, next_offset in values(part.records):
                    found.append(value)
                    position = next_offset
        except Gone:
            return
        self.hits["topic read whole"] += 1
        visit.read = found

    async def fetch(self, position: int) -> FetchResponse:
        """From whichever node has it."""
        asked = FetchPartition(partition=0, fetch_offset=position, partition_max_bytes=1 << 20)
        topic = FetchTopic(topic=FLEETING, partitions=[asked])
        request = FetchRequest(max_wait_ms=0, min_bytes=0, topics=[topic], forgotten_topics_data=[])
        for node in self.scene.addresses:
            answer = await (await self.connected(node)).ask(request, FETCH_VERSION, FetchResponse)
            if answer.responses[0].partitions[0].error_code != ErrorCode.NOT_LEADER_OR_FOLLOWER:
                break
        return answer
