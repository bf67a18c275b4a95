"""A reader: every partition from the start, by long polls; with fetch sessions or without, as the dice say.

It reads from each node what that one leads, so a session loses partitions and gets others when leaders move.
"""

import asyncio

from wire.errors import ErrorCode
from wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    ForgottenTopic,
    PartitionData,
)

from .actors import RETRIABLE, TOPIC, Actor, values
from .checkers import LATE_SECONDS
from .client import Gone
from .history import Answer, Partition

FETCH_VERSION = 12
NO_SESSION, NEW_SESSION = -1, 0


class Session:
    """What one node knows of this reader."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted
        self.told: dict[int, int] = {}
        self.begin_anew()

    def begin_anew(self) -> None:
        self.id, self.epoch = 0, NEW_SESSION if self.wanted else NO_SESSION
        self.told.clear()

    def answered(self, id: int) -> None:
        if self.wanted:
            self.id, self.epoch = id, self.epoch + 1 if id else NEW_SESSION


class Reader(Actor):
    async def run(self) -> None:
        self.position = dict.fromkeys(range(self.scene.partitions), 0)
        self.sessions_wanted = self.dice.random() < 0.6
        self.is_patient = self.dice.random() < 0.3
        """Waits for seconds where others look again: it never sees what it is not woken for."""
        self.dawdles = self.dice.random() < 0.4
        """Takes long breaks, and finds that what it wanted to read is deleted."""
        await asyncio.gather(*(self.follow(node) for node in self.scene.addresses))

    async def follow(self, node: int) -> None:
        session = Session(self.sessions_wanted)
        while not self.stopping:
            for partition in self.position:
                await self.leader(partition)
            mine = [p for p, leader in self.leaders.items() if leader == node]
            if not mine:
                await self.pause(0.1)
                if self.dice.random() < 0.2:
                    self.leaders.clear()
                continue
            connection = await self.connected(node)
            floors = {p: self.history.deleted.get((TOPIC, p), 0) for p in mine}
            places = dict(self.position)  # the other nodes' answers may move them before this one's is there
            asking = connection.send(self.request(session, mine), FETCH_VERSION)
            asked_at = asyncio.get_running_loop().time()
            if self.dice.random() < 0.05:
                asked_at += 1.0
                self.hits["client did not read"] += 1
                connection.take_nothing(self.dice.random())
            try:
                answer = await asking
            except Gone:
                session.begin_anew()
                continue
            assert isinstance(answer, FetchResponse)
            if answer.error_code:
                code = ErrorCode(answer.error_code)
                self.hits[f"fetch {code.name}"] += 1
                assert code in (ErrorCode.FETCH_SESSION_ID_NOT_FOUND, ErrorCode.INVALID_FETCH_SESSION_EPOCH), code
                session.begin_anew()
                continue
            session.answered(answer.session_id)
            self.hits["incremental fetch"] += session.epoch > 1
            try:
                await self.take(answer, places, floors, asked_at)
                if self.dawdles and not self.is_calm and self.dice.random() < 0.2:
                    await self.pause(self.dice.random() * 3)
            except Gone:
                session.begin_anew()

    def request(self, session: Session, mine: list[int]) -> FetchRequest:
        told = session.told
        forgotten = [p for p in told if p not in mine]
        for partition in forgotten:
            del told[partition]
        # Who has no session says everything each time.
        full = session.epoch <= 0
        changed = [p for p in mine if full or told.get(p) != self.position[p]]
        for partition in changed:
            told[partition] = self.position[partition]
        if full:
            forgotten = []
        parts = [
            FetchPartition(
                partition=p, fetch_offset=self.position[p], partition_max_bytes=self.dice.choice((1, 200, 100_000))
            )
            for p in changed
        ]
        return FetchRequest(
            max_wait_ms=4_000 if self.is_patient else 500 if self.is_calm else self.dice.choice((0, 20, 500)),
            min_bytes=1,
            max_bytes=self.dice.choice((1, 500, 1_000_000)),
            session_id=session.id,
            session_epoch=session.epoch,
            topics=[FetchTopic(topic=TOPIC, partitions=parts)] if parts else [],
            forgotten_topics_data=[ForgottenTopic(topic=TOPIC, partitions=forgotten)] if forgotten else [],
        )

    async def take(
        self, answer: FetchResponse, places: dict[int, int], floors: dict[int, int], asked_at: float
    ) -> None:
        seen, now = False, asyncio.get_running_loop().time()
        for part in (part for topic in answer.responses for part in topic.partitions):
            partition = part.partition_index
            if part.error_code:
                await self.failed(partition, ErrorCode(part.error_code), places[partition])
                continue
            at, before = (TOPIC, partition), len(self.history.reads[self.name])
            last = self.read(at, part)
            if last >= 0 and now - asked_at > LATE_SECONDS:
                self.history.waited += [
                    (self.name, at, value, asked_at, now) for _, _, value in self.history.reads[self.name][before:]
                ]
            seen = seen or last >= 0
            floor = floors.get(partition, 0)
            self.history.answers.append(Answer(self.name, at, part.log_start_offset, part.high_watermark, last, floor))
        if not seen:
            self.hits["empty fetch"] += 1
            await self.pause(0.005)

    def read(self, at: Partition, part: PartitionData) -> int:
        """Write down what is new. The last offset of all that came, -1 if nothing did."""
        partition, last = part.partition_index, -1
        for last, value, next_offset in values(part.records):
            if last >= self.position[partition]:
                self.history.reads[self.name].append((at, last, value))
                self.position[partition] = last + 1
            if last + 1 == next_offset:
                self.position[partition] = max(self.position[partition], next_offset)
        return last

    async def failed(self, partition: int, code: ErrorCode, asked: int) -> None:
        self.hits[f"fetch {code.name}"] += 1
        if code is ErrorCode.OFFSET_OUT_OF_RANGE:
            start = await self.earliest(partition)
            if start <= asked:
                self.history.broken.append(
                    f"{self.name} was out of range at {partition} offset {asked}, and the log begins at {start}"
                )
            self.position[partition] = max(start, self.position[partition])
            return
        assert code in RETRIABLE, (self.name, code)
        self.leaders.pop(partition, None)
        await self.pause(0.02)
