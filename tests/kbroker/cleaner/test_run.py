"""Compaction of whole logs: afterwards the last value per key is there, and nothing but records of the original, in
order, at their offsets."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.cleaner.breath import Breath, Stopped
from kbroker.cleaner.cleaner import _PartitionSource
from kbroker.cleaner.dirty import first_dirty
from kbroker.cleaner.run import Done, Run
from kbroker.cleaner.settings import Policy
from kbroker.partitions.producers import Duplicate
from storage.engine import Corrupt, Engine, EngineOptions, Identity, Stale
from storage.open import open_engine
from tests.kbroker.cleaner.yard import Kept, Yard
from tests.kbroker.virtual import VirtualWorld, run
from tests.storage.simdisk import SimFiles
from wire.batch import Batch
from wire.records import Record, build_batch, iterate


async def disk(world: VirtualWorld) -> Engine:
    options = EngineOptions(identity=Identity("c", 1))
    engine = open_engine("file:///data", files=SimFiles(), now=world.time_ms, options=options)
    await engine.open()
    return engine


async def compacted(yard: Yard, most_keys: int = 1000) -> Done:
    policy = Policy.of(yard.topic.config)
    source = _PartitionSource(yard.partition)
    now = yard.world.time_ms()
    return await Run(yard.engine, yard.log, source, policy, most_keys, Breath(yard.world), now).run()


class Put(NamedTuple):
    """A batch: key and value of each record, its codec, and a producer whose transaction it is part of."""

    records: list[tuple[bytes | None, bytes | None]]
    codec: int
    producer: int | None


class End(NamedTuple):
    """The end of a producer's transaction."""

    producer: int
    committed: bool


KEYS = st.sampled_from([None, b"", b"a", b"b", b"c", b"d" * 100, b"e"])
VALUES = st.none() | st.binary(min_size=1, max_size=60)
PUTS = st.builds(
    Put,
    st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=5),
    st.integers(0, 4),
    st.sampled_from([None, None, 1, 2]),
)
STEPS = st.lists(st.one_of(PUTS, PUTS, PUTS, st.builds(End, st.sampled_from([1, 2]), st.booleans())), max_size=25)


class Story:
    """Writes the steps, and knows which records count."""

    def __init__(self, yard: Yard) -> None:
        self.yard = yard
        self.all: list[Kept] = []
        self.aborted: set[int] = set()
        self.open: dict[int, list[int]] = {}
        self.sequences: dict[int, int] = {}

    async def tell(self, steps: list[Put | End]) -> None:
        for step in steps:
            if isinstance(step, End):
                if step.producer in self.open:
                    await self.end(step)
            else:
                await self.put(step)
        for producer in list(self.open):
            await self.end(End(producer, True))

    async def end(self, step: End) -> None:
        offsets = self.open.pop(step.producer)
        await self.yard.end_transaction(step.producer, step.committed)
        if not step.committed:
            self.aborted.update(offsets)

    async def put(self, step: Put) -> None:
        options: dict[str, Any] = {"compression": step.codec}
        if step.producer is not None:
            sequence = self.sequences.get(step.producer, 0)
            self.sequences[step.producer] = sequence + len(step.records)
            options |= {
                "producer_id": step.producer, "producer_epoch": 0, "base_sequence": sequence, "transactional": True
            }  # fmt: skip
        base = await self.yard.write(*[Record(key, value) for key, value in step.records], **options)
        kept = [Kept(base + at, key, value) for at, (key, value) in enumerate(step.records)]
        self.all += kept
        if step.producer is not None:
            self.open.setdefault(step.producer, []).extend(one.offset for one in kept)

    def expected(self, end: int, tombstones: bool) -> list[Kept]:
        """What must be left when everything below `end` was compacted."""
        valid = [one for one in self.all if one.offset not in self.aborted]
        last = {one.key: one.offset for one in valid if one.offset < end and one.key is not None}
        return [
            one
            for one in self.all
            if one.offset >= end
            or (last.get(one.key) == one.offset and one.key is not None and (tombstones or one.value is not None))
        ]


@pytest.mark.parametrize("kind", ["memory", "disk"])
@settings(max_examples=60)
@given(steps=STEPS, more=STEPS, most_keys=st.sampled_from([1, 3, 1000]), segment=st.sampled_from([150, 400, 2000]))
def test_the_last_value_per_key_is_left_and_nothing_else(
    kind: str, steps: list[Put | End], more: list[Put | End], most_keys: int, segment: int
) -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, await disk(world) if kind == "disk" else None, cleanup_policy="compact",
                    segment_bytes=segment, delete_retention_ms=1000)  # fmt: skip
        story = Story(yard)
        await story.tell(steps)
        await yard.seal()
        first = await compacted(yard, most_keys)
        assert await yard.records() == story.expected(first.end, tombstones=True)

        await story.tell(more)  # the log goes on, and is compacted again on top
        await yard.seal()
        before = yard.engine.bounds(yard.log)
        second = await compacted(yard, most_keys)
        assert await yard.records() == story.expected(second.end, tombstones=True)
        assert yard.engine.bounds(yard.log) == before
        assert first_dirty(yard.engine, yard.log) == second.end >= first.end

        stored = [bytes(batch.buffer) for batch in await yard.stored()]
        assert await compacted(yard, most_keys) == Done(second.end, 0, 0)
        assert [bytes(batch.buffer) for batch in await yard.stored()] == stored

        await yard.pass_ms(1000)  # tombstones have had their time
        await yard.seal()
        await yard.put((b"z", b"z"))
        await yard.seal()
        third = await compacted(yard, most_keys)
        left = [one for one in await yard.records() if one.key != b"z"]
        assert left == story.expected(third.end, tombstones=False)
        await yard.engine.close()

    run(body)


def test_readers_go_on_over_the_gaps() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact")
        await yard.put(*[(b"a", b"%d" % i) for i in range(20)])
        await yard.seal()
        await yard.seal()
        await compacted(yard)
        for offset in range(20):
            chunk = await yard.partition.read(offset, 1)
            assert next(iterate(Batch.parse(chunk.buffers[0]))).value == b"19"

    run(body)


def test_the_active_piece_is_left_alone() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact", segment_bytes=10_000)
        await yard.put(*[(b"a", b"%d" % i) for i in range(20)])
        assert await compacted(yard) == Done(0, 0, 0)
        assert len(await yard.records()) == 20

    run(body)


def test_an_open_transaction_holds_compaction_up() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact")
        await yard.put((b"a", b"1"), (b"a", b"2"))
        await yard.seal()
        end = yard.engine.bounds(yard.log).end
        await yard.put((b"a", b"3"), producer_id=1, producer_epoch=0, base_sequence=0, transactional=True)
        await yard.put((b"b", b"1"), (b"b", b"2"))
        await yard.seal()
        await yard.seal()
        assert (await compacted(yard)).end <= end
        assert await yard.values() == {b"a": b"3", b"b": b"2"}
        await yard.end_transaction(1, False)
        await yard.seal()
        await compacted(yard)
        assert await yard.values() == {b"a": b"2", b"b": b"2"}

    run(body)


def test_a_decision_may_lie_above_the_last_stable_offset() -> None:
    """The first of two transactions that overlap is aborted while the second is open: its marker lies behind the
    second one's beginning."""

    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact")
        await yard.put((b"a", b"valid"))
        await yard.put((b"a", b"aborted"), producer_id=1, producer_epoch=0, base_sequence=0, transactional=True)
        await yard.seal()
        await yard.put((b"b", b"open"), producer_id=2, producer_epoch=0, base_sequence=0, transactional=True)
        await yard.end_transaction(1, False)
        assert yard.partition.last_stable_offset == 3
        await compacted(yard)
        assert await yard.values() == {b"a": b"valid", b"b": b"open"}

    run(body)


def test_several_passes_when_the_table_is_full() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact", segment_bytes=1000)
        for turn in range(3):
            await yard.put(*[(b"%d" % key, b"%d" % turn) for key in range(50)])
        await yard.seal()
        await compacted(yard, most_keys=7)
        assert await yard.values() == {b"%d" % key: b"2" for key in range(50)}
        assert len(await yard.records()) == 50

    run(body)


def test_small_neighbours_become_one_piece() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact", segment_bytes=300)
        await yard.put(*[(b"%d" % (i % 5), b"v") for i in range(60)])
        await yard.seal()
        end = (await compacted(yard)).end
        before = [extent for extent in yard.engine.extents(yard.log) if extent.end <= end]
        await yard.put(*[(b"%d" % (i % 5), b"v") for i in range(60)])
        await yard.seal()
        await compacted(yard)
        after = [extent for extent in yard.engine.extents(yard.log) if extent.end <= end]
        assert len(after) < len(before) // 2

    run(body)


def test_a_producer_is_known_from_the_log_alone_after_compaction() -> None:
    """Its last batch stays, if only as a header: without any note a duplicate is told, and the next one accepted."""

    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact")
        for sequence in range(3):
            await yard.put((b"a", b"1"), producer_id=9, producer_epoch=0, base_sequence=sequence)
        await yard.put((b"a", b"2"))
        await yard.seal()
        await yard.seal()
        await compacted(yard)
        assert [one.key for one in await yard.records()] == [b"a"]
        yard.engine.checkpoints = lambda log, name: []  # type: ignore[method-assign]
        reborn = Yard(world, yard.engine, cleanup_policy="compact")
        await reborn.partition.ready()
        again = build_batch([Record(b"a", b"1")], producer_id=9, producer_epoch=0, base_sequence=2)
        assert isinstance(reborn.partition.stage(memoryview(again)), Duplicate)

    run(body)


def test_a_batch_with_a_wrong_crc_ends_the_run_and_nothing_is_changed() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact")
        await yard.put(*[(b"a", b"%d" % i) for i in range(20)])
        await yard.seal()
        log = yard.engine._logs[yard.log]  # type: ignore[attr-defined]
        log.pieces[0].batches[1] = log.pieces[0].batches[1][:-1] + b"\x77"
        before = yard.engine.extents(yard.log)
        with pytest.raises(Corrupt, match="offset 1 fails its CRC"):
            await compacted(yard)
        assert yard.engine.extents(yard.log) == before

    run(body)


def test_a_cut_while_learning_loses_no_earlier_value() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact")
        await yard.put((b"a", b"old"))
        await yard.seal()
        middle = yard.engine.bounds(yard.log).end
        await yard.put((b"a", b"new"))
        await yard.seal()
        await yard.seal()
        checked = Run._check

        def cut_first(self: Run, rest: Any) -> None:
            yard.engine.cut(yard.log, middle)
            checked(self, rest)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Run, "_check", cut_first)
            with pytest.raises(Stale):
                await compacted(yard)
        assert await yard.values() == {b"a": b"old"}

    run(body)


def test_a_run_stops_within_a_step_and_leaves_everything_as_it_was() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact")
        await yard.put(*[(b"a", b"%d" % i) for i in range(20)])
        await yard.seal()
        breath = Breath(world)
        breath.is_stopped = True
        work = Run(yard.engine, yard.log, _PartitionSource(yard.partition), Policy.of(yard.topic.config), 10, breath, 0)
        with pytest.raises(Stopped):
            await work.run()
        assert len(await yard.records()) == 20

    run(body)
