"""One seed, one life: a broker with clients at work, faults at random moments, and what can be said of it in the end.

report = live_through(seed)      report.violations is empty, or kbroker is wrong
                                 report.hits counts how often each fault and rare state was really there
                                 report.digest is the same every time

python -m tests.sim SEED...      lives these seeds and prints their reports
"""

import asyncio
import hashlib
import logging
import random
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from kbroker.broker import Broker
from kbroker.config import Config
from storage.engine import StorageError
from tests.storage.simdisk import Crash
from wire.errors import ErrorCode, KafkaError
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic

from .actors import TOPIC, Actor, Eraser, Scene, Watcher, values
from .checkers import violations
from .client import Connection
from .disk import Disk
from .faults import FAULTS, kill
from .history import History, Log
from .loop import VirtualLoop, live, passed
from .members import CALM_SECONDS, Member, Passerby, StaticMember, describe
from .network import Network
from .patches import Patches
from .plan import PORT, Plan
from .producers import CarelessProducer, IdempotentProducer, LateProducer
from .readers import FETCH_VERSION, Reader
from .visitor import Visitor
from .world import Clock, SimWorld

PARTITIONS = 3
LONGEST_LIFE = 150.0
"""Virtual seconds; most lives take a fifth of it."""
TIME_TO_CATCH_UP = 20.0
TIME_TO_STOP = 60.0


@dataclass(frozen=True)
class Report:
    seed: int
    violations: list[str]
    hits: Counter[str]
    records: int
    seconds: float
    """Virtual ones."""
    digest: str
    """Of everything that was seen, sent and left."""


class Life:
    """The broker of a life, which comes and goes, and the surroundings that stay."""

    def __init__(self, seed: int, loop: VirtualLoop, patches: Patches) -> None:
        self.seed, self.loop, self.patches = seed, loop, patches
        self.dice = random.Random(seed)
        self.plan = Plan.draw(self.dice)
        self.clock = Clock(loop)
        self.network = Network(loop, self.dice, slowest=self.plan.slowest, high_bytes=self.plan.high_bytes)
        self.hits = self.network.hits
        self.plan.apply(patches, self.hits)
        self.disk = Disk(self.dice)
        self.history = History()
        self.log: Log | None = None
        self.phase = "the producers"
        self.remains: list[object] = []
        """What dead brokers leave behind is kept: when it would be collected is no matter of dice."""
        addresses = {1 + index: ("127.0.0.1", PORT + index) for index in range(self.plan.nodes)}
        self.scene = Scene(self.history, self.hits, addresses, self.clock.time_ms, PARTITIONS)
        self.holding: list[tuple[Any, int]] = []
        self.is_up = self.power_lost = False
        self.dead = asyncio.Event()
        self.broker: Broker
        self.world: SimWorld

    # --- the broker comes and goes ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Until it is up: it may die on the way, and find a sick disk."""
        while True:
            self.world = SimWorld(self.loop, self.clock, self.dice.getrandbits(64), self.disk)
            config = Config.parse(self.plan.settings)
            self.broker = Broker(config, world=self.world, nodes=self.plan.nodes, engine_url="file:///data")
            self.remains += [self.world, self.broker]
            if self.dice.random() < 0.1 and self.loop.time() > 0:
                self.hits["death laid into a start"] += 1
                power = self.plan.syncs
                self.disk.die_soon(self.dice.randint(1, 60), lambda: self.die(power=power))  # noqa: B023
            if await self.survives(self.broker.start()):
                self.is_up = True
                return
            await self.left_behind()

    async def stop(self) -> None:
        self.is_up = False
        if await self.survives(self.broker.stop()):
            assert not self.world.alarms, "a broker that has stopped has set timers"
        else:
            await self.left_behind()

    async def survives(self, doing: Coroutine[Any, Any, None]) -> bool:
        """Whether the broker has done that, and neither died nor refused."""
        task, death = asyncio.ensure_future(doing), asyncio.ensure_future(self.dead.wait())
        await asyncio.wait([task, death], timeout=TIME_TO_STOP, return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        if self.dead.is_set():
            task.add_done_callback(_heard)
            task.cancel()
            self.remains.append(task)
            return False
        assert task.done(), "a broker that starts or stops has come to no end"
        error = task.exception()
        if error is None:
            return True
        if not isinstance(error, StorageError | KafkaError):
            raise error
        self.hits[f"broker gave up: {type(error).__name__}"] += 1
        return False

    def die(self, *, power: bool) -> None:
        """The process is dead, or the machine: at once, in whatever was being done."""
        self.hits["power lost" if power else "process killed"] += 1
        self.scene.crashes += self.is_up
        self.is_up = False
        self.power_lost = power
        self.world.kill()
        self.network.fall_silent()
        self.disk.crashed = True
        self.holding.clear()
        self.dead.set()

    async def left_behind(self) -> None:
        """What is left of a broker that could not start or stop goes, as a process that ends."""
        if not self.disk.crashed:
            self.die(power=False)
        self.bury()

    def bury(self) -> None:
        self.disk = self.disk.after(power=self.power_lost)
        self.dead.clear()

    async def revive(self) -> None:
        await passed(self.dice.random() * 0.5)
        self.bury()
        await self.start()

    def release(self) -> None:
        """Followers that were held catch up."""
        while self.holding:
            partition, node = self.holding.pop()
            partition.release(node)

    async def trouble(self) -> None:
        """One fault; or the broker has died of the one before."""
        if self.disk.crashed:
            await self.revive()
            return
        (fault,) = self.dice.choices([fault for _, fault in FAULTS], [weight for weight, _ in FAULTS])
        await fault(self)
        if self.disk.crashed:
            await self.revive()

    # --- what is said of it -------------------------------------------------------------------------------------------

    def violations(self) -> list[str]:
        return violations(self.history, self.log)

    def all_that_was_seen(self) -> object:
        return self.history, self.log

    # --- a life -------------------------------------------------------------------------------------------------------

    def actor(self, kind: type[Actor], name: str) -> Any:
        return kind(name, random.Random(self.dice.getrandbits(64)), self.scene)

    async def whole(self) -> None:
        try:
            await asyncio.wait_for(self.run(), LONGEST_LIFE)
        except TimeoutError:
            raise AssertionError(f"after {LONGEST_LIFE:.0f} s somebody still waits for {self.phase}") from None

    async def run(self) -> None:
        await self.start()
        await self.create_topic()
        producers = [self.actor(IdempotentProducer, f"p{i}") for i in range(2)]
        producers.append(self.actor(CarelessProducer, "c"))
        readers = [self.actor(Reader, f"r{i}") for i in range(2)]
        members = [self.actor(Member, "m0"), self.actor(Member, "m1"), self.actor(StaticMember, "m2")]
        others = [*readers, *members, *(self.actor(kind, kind.__name__) for kind in (Watcher, Eraser, Visitor))]
        running = [asyncio.ensure_future(actor.run()) for actor in others]
        producing = [asyncio.ensure_future(actor.run()) for actor in producers]
        while not all(task.done() for task in producing):
            await passed(self.dice.random() * 0.6)
            _raise_first(running + producing)
            if self.dice.random() < self.plan.trouble or self.disk.crashed:
                await self.trouble()
        for actor in others:
            actor.is_calm = True
        self.phase = "the broker to come up again"
        await self.calm_down()
        self.phase = "the last producer"
        await self.actor(LateProducer, "late").run()
        await self.catch_up(readers, running)
        self.phase = "the group"
        await self.settle(members)
        self.phase = "clients to end"
        for actor in others:
            actor.stopping = True
        await asyncio.wait(running)
        _raise_first(running)
        self.phase = "the log to be read"
        self.log = await self.read_all()
        await self.stop()

    async def calm_down(self) -> None:
        """No faults from here on; a broker that may be sick is started anew."""
        self.network.ambushes.clear()
        self.disk.crash_at = None
        self.disk.failures.clear()
        if self.disk.crashed:
            await self.revive()
        else:
            await self.stop()
            await self.start()
        self.disk.crash_at = None
        if self.disk.crashed:
            await self.revive()

    async def settle(self, members: list[Member]) -> None:
        """One more member comes and dies; in the end the group has those who live, also if the broker died with it."""
        await self.actor(Passerby, "mx").run()
        if self.dice.random() < 0.5:
            await kill(self)
            self.disk.crash_at = None
        await passed(CALM_SECONDS)
        await describe(members)

    async def catch_up(self, readers: list[Reader], running: list[asyncio.Task[None]]) -> None:
        """Readers get all the time that they need to come to the end."""
        ends = {partition: await self.end(partition) for partition in range(PARTITIONS)}
        until = self.loop.time() + TIME_TO_CATCH_UP
        while self.loop.time() < until and any(r.position[p] < end for r in readers for p, end in ends.items()):
            await passed(0.2)
            _raise_first(running)
        for reader in readers:
            for partition, end in ends.items():
                self.history.caught_up.append((reader.name, (TOPIC, partition), reader.position[partition], end))

    async def end(self, partition: int) -> int:
        """Where the log ends: the last offset that was acknowledged, and what lies behind."""
        topic = self.broker.cluster.catalog.topic(TOPIC)
        assert topic is not None
        log = self.broker.cluster.partitions.open(topic, partition)
        await log.ready()
        return log.replicas.end

    async def create_topic(self) -> None:
        connection = await Connection.to(self.scene.addresses[1], "admin")
        factor = self.plan.nodes
        made = CreatableTopic(
            name=TOPIC, num_partitions=PARTITIONS, replication_factor=factor, assignments=[], configs=[]
        )
        answer = await connection.ask(CreateTopicsRequest(topics=[made], timeout_ms=1000), 5, CreateTopicsResponse)
        assert answer.topics[0].error_code == 0
        connection.close()

    async def read_all(self) -> Log:
        """The whole log, by a client that nothing disturbs."""
        reader = self.actor(Actor, "the last reader")
        log: Log = {}
        for partition in range(PARTITIONS):
            rows = log[TOPIC, partition] = []
            start = position = await reader.earliest(partition)
            self.history.starts[TOPIC, partition] = start
            high_watermark = position + 1
            while position < high_watermark:
                part = FetchPartition(partition=partition, fetch_offset=position, partition_max_bytes=1 << 20)
                topic = FetchTopic(topic=TOPIC, partitions=[part])
                request = FetchRequest(max_wait_ms=0, min_bytes=0, topics=[topic], forgotten_topics_data=[])
                connection = await reader.connected(await reader.leader(partition))
                answer = await connection.ask(request, FETCH_VERSION, FetchResponse)
                (data,) = answer.responses[0].partitions
                assert data.error_code == 0, ErrorCode(data.error_code)
                high_watermark = data.high_watermark
                before = position
                for offset, value, next_offset in values(data.records):
                    if offset >= start:
                        rows.append((offset, value))
                    position = next_offset
                assert position > before or position == high_watermark, (
                    f"{partition} has nothing at {position}, below the high watermark {high_watermark}"
                )
        return log


class Complaints(logging.Handler):
    """What the broker logs is not printed. What it did not foresee is a violation."""

    def __init__(self) -> None:
        super().__init__()
        self.unforeseen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, StorageError | KafkaError | OSError | Crash):
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.unforeseen.append(f"{record.getMessage()}: {error!r} in {where.name}, {where.filename}:{where.lineno}")


def live_through(seed: int, spoil: Callable[[Patches], None] | None = None, kind: type[Life] = Life) -> Report:
    """Live one seed; `spoil` may plant a bug that lasts as long as the life."""
    loop = VirtualLoop()
    patches = Patches()
    complaints = Complaints()
    root = logging.getLogger("kbroker")
    found: list[str] = []
    for name, value in (("propagate", False), ("handlers", [complaints])):
        patches.set(root, name, value)
    try:
        life = kind(seed, loop, patches)
        if spoil is not None:
            spoil(patches)
        try:
            live(life.whole(), loop)
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
    finally:
        patches.undo()
    found = life.violations() + found + [f"unforeseen: {text}" for text in complaints.unforeseen]
    said = repr((life.all_that_was_seen(), sorted(life.hits.items()), loop.now, life.network.fingerprint, found))
    digest = hashlib.sha256(said.encode()).hexdigest()[:16]
    return Report(seed, found, life.hits, sum(map(len, (life.log or {}).values())), loop.now, digest)


def _raise_first(tasks: list[asyncio.Task[None]]) -> None:
    """An actor that has ended in an error has seen what may not be."""
    for task in tasks:
        if task.done():
            task.result()


def _heard(done: "asyncio.Task[None]") -> None:
    if not done.cancelled():
        done.exception()
