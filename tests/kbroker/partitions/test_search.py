"""Offsets by time, against the plain answer: look at every record that can be seen."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.partitions.search import Found, Span, first_at_or_after, with_max_timestamp
from storage.engine import LogOptions, Write
from wire.batch import stamp, write_crc
from wire.errors import ErrorCode, KafkaError
from wire.records import Record, build_batch

from .support import TestEngine, run

LIMIT = 1 << 20
times = st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=4), min_size=0, max_size=6)


def packed(batch_times: list[int], base_offset: int, codec: int = 0) -> bytearray:
    records = build_batch([Record(None, b"v", (), time) for time in batch_times], compression=codec)
    stamp(records, base_offset, 0)
    return records


async def filled(engine: TestEngine, log: list[list[int]]) -> list[Found]:
    """Each list is a batch; every second one is compressed. The truth."""
    engine.create([("t/0", LogOptions())])
    truth: list[Found] = []
    for at, batch_times in enumerate(log):
        await engine.append([Write("t/0", len(truth), [packed(batch_times, len(truth), at % 2)])])
        truth += [Found(len(truth) + index, time) for index, time in enumerate(batch_times)]
    return truth


@settings(max_examples=80)
@given(times, st.integers(0, 22), st.integers(0, 24), st.integers(0, 24))
def test_the_answer_is_that_of_looking_at_every_record(
    log: list[list[int]], at_ms: int, start: int, before: int
) -> None:
    async def test() -> None:
        engine = TestEngine()
        truth = await filled(engine, log)
        end = len(truth)
        await engine.trim("t/0", min(start, end))
        # The high watermark lies on a batch border, as everything that is written together is read together.
        borders = [sum(map(len, log[:count])) for count in range(len(log) + 1)]
        span = Span("t/0", min(start, end), max(border for border in borders if border <= max(before, 0)))
        seen = [one for one in truth if span.start <= one.offset < span.before]
        expected = next((one for one in seen if one.timestamp >= at_ms), None)
        assert await first_at_or_after(engine, span, at_ms, LIMIT) == expected
        greatest = max((one.timestamp for one in seen), default=-1)
        latest = next((one for one in seen if one.timestamp == greatest), None)
        assert await with_max_timestamp(engine, span, LIMIT) == latest

    asyncio.run(test())


def test_a_batch_that_cannot_be_read_is_told_as_corrupt() -> None:
    async def test() -> None:
        engine = TestEngine()
        engine.create([("t/0", LogOptions())])
        broken = packed([5, 6], 0, 1)
        broken[61:68] = b"rubbish"
        write_crc(broken)
        await engine.append([Write("t/0", 0, [broken])])
        with pytest.raises(KafkaError) as error:
            await first_at_or_after(engine, Span("t/0", 0, 2), 6, LIMIT)
        assert error.value.code == ErrorCode.CORRUPT_MESSAGE

    run(test)
