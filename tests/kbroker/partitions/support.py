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
from kbroker.machine import Marker
from kbroker.partitions import Partition
from kbroker.partitions.marking import write_marker
from kbroker.partitions.producers import Duplicate
from kbroker.partitions.replicas import Replicas
from kbroker.partitions.staging import Staging
from kbroker.topic_config import TopicConfig
from kbroker.world import Handle, World
from storage.engine import EngineOptions, Failed, Identity, LogFailed, Outcome, Write
from storage.memory import MemoryEngine
from storage.placing import measure
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


class Told(Write):
    """A write whose outcome goes through the test's hands."""

    def __init__(self, write: Write, told: Callable[[Outcome], None]) -> None:
        super().__init__(write.log, write.expected_end, write.batches)
        self.told = told

    def answered(self, outcome: Outcome) -> None:
        self.told(outcome)


class TestEngine(MemoryEngine):
    """The memory engine; while `held`, appends are answered (and done) only by `let_go`; `failing` answers them
    Failed."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__(now=lambda: START_MS, options=EngineOptions(identity=Identity("test", 1)))
        self._opened = True  # all that `open` does here
        self.held = False
        self.failing: set[str] = set()
        self.waiting: list[Write] = []
        self.calls: list[str] = []
        self.reads = 0

    def _submit(self, write: Write) -> None:
        measure(write)
        self.calls.append(write.log)
        if self.held:
            self.waiting.append(write)
        else:
            self._hand_on(write)

    def _hand_on(self, write: Write) -> None:
        answered = write.answered

        def overwritten(outcome: Outcome) -> None:
            for buffer in write.batches:
                buffer[:] = b"\xdd" * len(buffer)  # type: ignore[index]
            answered(outcome)

        if write.log in self.failing:
            overwritten(Failed(LogFailed("the disk is full")))
        else:
            super()._submit(Told(write, overwritten))

    def let_go(self, count: int = 1) -> None:
        """Answer the oldest of the waiting writes."""
        for _ in range(count):
            self._hand_on(self.waiting.pop(0))


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


async def marked(one: Partition, marker: Marker, raises_epochs: bool = False) -> None:
    """Write a marker and wait for it."""
    written: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def told(error: Exception | None) -> None:
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)

    write_marker(one, marker, raises_epochs, told)
    await written


def produce(one: Partition, records: bytearray) -> Staging | Duplicate:
    """What the produce handler does with one batch."""
    staged = one.stage(memoryview(records))
    if isinstance(staged, Staging):
        one.write(staged)
    return staged
