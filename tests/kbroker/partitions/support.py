"""A small surrounding for partitions: a world whose clock the test moves, and an engine that fails and waits when told
to.

Produced bytes lie in buffers that are overwritten with 0xDD as soon as the engine has answered, as a connection does
with a frame: a view that outlives its loan fails its CRC.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from kbroker.config import Config
from kbroker.partitions import Partition
from kbroker.partitions.producers import Duplicate
from kbroker.partitions.registry import Partitions
from kbroker.partitions.replicas import Replicas
from kbroker.partitions.staging import Staging
from kbroker.topic_config import TopicConfig
from kbroker.world import Handle, World
from storage.engine import EngineOptions, Failed, Identity, LogFailed, Outcome, Write
from storage.memory import MemoryEngine
from wire.records import Record, build_batch

T = TypeVar("T")
START_MS = 1_700_000_000_000


class Timer:
    """One timer of the test's world."""

    def __init__(self, due: float, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.due = due
        self.callback = callback
        self.args = args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class TestWorld(World):
    """Both clocks stand still until the test moves them."""

    __test__ = False

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.random = random.Random(1)
        self.now_ms = START_MS
        self.now_s = 0.0
        self.timers: list[Timer] = []
        self.tasks: set[asyncio.Task[Any]] = set()

    def time_ms(self) -> int:
        return self.now_ms

    def loop_time(self) -> float:
        return self.now_s

    def at(self, time_ms: int, callback: Callable[..., object], *args: Any) -> Handle:
        return self.later((time_ms - self.now_ms) / 1000, callback, *args)

    def later(self, seconds: float, callback: Callable[..., object], *args: Any) -> Handle:
        timer = Timer(self.now_s + seconds, callback, args)
        self.timers.append(timer)
        return timer

    def living_timers(self) -> list[Timer]:
        return [timer for timer in self.timers if not timer.cancelled]

    def pass_s(self, seconds: float) -> None:
        """Move loop time, and fire what falls due."""
        self.now_s += seconds
        for timer in self.living_timers():
            if timer.due <= self.now_s:
                timer.cancel()
                timer.callback(*timer.args)

    def soon(self, callback: Callable[..., object], *args: Any) -> None:
        self.loop.call_soon(callback, *args)

    def future(self) -> asyncio.Future[Any]:
        return self.loop.create_future()

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


class TestEngine(MemoryEngine):
    """The memory engine; while `held`, appends are answered (and done) only by `let_go`; `failing` answers them
    Failed."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__(now=lambda: START_MS, options=EngineOptions(identity=Identity("test", 1)))
        self._opened = True  # all that `open` does here
        self.held = False
        self.failing: set[str] = set()
        self.waiting: list[tuple[Sequence[Write], asyncio.Future[list[Outcome]]]] = []
        self.calls: list[list[str]] = []
        self.reads = 0

    def append(self, writes: Sequence[Write]) -> asyncio.Future[list[Outcome]]:
        self.calls.append([write.log for write in writes])
        if not self.held:
            return self._append(writes)
        future: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self.waiting.append((writes, future))
        return future

    def _append(self, writes: Sequence[Write]) -> asyncio.Future[list[Outcome]]:
        kept = [write for write in writes if write.log not in self.failing]
        answered = iter(super().append(kept).result())
        broken = Failed(LogFailed("the disk is full"))
        answer: list[Outcome] = [broken if write.log in self.failing else next(answered) for write in writes]
        future: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        future.set_result(answer)
        for write in writes:
            for buffer in write.batches:
                buffer[:] = b"\xdd" * len(buffer)  # type: ignore[index]
        return future

    def let_go(self, count: int = 1) -> None:
        """Answer the oldest of the waiting appends."""
        for _ in range(count):
            writes, future = self.waiting.pop(0)
            future.set_result(self._append(writes).result())


def run(test: Callable[[], Awaitable[T]]) -> T:
    """Run the test on a loop of its own."""

    async def main() -> T:
        return await test()

    return asyncio.run(main())


async def turns(count: int = 4) -> None:
    """Let the loop do what it has to do."""
    for _ in range(count):
        await asyncio.sleep(0)


def config(**overrides: object) -> TopicConfig:
    """A topic's config; dots are written as underscores."""
    return TopicConfig({name.replace("_", "."): str(value) for name, value in overrides.items()}, Config.parse({}))


def partition(
    engine: TestEngine, world: TestWorld, *, leader_epoch: int = 0, nodes: Sequence[int] = (1,), **overrides: Any
) -> Partition:
    every_record = overrides.pop("every_record", False)
    return Partition(
        "t-0", "t/0", engine, world, config(**overrides), Replicas(nodes[0], nodes, nodes), leader_epoch,
        every_record=every_record,
    )  # fmt: skip


def batch(
    count: int = 1,
    *,
    producer: tuple[int, int, int] = (-1, -1, -1),
    timestamp: int = START_MS,
    key: bytes | None = b"k",
    value: bytes = b"v",
    **options: Any,
) -> bytearray:
    """A produced batch of `count` records; producer is (id, epoch, first sequence)."""
    producer_id, epoch, sequence = producer
    return build_batch(
        [Record(key, value, (), timestamp + index) for index in range(count)],
        producer_id=producer_id,
        producer_epoch=epoch,
        base_sequence=sequence,
        **options,
    )


def produce(one: Partition, records: bytearray) -> Staging | Duplicate:
    """What the produce handler does with one batch."""
    staged = one.stage(memoryview(records))
    if isinstance(staged, Staging):
        Partitions.write(_Writer(one.engine), [staged])  # type: ignore[arg-type]
    return staged


class _Writer:
    def __init__(self, engine: Any) -> None:
        self.engine = engine
