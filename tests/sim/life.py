"""One seed, one life: a broker with clients at work, faults at random moments, and what can be said of it in the end.

report = live_through(seed)      report.violations is empty, or kbroker is wrong
                                 report.hits counts how often each fault and rare state was really there

python -m tests.sim SEED...      lives these seeds and prints their reports
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kbroker.broker import Broker
from kbroker.config import Config
from tests.storage.simdisk import SimFiles
from wire.batch import batches
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from wire.records import iterate

from .actors import FETCH_VERSION, TOPIC, Actor, IdempotentProducer, Reader, Watcher, decode, passed
from .checkers import History, Log, violations
from .client import Connection
from .loop import VirtualLoop, live
from .members import Member
from .network import Network
from .world import Clock, SimWorld

PORT = 9092
PARTITIONS = 3
LONGEST_LIFE = 600.0
SETTINGS = {"listeners": f"PLAINTEXT://127.0.0.1:{PORT}", "kbroker.debug.fill.buffers": "true"}


@dataclass(frozen=True)
class Report:
    seed: int
    violations: list[str]
    hits: Counter[str]
    records: int
    seconds: float
    """Virtual ones."""


class Life:
    """The broker of a life, which comes and goes, and the surroundings that stay."""

    def __init__(self, seed: int, loop: VirtualLoop) -> None:
        self.seed, self.loop = seed, loop
        self.dice = random.Random(seed)
        self.clock = Clock(loop)
        self.network = Network(loop, self.dice)
        self.hits = self.network.hits
        self.disk = SimFiles(self.dice.getrandbits(30))
        self.disk.whole_writes = False
        self.history = History()
        self.settings = dict(SETTINGS)
        # Loss of power takes what was not synced: only a broker that syncs may be asked to survive it.
        self.syncs = self.dice.random() < 0.5
        if self.syncs:
            self.settings["kbroker.fsync"] = "true"
        self.broker: Broker
        self.world: SimWorld

    async def start(self) -> None:
        self.world = SimWorld(self.loop, self.clock, self.dice.getrandbits(64), self.disk)
        self.broker = Broker(Config.parse(self.settings), world=self.world, engine_url="file:///data")
        await self.broker.start()

    def kill(self, *, power: bool) -> None:
        """The process dies, or the machine does."""
        self.hits["power lost" if power else "process killed"] += 1
        self.world.kill()
        self.network.listeners.clear()
        for pipe in list(self.network.pipes):
            self.network.cut(pipe)
        self.disk.crashed = True
        self.disk = self.disk.unplugged(self.dice) if power else self.disk.killed()
        self.disk.whole_writes = False

    async def trouble(self) -> None:
        """One fault."""
        kind = self.dice.choice(("cut", "cut", "cut", "kill", "power", "stop", "jump"))
        if kind == "cut":
            self.network.cut_some()
        elif kind == "jump":
            self.hits["time jumped"] += 1
            self.world.jump(self.dice.choice((1_000, 15_000)))
        elif kind == "stop":
            self.hits["stopped and started"] += 1
            await self.broker.stop()
            await self.start()
        else:
            self.kill(power=kind == "power" and self.syncs)
            await passed(self.dice.random() * 0.5)
            await self.start()

    def actor(self, kind: type[Actor], name: str) -> Actor:
        dice = random.Random(self.dice.getrandbits(64))
        actor = kind(name, dice, self.history, self.hits, lambda: ("127.0.0.1", PORT), self.clock.time_ms)
        actor.partitions = PARTITIONS  # type: ignore[attr-defined]
        return actor

    async def run(self) -> Report:
        await self.start()
        await self.create_topic()
        producers = [self.actor(IdempotentProducer, f"p{i}") for i in range(2)]
        others = [
            *(self.actor(Reader, f"r{i}") for i in range(2)),
            *(self.actor(Member, f"m{i}") for i in range(3)),
            self.actor(Watcher, "w"),
        ]
        running = [asyncio.ensure_future(actor.run()) for actor in others]
        producing = [asyncio.ensure_future(actor.run()) for actor in producers]
        while not all(task.done() for task in producing):
            await passed(self.dice.random() * 0.6)
            first_wrong = next((task for task in running + producing if task.done() and task.exception()), None)
            if first_wrong is not None:
                first_wrong.result()
            assert self.loop.time() < LONGEST_LIFE, "the producers never end"
            if self.dice.random() < 0.4:
                await self.trouble()
        await passed(1.0)
        for actor in others:
            actor.stopping = True
        _, still = await asyncio.wait(running, timeout=LONGEST_LIFE)
        assert not still, "clients hang although the broker is there"
        for task in running + producing:
            task.result()
        log = await self.read_all()
        await self.broker.stop()
        records = sum(map(len, log.values()))
        return Report(self.seed, violations(self.history, log), self.hits, records, self.loop.time())

    async def create_topic(self) -> None:
        connection = await Connection.to(("127.0.0.1", PORT), "admin")
        topic = CreatableTopic(name=TOPIC, num_partitions=PARTITIONS, replication_factor=1, assignments=[], configs=[])
        request = CreateTopicsRequest(topics=[topic], timeout_ms=1000)
        answer = await connection.ask(request, 5, CreateTopicsResponse)
        assert answer.topics[0].error_code == 0
        connection.close()

    async def read_all(self) -> Log:
        """The whole log, by a client that nothing disturbs."""
        connection = await Connection.to(("127.0.0.1", PORT), "the last reader")
        log: Log = {}
        for partition in range(PARTITIONS):
            rows = log[TOPIC, partition] = []
            position, high_watermark = 0, 1
            while position < high_watermark:
                part = FetchPartition(partition=partition, fetch_offset=position, partition_max_bytes=1 << 20)
                topic = FetchTopic(topic=TOPIC, partitions=[part])
                request = FetchRequest(max_wait_ms=0, min_bytes=0, topics=[topic], forgotten_topics_data=[])
                answer = await connection.ask(request, FETCH_VERSION, FetchResponse)
                (data,) = answer.responses[0].partitions
                assert data.error_code == 0 and isinstance(data.records, memoryview)
                high_watermark = data.high_watermark
                for batch in batches(data.records):
                    rows += [(record.offset, decode(record.value)) for record in iterate(batch)]
                    position = batch.next_offset
        connection.close()
        return log


def live_through(seed: int, spoil: Callable[[Any], None] | None = None) -> Report:
    """Live one seed; `spoil` may plant a bug in the life before it begins."""
    loop = VirtualLoop()
    life = Life(seed, loop)
    if spoil is not None:
        spoil(life)
    return live(life.run(), loop)
