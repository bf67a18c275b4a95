"""What every engine promises, as tests: `storage/engine.py` rule by rule. A new engine is a line in `engines.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from storage.engine import (
    Appended,
    Bounds,
    Closed,
    Conflict,
    Engine,
    Extent,
    Failed,
    Found,
    LogExists,
    LogOptions,
    Outcome,
    OutOfRange,
    Read,
    UnknownLog,
    Write,
)
from tests.conformance.engines import IDENTITY, Place, anywhere, conforms
from tests.storage.batches import batch

from .filled import SMALL, fill, one, read_all

# --- append ---


@conforms
async def test_a_write_lands_at_the_end(engine: Engine) -> None:
    await engine.create([("a", LogOptions())])
    assert engine.bounds("a") == Bounds(0, 0)
    assert await engine.append([Write("a", 0, [batch(0, 3), batch(3, 2)])]) == [Appended(0, 5)]
    assert await engine.append([Write("a", 5, [batch(5)])]) == [Appended(5, 6)]
    assert engine.bounds("a") == Bounds(0, 6)
    assert await read_all(engine, "a") == batch(0, 3) + batch(3, 2) + batch(5)


class Heard(Write):
    """A write that remembers what it was answered, and does something then."""

    def __init__(self, log: str, at: int, then: Callable[[], object] = lambda: None) -> None:
        super().__init__(log, at, [batch(at)])
        self.outcomes: list[Outcome] = []
        self.then = then

    def answered(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.then()


async def settled(*writes: Heard) -> list[Outcome]:
    """The one answer of each."""
    while not all(write.outcomes for write in writes):
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [len(write.outcomes) for write in writes] == [1] * len(writes)
    return [write.outcomes[0] for write in writes]


@conforms
async def test_who_submits_is_answered_once_as_append_would_have_answered(engine: Engine) -> None:
    await engine.create([("a", LogOptions()), ("b", LogOptions())])
    writes = [Heard("a", 0), Heard("b", 0), Heard("a", 1), Heard("a", 9), Heard("none", 0)]
    for write in writes:
        engine.submit(write)
    assert (engine.bounds("a").end, engine.bounds("b").end) == (2, 1), "calling is ordering"
    *good, unknown = await settled(*writes)
    assert good == [Appended(0, 1), Appended(0, 1), Appended(1, 2), Conflict(2)]
    assert isinstance(unknown, Failed) and isinstance(unknown.error, UnknownLog)
    assert await read_all(engine, "a") == batch(0) + batch(1)


@conforms
async def test_who_gathers_is_called_once_and_what_it_submits_then_lands(engine: Engine) -> None:
    await engine.create([("a", LogOptions()), ("b", LogOptions())])
    first, second, other = Heard("a", 0), Heard("a", 1), Heard("b", 0)
    called: list[str] = []

    def submit() -> None:
        called.append("gathered")
        engine.submit(second)
        engine.submit(other)

    engine.gather(submit)
    assert called == [], "never inside of the call"
    engine.submit(first)
    assert await settled(first, second, other) == [Appended(0, 1), Appended(1, 2), Appended(0, 1)]
    engine.gather(lambda: called.append("again"))
    while len(called) < 2:
        await asyncio.sleep(0)
    assert called == ["gathered", "again"]
    assert await read_all(engine, "a") == batch(0) + batch(1)


@conforms
async def test_who_is_answered_may_call_the_engine(engine: Engine) -> None:
    await engine.create([("a", LogOptions())])
    third = Heard("a", 2)
    first = Heard("a", 0, lambda: engine.trim("a", 1) if engine.bounds("a").end > 1 else None)
    second = Heard("a", 1, lambda: engine.submit(third))
    engine.submit(first)
    engine.submit(second)
    assert await settled(first, second, third) == [Appended(0, 1), Appended(1, 2), Appended(2, 3)]
    assert await read_all(engine, "a") in (batch(0) + batch(1) + batch(2), batch(1) + batch(2))


@conforms
async def test_who_fails_when_he_is_answered_keeps_nobody_from_his_answer(engine: Engine) -> None:
    await engine.create([("a", LogOptions())])
    said: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["message"]))
    clumsy, other = Heard("a", 0, lambda: 1 / 0), Heard("a", 1)
    engine.submit(clumsy)
    engine.submit(other)
    assert await settled(clumsy, other) == [Appended(0, 1), Appended(1, 2)]
    assert said == ["who wrote to log a failed when it was answered"]


@conforms
async def test_a_write_elsewhere_than_at_the_end_conflicts_and_says_where_the_end_is(engine: Engine) -> None:
    await fill(engine, "a", 2)
    assert await engine.append([Write("a", 0, [batch(0)])]) == [Conflict(4)]
    assert await engine.append([Write("a", 5, [batch(5)])]) == [Conflict(4)]
    assert engine.bounds("a").end == 4


@conforms
async def test_calling_is_ordering_so_writes_need_not_wait_for_each_other(engine: Engine) -> None:
    await engine.create([("a", LogOptions())])
    futures = [engine.append([Write("a", i, [batch(i, fill=i)])]) for i in range(50)]
    assert engine.bounds("a").end == 50
    for i, future in enumerate(futures):
        assert await future == [Appended(i, i + 1)]
    assert await read_all(engine, "a") == b"".join(batch(i, fill=i) for i in range(50))


@conforms
async def test_several_writes_of_one_call_get_an_answer_each(engine: Engine) -> None:
    await engine.create([("a", LogOptions()), ("b", LogOptions())])
    outcomes = await engine.append(
        [
            Write("a", 0, [batch(0)]),
            Write("none", 0, [batch(0)]),
            Write("b", 7, [batch(7)]),
            Write("a", 1, [batch(1)]),
            Write("b", 0, [batch(0, 4)]),
        ]
    )
    assert outcomes[0] == Appended(0, 1)
    assert isinstance(outcomes[1], Failed)
    assert isinstance(outcomes[1].error, UnknownLog)
    assert outcomes[2:] == [Conflict(0), Appended(1, 2), Appended(0, 4)]
    assert await engine.append([]) == []


@conforms
async def test_buffers_may_be_used_again_once_the_answer_is_there(engine: Engine) -> None:
    await engine.create([("a", LogOptions())])
    buffer = bytearray(batch(0))
    await engine.append([Write("a", 0, [memoryview(buffer)])])
    buffer[:] = b"\xdd" * len(buffer)
    assert await read_all(engine, "a") == batch(0)


@conforms
async def test_batches_that_do_not_follow_each_other_are_the_callers_mistake(engine: Engine) -> None:
    await engine.create([("a", LogOptions())])
    for wrong in ([batch(1)], [batch(0, 2), batch(1)], [batch(0) + batch(1)], [batch(0)[:-1]], [b"short"], []):
        with pytest.raises(ValueError, match="log a"):
            engine.append([Write("a", 0, [batch(0)]), Write("a", 0, wrong)])
    assert engine.bounds("a").end == 0


# --- read ---


@conforms
async def test_a_read_answers_whole_batches_from_the_one_that_holds_the_offset(engine: Engine) -> None:
    batches = await fill(engine, "a", 10)
    for offset in range(20):
        chunk = await one(engine, Read("a", offset, 1 << 20))
        assert b"".join(chunk.buffers) == b"".join(batches[offset // 2 :])
        assert chunk.next_offset == 20


@conforms
async def test_a_read_answers_at_least_one_batch_and_else_no_more_than_max_bytes(engine: Engine) -> None:
    batches = await fill(engine, "a", 10)
    for max_bytes in (-1, 0, 1, 299, 300, 301, 599, 600, 1000, 1500, 2999, 3000):
        chunk = await one(engine, Read("a", 4, max_bytes))
        assert chunk.buffers
        assert chunk.size <= max(max_bytes, 300)
        assert b"".join(batches[2:]).startswith(b"".join(chunk.buffers))
        assert await read_all(engine, "a", max_bytes=max_bytes) == b"".join(batches)


@conforms
async def test_a_read_does_not_go_beyond_its_bound(engine: Engine) -> None:
    batches = await fill(engine, "a", 10)
    for before in range(21):
        chunk = await one(engine, Read("a", 2, 1 << 20, before))
        assert b"".join(chunk.buffers) == b"".join(batches[1 : before // 2])
        assert chunk.next_offset == max(2, before // 2 * 2)
    assert not (await one(engine, Read("a", 0, 1, 1))).buffers


@conforms
async def test_reading_many_small_batches_finds_every_one_of_them(engine: Engine) -> None:
    await engine.create([("a", LogOptions(segment_bytes=100_000))])
    batches = [batch(3 * i, 3, size=61 + i % 50, fill=i) for i in range(3000)]
    for i in range(0, 3000, 100):
        await engine.append([Write("a", 3 * i, batches[i : i + 100])])
    for i in range(0, 3000, 37):
        chunk = await one(engine, Read("a", 3 * i + 1, 500, 3 * i + 10))
        assert b"".join(batches[i : i + 3]).startswith(b"".join(chunk.buffers))
        assert chunk.buffers
    assert await read_all(engine, "a", max_bytes=7000) == b"".join(batches)


@conforms
async def test_reading_at_the_end_answers_nothing_and_beyond_it_is_out_of_range(engine: Engine) -> None:
    await fill(engine, "a", 3)
    await engine.trim("a", 2)
    at_end = await one(engine, Read("a", 6, 100))
    assert (list(at_end.buffers), at_end.next_offset, at_end.size, at_end.error) == ([], 6, 0, None)
    for offset in (1, 7, -1):
        chunk = await one(engine, Read("a", offset, 100))
        assert isinstance(chunk.error, OutOfRange)
        assert (chunk.error.start, chunk.error.end, list(chunk.buffers)) == (2, 6, [])


@conforms
async def test_an_error_concerns_its_own_read_only(engine: Engine) -> None:
    batches = await fill(engine, "a", 2)
    chunks = await engine.read([Read("none", 0, 100), Read("a", 0, 10_000), Read("a", 99, 100)])
    assert isinstance(chunks[0].error, UnknownLog)
    assert b"".join(chunks[1].buffers) == b"".join(batches)
    assert isinstance(chunks[2].error, OutOfRange)
    assert await engine.read([]) == []


@anywhere
async def test_what_was_read_never_changes_whatever_happens_to_the_log(place: Place) -> None:
    engine = place.engine()
    await engine.open()
    batches = await fill(engine, "a", 10)
    chunk = await one(engine, Read("a", 0, 1 << 20))
    await engine.trim("a", 6)
    await engine.cut("a", 9)
    await engine.append([Write("a", 8, [batch(8, 5, fill=99)])])
    await engine.delete(["a"])
    await engine.close()
    assert b"".join(chunk.buffers) == b"".join(batches)


# --- find and extents ---


@conforms
async def test_find_is_the_first_batch_of_that_time_or_later(engine: Engine) -> None:
    await engine.create([("a", SMALL)])
    times = [5, 3, 9, 9, 7, 20, 1, 15, 30, 2]
    for i, time in enumerate(times):
        await engine.append([Write("a", 2 * i, [batch(2 * i, 2, size=400, timestamp=time)])])
    for at_ms in range(-1, 32):
        first = next((i for i, time in enumerate(times) if time >= at_ms), None)
        expected = None if first is None else Found(2 * first, 2 * first + 2, times[first])
        assert await engine.find("a", at_ms) == expected


@conforms
async def test_find_sees_nothing_that_was_trimmed(engine: Engine) -> None:
    await fill(engine, "a", 10)
    await engine.trim("a", 7)
    assert await engine.find("a", 0) == Found(6, 8, 1003)
    await engine.trim("a", 8)
    assert await engine.find("a", 1002) == Found(8, 10, 1004)
    await engine.trim("a", 20)
    assert await engine.find("a", 0) is None


@conforms
async def test_extents_are_adjacent_pieces_of_which_only_the_last_one_grows(engine: Engine) -> None:
    await fill(engine, "a", 8)
    assert engine.extents("a") == [
        Extent(0, 6, 900, 1002, True),
        Extent(6, 12, 900, 1005, True),
        Extent(12, 16, 600, 1007, False),
    ]
    await engine.create([("empty", SMALL)])
    assert engine.extents("empty") == []


@conforms
async def test_a_batch_bigger_than_a_piece_gets_one_of_its_own(engine: Engine) -> None:
    await fill(engine, "a", 1)
    await engine.append([Write("a", 2, [batch(2, 1, size=5000)])])
    await engine.append([Write("a", 3, [batch(3, 1)])])
    assert [(extent.base, extent.size) for extent in engine.extents("a")] == [(0, 300), (2, 5000), (3, 100)]


@conforms
async def test_a_piece_ends_when_its_batches_span_segment_ms(engine: Engine) -> None:
    await engine.create([("a", LogOptions(segment_ms=100))])
    for i, time in enumerate((1000, 1100, 1101, 1202)):
        await engine.append([Write("a", i, [batch(i, timestamp=time)])])
    assert [extent.base for extent in engine.extents("a")] == [0, 2, 3]


@anywhere
async def test_a_piece_without_timestamps_ends_by_the_clock(place: Place) -> None:
    engine = place.engine()
    await engine.open()
    await engine.create([("a", LogOptions(segment_ms=100))])
    for i, passed in enumerate((0, 100, 1)):
        place.now += passed
        await engine.append([Write("a", i, [batch(i)])])
    assert [extent.base for extent in engine.extents("a")] == [0, 2]
    await engine.close()


# --- which logs there are ---


@conforms
async def test_logs_are_made_all_or_none(engine: Engine) -> None:
    await engine.create([("b/0", LogOptions()), ("a", SMALL), ("b/1", LogOptions())])
    assert engine.logs() == ["a", "b/0", "b/1"]
    with pytest.raises(LogExists):
        await engine.create([("c", LogOptions()), ("a", LogOptions())])
    with pytest.raises(LogExists):
        await engine.create([("c", LogOptions()), ("c", LogOptions())])
    assert engine.logs() == ["a", "b/0", "b/1"]
    await engine.create([])


@conforms
async def test_a_name_that_could_leave_its_folder_is_no_name(engine: Engine) -> None:
    for name in ("", "A", "a@1", "../a", "a/", "/a", "a//b", ".", "a/.b", "ä", "a\n"):
        with pytest.raises(ValueError, match="name of a log"):
            engine.create([(name, LogOptions())])


@conforms
async def test_configure_changes_what_happens_from_then_on(engine: Engine) -> None:
    await fill(engine, "a", 1, options=LogOptions())
    assert engine.options("a") == LogOptions()
    await engine.configure("a", SMALL)
    assert engine.options("a") == SMALL
    for i in range(1, 5):
        await engine.append([Write("a", 2 * i, [batch(2 * i, 2, size=300)])])
    assert [extent.base for extent in engine.extents("a")] == [0, 6]


@conforms
async def test_a_deleted_name_is_free_at_once(engine: Engine) -> None:
    await fill(engine, "a", 5)
    await engine.checkpoint("a", 4, "producers", b"old")
    deleted = engine.delete(["a"])
    assert engine.logs() == []
    created = engine.create([("a", LogOptions())])
    appended = engine.append([Write("a", 0, [batch(0, fill=9)])])
    await deleted
    await created
    assert await appended == [Appended(0, 1)]
    assert await read_all(engine, "a") == batch(0, fill=9)
    assert engine.checkpoints("a", "producers") == []


@conforms
async def test_what_is_asked_of_an_unknown_log_is_refused(engine: Engine) -> None:
    for call in (
        lambda: engine.bounds("none"),
        lambda: engine.extents("none"),
        lambda: engine.find("none", 0),
        lambda: engine.trim("none", 0),
        lambda: engine.cut("none", 0),
        lambda: engine.checkpoint("none", 0, "n", b""),
        lambda: engine.checkpoints("none", "n"),
        lambda: engine.configure("none", SMALL),
        lambda: engine.options("none"),
        lambda: engine.delete(["none"]),
    ):
        with pytest.raises(UnknownLog, match="no log none"):
            call()


@anywhere
async def test_a_closed_engine_says_so(place: Place) -> None:
    engine = place.engine()
    await engine.open()
    await fill(engine, "a", 1)
    await engine.close()
    await engine.close()
    with pytest.raises(Closed):
        engine.bounds("a")
    with pytest.raises(Closed):
        engine.create([("b", SMALL)])
    outcome = (await engine.append([Write("a", 2, [batch(2)])]))[0]
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, Closed)
    assert isinstance((await one(engine, Read("a", 0, 1))).error, Closed)


@anywhere
async def test_close_answers_what_is_pending(place: Place) -> None:
    engine = place.engine()
    await engine.open()
    created = engine.create([("a", SMALL)])
    appended = engine.append([Write("a", 0, [batch(0)])])
    await engine.close()
    assert created.done()
    assert appended.result() == [Appended(0, 1)]


@conforms
async def test_usage_counts_the_bytes_of_all_logs(engine: Engine) -> None:
    await fill(engine, "a", 5)
    await fill(engine, "b", 2)
    assert engine.usage().size == 2100
    assert engine.identity == IDENTITY


@anywhere
async def test_a_sealed_piece_grows_no_more(place: Place) -> None:
    engine = place.engine()
    await engine.open()
    await fill(engine, "a", 1)
    engine.seal("a")
    engine.seal("a")
    assert [(each.base, each.end, each.sealed) for each in engine.extents("a")] == [(0, 2, True)]
    assert await engine.append([Write("a", 2, [batch(2, 2, size=300)])]) == [Appended(2, 4)]
    assert [(each.base, each.end, each.sealed) for each in engine.extents("a")] == [(0, 2, True), (2, 4, False)]
    await engine.create([("empty", SMALL)])
    engine.seal("empty")
    assert engine.extents("empty") == []
    await engine.close()
