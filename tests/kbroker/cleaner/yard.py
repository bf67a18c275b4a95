"""A topic, its partitions on an engine, and the cleaner beside them; time is the test's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kbroker.cleaner import Cleaner
from kbroker.config import Config
from kbroker.partitions import Partition, Partitions
from kbroker.topic_config import TopicConfig
from kbroker.world import World
from storage.engine import Engine, EngineOptions, Identity, Read
from storage.memory import MemoryEngine
from wire.batch import Batch, batches, verify_crc
from wire.records import Record, build_batch, iterate, transaction_marker

TOPIC_ID = bytes(range(16))


class Settings(dict[str, Any]):
    """A topic's config with values that no user may set: tiny segments."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._usual = TopicConfig({}, Config.parse({}))

    def __missing__(self, name: str) -> Any:
        return self._usual[name]


class State(NamedTuple):
    leader: int = 1
    leader_epoch: int = 0
    replicas: Sequence[int] = (1,)
    isr: Sequence[int] = (1,)


class Topic:
    def __init__(self, name: str, count: int, config: Settings) -> None:
        self.name = name
        self.id = TOPIC_ID
        self.partitions = [State()] * count
        self.config = config


class Kept(NamedTuple):
    """A record as a reader sees it."""

    offset: int
    key: bytes | None
    value: bytes | None


class Yard:
    """Settings are topic configs with underscores; `broker` are broker configs by their names."""

    def __init__(
        self,
        world: World,
        engine: Engine | None = None,
        *,
        count: int = 1,
        broker: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        self.world = world
        self.engine: Engine = engine or memory_engine(world)
        values = {name.replace("_", "."): value for name, value in settings.items()}
        if isinstance(values.get("cleanup.policy"), str):
            values["cleanup.policy"] = tuple(values["cleanup.policy"].split(","))
        values.setdefault("segment.bytes", 400)
        self.topic = Topic("t", count, Settings(values))
        self.partitions = Partitions(self.engine, world)
        self.cleaner = Cleaner(self.engine, world, Config.parse(broker or {}), self, self.partitions, "catalog")
        self.partitions.on_growth = self.cleaner.grown

    def topic_by_id(self, topic_id: bytes) -> Topic | None:
        return self.topic if topic_id == self.topic.id else None

    @property
    def log(self) -> str:
        return f"{TOPIC_ID.hex()}/0"

    @property
    def partition(self) -> Partition:
        return self.partitions.open(self.topic, 0)

    async def write(self, *records: Record, **options: Any) -> int:
        """One batch; records without a time get that of the world. The base offset."""
        await self.partition.ready()
        now = self.world.time_ms()
        timed = [record if record.timestamp >= 0 else record._replace(timestamp=now) for record in records]
        return await self.partition.append([build_batch(timed, **options)])

    async def put(self, *pairs: tuple[bytes, bytes | None], **options: Any) -> None:
        """A batch for each pair."""
        for key, value in pairs:
            await self.write(Record(key, value), **options)

    async def end_transaction(self, producer_id: int, committed: bool, epoch: int = 0) -> int:
        marker = transaction_marker(
            committed, coordinator_epoch=0, producer_id=producer_id, producer_epoch=epoch,
            timestamp=self.world.time_ms(),
        )  # fmt: skip
        return await self.partition.append([marker])

    async def seal(self) -> None:
        """Make all that there is sealed, by something that does not fit behind it."""
        await self.write(Record(b"\xff seal", bytes(self.topic.config["segment.bytes"])))

    async def stored(self) -> list[Batch]:
        """Every batch that a reader gets."""
        start, end = self.engine.bounds(self.log)
        found: list[Batch] = []
        while start < end:
            chunk = (await self.engine.read([Read(self.log, start, 1000)]))[0]
            assert chunk.error is None, chunk.error
            if not chunk.buffers:
                break
            found += [batch for buffer in chunk.buffers for batch in batches(buffer)]
            start = chunk.next_offset
        assert all(map(verify_crc, found))
        return found

    async def records(self) -> list[Kept]:
        """Every data record, without those of `seal`."""
        return [
            Kept(record.offset, record.key, record.value)
            for batch in await self.stored()
            if not batch.is_control
            for record in iterate(batch)
            if record.key != b"\xff seal"
        ]

    async def values(self) -> dict[bytes | None, bytes | None]:
        """The last value of each key, as somebody finds it who reads all."""
        return {record.key: record.value for record in await self.records()}

    async def clean(self) -> None:
        await self.cleaner.run(self.topic)

    def pieces(self) -> int:
        return len(self.engine.extents(self.log))

    async def pass_ms(self, milliseconds: int) -> None:
        """Let time go by, and what is due happen."""
        woken = self.world.future()
        self.world.later(milliseconds / 1000, woken.set_result, None)
        await woken


def memory_engine(world: World) -> MemoryEngine:
    engine = MemoryEngine(now=world.time_ms, options=EngineOptions(identity=Identity("test", 1)))
    engine._opened = True  # all that `open` does here
    return engine


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
