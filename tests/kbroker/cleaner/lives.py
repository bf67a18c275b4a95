"""A life of one partition under the cleaner, on a forgetful disk: a seed decides what is written, what is cleaned, how
time goes by, and at which call to the disk everything ends.

The engine promises fsync, so what was answered is there after any crash. Whatever retention and compaction have done,
and wherever they were interrupted, a life finds

- nothing but records that were written, at their offsets, with their keys, values and times, in order;
- of each key the value that was valid last; of a tombstone at least that nothing older comes back, and the tombstone
  itself as long as delete.retention.ms has not passed since it was written;
- no last value younger than retention.ms below the log start; the end where it was;
- every producer that has a batch above the log start, with its last sequence: also without any note;
- the last stable offset where the first open transaction begins.

`Broken` tells what was wrong.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from kbroker.cleaner import run
from kbroker.partitions.checkpoint import NAME as NOTE
from storage.engine import Engine, EngineOptions, Identity, StorageError
from storage.open import open_engine
from tests.kbroker.cleaner.yard import Yard
from tests.kbroker.servants import Tame
from tests.kbroker.virtual import VirtualWorld
from tests.sim.loop import VirtualLoop
from tests.sim.loop import live as lived
from tests.storage.simdisk import Crash, SimFiles
from wire.batch import Batch, verify_crc
from wire.errors import KafkaError
from wire.records import Record, build_batch, iterate, transaction_marker

KEYS = (b"a", b"b", b"c", b"d", b"e", b"f")
RETENTION_MS = 60_000
DELETE_RETENTION_MS = 5_000


class Broken(AssertionError):
    """The cleaner has not kept its promise."""


@dataclass(frozen=True)
class Put:
    """One batch that was sent: data, or a marker (committed)."""

    base: int
    records: tuple[Record, ...]
    producer: int = -1
    sequence: int = -1
    transactional: bool = False
    committed: bool | None = None

    @property
    def end(self) -> int:
        return self.base + max(len(self.records), 1)


@dataclass
class Known:
    """What was written, and what it means."""

    records: dict[int, Record] = field(default_factory=dict)
    valid: dict[int, bool] = field(default_factory=dict)
    """By offset, False for records that were aborted or not decided on."""
    last: dict[int, Put] = field(default_factory=dict)
    """The last batch of each producer."""
    open: dict[int, list[int]] = field(default_factory=dict)
    markers: set[int] = field(default_factory=set)
    end: int = 0

    def add(self, put: Put) -> None:
        self.end = put.end
        if put.committed is not None:
            self.markers.add(put.base)
            for offset in self.open.pop(put.producer):
                self.valid[offset] = put.committed
            return
        for at, record in enumerate(put.records):
            self.records[put.base + at] = record
            self.valid[put.base + at] = not put.transactional
            if put.transactional:
                self.open.setdefault(put.producer, []).append(put.base + at)
        if put.producer >= 0:
            self.last[put.producer] = put


class Life:
    """See the file's story."""

    def __init__(self, seed: int, world: VirtualWorld, *, steps: int = 60) -> None:
        self.rng = random.Random(seed)
        self.steps = steps
        self.world = world
        self.files = SimFiles(seed)
        self.deletes = self.rng.random() < 0.5
        self.most_keys = self.rng.choice((1, 140, 500, 1 << 20))
        self.known = Known()
        self.flight: Put | None = None
        self.seen: dict[str, int] = {}
        if seed % 2:
            world.servant = self._servant  # type: ignore[method-assign]
        self.yard = self._yard()

    def _yard(self) -> Yard:
        self.files.whole_writes = False
        options = EngineOptions(Identity("c", 1), fsync=True, open_files=5)
        engine: Engine = open_engine("file:///data", files=self.files, now=self.world.time_ms, options=options)
        return Yard(
            self.world,
            engine,
            cleanup_policy="compact,delete" if self.deletes else "compact",
            segment_bytes=self.rng.choice((200, 400, 1000)),
            retention_ms=RETENTION_MS,
            delete_retention_ms=DELETE_RETENTION_MS,
            broker={"log.cleaner.dedupe.buffer.size": str(self.most_keys)},
        )

    def _servant(self, module: str) -> Tame:
        """A process of its own sees the same disk, and dies with the same machine."""
        self.seen["by another process"] = self.seen.get("by another process", 0) + 1
        return Tame(module, self.files)

    async def run(self, lives: int = 3) -> None:
        asyncio.get_running_loop().set_exception_handler(_only_crashes)
        try:
            await self.yard.engine.open()
            for _ in range(lives):
                self.files.crash_at = self.files.calls + self.rng.randint(20, self.rng.choice((200, 800)))
                with suppress(Crash):
                    for _ in range(self.steps):
                        await self._step()
                await self._reborn()
        except (StorageError, KafkaError) as error:
            raise Broken(f"{type(error).__name__}: {error}") from error
        finally:
            self._bury()

    def _bury(self) -> None:
        for task in list(self.world.tasks):
            task.cancel()

    async def _reborn(self) -> None:
        self.files.crashed = True  # if it is not already
        self._bury()
        unplugged = self.rng.random() < 0.5
        self.files = self.files.unplugged(self.rng) if unplugged else self.files.killed()
        death = "power lost" if unplugged else "process killed"
        self.seen[death] = self.seen.get(death, 0) + 1
        self.yard = self._yard()
        await self.yard.engine.open()
        if self.rng.random() < 0.4:  # notes are never needed
            self.seen["without notes"] = self.seen.get("without notes", 0) + 1
            checkpoints = self.yard.engine.checkpoints
            self.yard.engine.checkpoints = (  # type: ignore[method-assign]
                lambda log, name: [] if name == NOTE else checkpoints(log, name)
            )
        await self.yard.partition.ready()
        flight, self.flight = self.flight, None
        if flight is not None and self.yard.partition.end == flight.end:
            self.known.add(flight)
        await self._compare()

    async def _await(self, future: asyncio.Future[Any]) -> Any:
        for _ in range(100_000):
            if self.files.crashed:
                raise Crash("while waiting")
            if future.done():
                return future.result()
            await self.yard.pass_ms(1)
        raise Broken("an answer never came")

    # --- steps --------------------------------------------------------------------------------------------------------

    async def _step(self) -> None:
        steps: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (60, self._put), (10, self._end), (12, self._clean), (8, self._wait), (2, self._restart),
        ]  # fmt: skip
        step = self.rng.choices([step for _, step in steps], [weight for weight, _ in steps])[0]
        await step()
        self.seen[step.__name__] = self.seen.get(step.__name__, 0) + 1

    async def _put(self) -> None:
        rng, now = self.rng, self.world.time_ms()
        producer, transactional = rng.choice(((-1, False), (-1, False), (1, False), (2, False), (3, True), (4, True)))
        records = tuple(
            Record(rng.choice(KEYS), None if rng.random() < 0.25 else rng.randbytes(rng.randint(1, 30)), (), now)
            for _ in range(rng.randint(1, 4))
        )
        sequence = -1
        if producer >= 0:
            last = self.known.last.get(producer)
            sequence = 0 if last is None else last.sequence + len(last.records)
        await self._append(Put(self.known.end, records, producer, sequence, transactional))

    async def _end(self) -> None:
        if self.known.open:
            producer = self.rng.choice(sorted(self.known.open))
            await self._append(Put(self.known.end, (), producer, committed=self.rng.random() < 0.5))

    async def _append(self, put: Put) -> None:
        now = self.world.time_ms()
        if put.committed is not None:
            raw = transaction_marker(
                put.committed, coordinator_epoch=0, producer_id=put.producer, producer_epoch=0, timestamp=now
            )
        else:
            raw = build_batch(
                put.records, compression=self.rng.randint(0, 4), producer_id=put.producer,
                producer_epoch=0 if put.producer >= 0 else -1, base_sequence=put.sequence,
                transactional=put.transactional,
            )  # fmt: skip
        self.flight = put
        if await self._await(self.yard.partition.append([raw])) != put.base:
            raise Broken("an append has landed elsewhere")
        self.known.add(put)
        self.flight = None

    async def _clean(self) -> None:
        await self._await(self.yard.cleaner.run())
        await self._compare()

    async def _wait(self) -> None:
        await self.yard.pass_ms(self.rng.choice((100, DELETE_RETENTION_MS, RETENTION_MS // 2)))

    async def _restart(self) -> None:
        """A clean stop."""
        after = self._yard()
        calls = (self.yard.cleaner.close, self.yard.partitions.close, self.yard.engine.close, after.engine.open)
        for call in calls:
            await self._await(self.world.spawn(_quietly(call)))
        self.yard = after
        await self._await(self.yard.partition.ready())
        await self._compare()

    # --- what is there ------------------------------------------------------------------------------------------------

    async def _compare(self) -> None:
        known, partition = self.known, self.yard.partition
        start, end = self.yard.engine.bounds(self.yard.log)
        if end != known.end or partition.end != end:
            raise Broken(f"the log ends at {end}, the partition at {partition.end}, not at {known.end}")
        self._compare_start(start)
        stored = await self.yard.stored()
        self._compare_values(start, self._shown(stored))
        self._compare_producers(start)
        stable = min((offsets[0] for offsets in known.open.values()), default=end)
        there = min((o for offsets in known.open.values() for o in offsets if o >= start), default=end)
        if partition.last_stable_offset not in (max(stable, start), there):  # what began below the start may be unknown
            raise Broken(f"the last stable offset is {partition.last_stable_offset}, not {stable}")

    def _compare_start(self, start: int) -> None:
        young = self.world.time_ms() - RETENTION_MS
        last = {record.key: offset for offset, record in self.known.records.items() if self.known.valid[offset]}
        records = [self.known.records[offset] for offset in last.values() if offset < start]
        # a tombstone may have gone before, by compaction, and left its segment older than it was
        gone = [record.timestamp for record in records if record.value is not None]
        if start and (not self.deletes or any(timestamp >= young for timestamp in gone)):
            raise Broken(f"the log begins at {start}, and what is below is too young to go")

    def _shown(self, stored: list[Batch]) -> dict[int, Record]:
        shown: dict[int, Record] = {}
        before = -1
        for batch in stored:
            if batch.base_offset < before or not verify_crc(batch):
                raise Broken(f"the batch at {batch.base_offset} is not in order, or wrong")
            before = batch.next_offset
            for record in iterate(batch):
                if batch.is_control:
                    if record.offset not in self.known.markers:
                        raise Broken(f"there was no marker at {record.offset}")
                elif self.known.records.get(record.offset) != record._replace(offset=-1):
                    raise Broken(f"{record} was never written")
                else:
                    shown[record.offset] = record
        return shown

    def _compare_values(self, start: int, shown: dict[int, Record]) -> None:
        known = self.known
        last = {record.key: offset for offset, record in known.records.items() if known.valid[offset]}
        found = {record.key: offset for offset, record in shown.items() if known.valid[offset]}
        undecided = {offset for offsets in known.open.values() for offset in offsets if offset >= start}
        if not undecided <= shown.keys():
            raise Broken("records of an open transaction are gone")
        for key, offset in last.items():
            if found.get(key, -1) == offset or offset < start:
                continue
            record = known.records[offset]
            if record.value is not None:
                raise Broken(f"the last value of {key!r}, at {offset}, is gone")
            if self.world.time_ms() - record.timestamp < DELETE_RETENTION_MS:
                raise Broken(f"the tombstone of {key!r}, at {offset}, has gone too early")
            if key in found:
                raise Broken(f"{key!r} was deleted at {offset} and has come back from {found[key]}")

    def _compare_producers(self, start: int) -> None:
        for producer, put in self.known.last.items():
            known = self.yard.partition.producers.table.get(producer)
            if put.base < start:
                continue
            kept = known.kept[-1] if known is not None and known.kept else None
            sequence = put.sequence + len(put.records) - 1
            if kept is None or kept.last_sequence != sequence or kept.last_offset != put.end - 1:
                raise Broken(f"producer {producer} is not known any more by its batch at {put.base}")


async def _quietly(call: Callable[[], Any]) -> None:
    with suppress(Crash):
        await call()


def _only_crashes(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Crash | asyncio.CancelledError):
        loop.default_exception_handler(context)


def live(seed: int) -> Life:
    """One life; raises Broken."""
    loop = VirtualLoop()
    life = Life(seed, VirtualWorld(loop, seed))
    with patch.object(run, "ON_THE_LOOP_BYTES", 0):
        lived(life.run(), loop)
    return life
