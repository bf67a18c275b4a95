"""What is kept of share partitions: epochs, updates and snapshots, reading the log again, letting its front go."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.machine import Batch, Effects, Loaded, Origin, Ticket
from kbroker.shares.events import Forget, Initialize, Prune, PruneLog, Read, ReadSummary, Write
from kbroker.shares.kept import Key, Range, combine
from kbroker.shares.machine import Settings, ShareStateMachine
from wire.durable.codec import SHARE_STATE, decode_key, decode_value, encode_key, encode_value
from wire.durable.share import ShareSnapshotKey, ShareUpdateKey
from wire.errors import ErrorCode, KafkaError

KEY: Key = ("g", b"t" * 16, 0)
OTHER: Key = ("g", b"t" * 16, 1)
TICKET = Ticket(1)


class Bench:
    """A machine with its log, which goes through the codec."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings(3, 1_000, 1_000)
        self.machine = ShareStateMachine(self.settings)
        self.log: list[tuple[bytes, bytes | None]] = []
        self.now = 0
        self.timers: dict[object, int | None] = {}

    def step(self, event: object) -> Effects:
        effects = self.machine.step(event, self.now, None)
        for batch in effects.batches:
            assert isinstance(batch, Batch)
            for record in batch.records:
                value = None if record.value is None else encode_value(record.value, record.version)
                self.machine.apply(record, Origin(len(self.log), self.now))
                self.log.append((encode_key(record.key), value))
        self.timers |= {timer.key: timer.at for timer in effects.timers}
        return effects

    def ask(self, event: object) -> Any:
        (reply,) = self.step(event).replies
        return reply.response

    def keep(self, *ranges: tuple[int, int, int, int], start: int = -1, key: Key = KEY, leader: int = 0) -> None:
        self.ask(Write(TICKET, key, 1, leader, start, [Range(*each) for each in ranges], 0))

    def replayed(self, since: int = 0) -> ShareStateMachine:
        machine = ShareStateMachine(self.settings)
        for offset, (key, value) in enumerate(self.log):
            found = decode_key(key, SHARE_STATE)
            assert found is not None
            if offset >= since:
                from kbroker.machine import Record

                machine.apply(Record(found, None if value is None else decode_value(found, value)), Origin(offset, 0))
        machine.step(Loaded(self.now), self.now, None)
        return machine


def started(settings: Settings | None = None, *keys: Key) -> Bench:
    bench = Bench(settings)
    for key in keys or (KEY,):
        bench.ask(Initialize(TICKET, key, 1, 10))
    return bench


def refusal(bench: Bench, event: object) -> ErrorCode:
    before = len(bench.log)
    with pytest.raises(KafkaError) as error:
        bench.step(event)
    assert len(bench.log) == before
    return error.value.code


def test_what_is_begun_knows_its_start_and_nothing_else() -> None:
    kept = started().ask(Read(TICKET, KEY, 0))
    assert (kept.start, kept.ranges, kept.state_epoch, kept.leader_epoch) == (10, (), 1, 0)


def test_nobody_reads_or_writes_what_was_not_begun() -> None:
    bench = started()
    assert refusal(bench, Read(TICKET, OTHER, 0)) is ErrorCode.INVALID_REQUEST
    assert refusal(bench, Write(TICKET, OTHER, 1, 0, -1, [])) is ErrorCode.INVALID_REQUEST
    assert bench.ask(ReadSummary(TICKET, OTHER)) is None


def test_writes_are_put_together_and_the_start_cuts_them() -> None:
    bench = started()
    bench.keep((10, 19, 2, 1), (20, 29, 0, 1))
    bench.keep((25, 34, 4, 2), start=15)
    kept = bench.ask(Read(TICKET, KEY, 0))
    assert (kept.start, kept.ranges) == (15, ((15, 19, 2, 1), (20, 24, 0, 1), (25, 34, 4, 2)))


def test_after_so_many_updates_comes_a_snapshot() -> None:
    bench = started()
    for offset in range(10, 18):
        bench.keep((offset, offset, 2, 1))
    kinds = [type(decode_key(key, SHARE_STATE)) for key, _ in bench.log]
    assert kinds == [ShareSnapshotKey, *[ShareUpdateKey] * 3, ShareSnapshotKey, *[ShareUpdateKey] * 3, ShareSnapshotKey]
    assert bench.ask(Read(TICKET, KEY, 0)).ranges == ((10, 17, 2, 1),)


def test_a_leader_of_yesterday_neither_writes_nor_reads() -> None:
    bench = started()
    bench.ask(Read(TICKET, KEY, 4))
    assert refusal(bench, Write(TICKET, KEY, 1, 3, -1, [])) is ErrorCode.FENCED_LEADER_EPOCH
    assert refusal(bench, Read(TICKET, KEY, 3)) is ErrorCode.FENCED_LEADER_EPOCH
    assert bench.ask(ReadSummary(TICKET, KEY)).leader_epoch == 4
    assert bench.replayed().kept[KEY].leader_epoch == 4


def test_what_was_begun_anew_is_not_spoilt_by_who_knew_it_before() -> None:
    bench = started()
    bench.keep((10, 12, 2, 1), start=13)
    bench.ask(Initialize(TICKET, KEY, 5, 3))
    assert refusal(bench, Write(TICKET, KEY, 1, 0, 20, [])) is ErrorCode.FENCED_STATE_EPOCH
    assert refusal(bench, Initialize(TICKET, KEY, 4, 0)) is ErrorCode.FENCED_STATE_EPOCH
    kept = bench.ask(Read(TICKET, KEY, 0))
    assert (kept.start, kept.ranges, kept.state_epoch) == (3, (), 5)


def test_what_is_forgotten_is_gone_for_good() -> None:
    bench = started(None, KEY, OTHER)
    bench.ask(Forget(TICKET, KEY))
    assert bench.ask(ReadSummary(TICKET, KEY)) is None
    assert list(bench.replayed().kept) == [OTHER]
    assert bench.step(Forget(TICKET, KEY)).batches == []


def test_the_front_of_the_log_goes_up_to_the_oldest_snapshot_and_nothing_is_lost() -> None:
    bench = started(None, KEY, OTHER)
    for offset in range(10, 30):
        bench.keep((offset, offset, 2, 1))
        bench.keep((offset, offset, 4, 1), key=OTHER)
    (task,) = bench.step(Prune()).tasks
    assert isinstance(task, PruneLog) and task.before > 20
    assert bench.replayed(task.before).kept == bench.machine.kept


def test_a_partition_that_rests_does_not_hold_the_log() -> None:
    bench = started(None, KEY, OTHER)
    for offset in range(10, 30):
        bench.keep((offset, offset, 2, 1))
    bench.now = 5_000
    (task,) = bench.step(Prune()).tasks
    assert task.before == 1, "the other one's only snapshot"
    (task,) = bench.step(Prune()).tasks
    assert task.before > 10, "it has got a new one"
    assert bench.replayed(task.before).kept == bench.machine.kept


def test_a_log_that_rests_is_left_alone() -> None:
    bench = started(None, KEY, OTHER)
    assert bench.timers == {"prune": 1_000}
    bench.timers.clear()
    bench.now = 5_000
    bench.step(Prune())
    assert (bench.timers, len(bench.log)) == ({}, 2)


RANGES = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 8), st.sampled_from([0, 2, 4]), st.integers(1, 3)), max_size=12
)


@settings(max_examples=200)
@given(RANGES, st.integers(0, 35))
def test_the_newest_word_about_an_offset_counts(news: Sequence[tuple[int, int, int, int]], start: int) -> None:
    model: dict[int, tuple[int, int]] = {}
    for first, size, state, count in news:
        model |= dict.fromkeys(range(first, first + size + 1), (state, count))
    found = combine((), [Range(first, first + size, state, count) for first, size, state, count in news], start)
    told = {offset: each[2:] for each in found for offset in range(each.first, each.last + 1)}
    assert told == {offset: word for offset, word in model.items() if offset >= start}
    assert all(one.last < other.first for one, other in itertools.pairwise(found))
    assert not any(one.last + 1 == other.first and one[2:] == other[2:] for one, other in itertools.pairwise(found))


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 1), RANGES, st.integers(0, 20)), max_size=15))
def test_reading_the_log_again_makes_the_same_state(writes: Sequence[Any]) -> None:
    bench = started(None, KEY, OTHER)
    starts = [10, 10]
    for which, ranges, step in writes:
        starts[which] += step
        told = [(first, first + size, state, count) for first, size, state, count in ranges]
        bench.keep(*told, start=starts[which], key=(KEY, OTHER)[which])
    assert bench.replayed().kept == bench.machine.kept
