"""Produce to a topic with a codec of its own: batches are packed anew, the large ones beside the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from kbroker.partitions.packing import ASIDE_BYTES
from kbroker.partitions.rewrite import recompress
from kbroker.partitions.validate import Rules
from kbroker.world import RealWorld
from tests.kbroker.partitions.support import batch, run, turns
from wire.batch import Batch, verify_crc
from wire.errors import ErrorCode
from wire.records import Record, build_batch, plain_body

from .producing import BY_NAME, only, request, stored
from .support import Stage

LARGE = bytes(range(256)) * (ASIDE_BYTES // 256)
GZIP, ZSTD = 1, 4


def stage_with_zstd() -> tuple[Stage, list[Callable[[], None]]]:
    """What is done beside the loop is done when the test calls it."""
    stage, aside = Stage(), []  # type: ignore[var-annotated]
    stage.catalog.add("t", compression_type="zstd")

    def later(call: Callable[[], Any]) -> asyncio.Future[Any]:
        done: asyncio.Future[Any] = stage.world.future()

        def now() -> None:
            try:
                done.set_result(call())
            except Exception as error:
                done.set_exception(error)

        aside.append(now)
        return done

    stage.world.aside = later  # type: ignore[method-assign]
    return stage, aside


def test_what_comes_while_a_large_batch_is_packed_waits_behind_it() -> None:
    async def test() -> None:
        stage, aside = stage_with_zstd()
        first = stage.call(request(("t", 0, batch(1, value=LARGE, producer=(7, 0, 0)))), BY_NAME)
        second = stage.call(request(("t", 0, batch(1, value=LARGE, producer=(7, 0, 1)))), BY_NAME)
        third = stage.call(request(("t", 0, batch(1, producer=(7, 0, 2)))), BY_NAME)
        aside[1]()
        await turns()
        assert not any(answer.done() for answer in (first, second, third)), "the second is packed, and not the first"
        aside[0]()
        assert [only(await answer).base_offset for answer in (first, second, third)] == [0, 1, 2]
        assert [(one.compression, one.base_sequence) for one in stored(stage)] == [(ZSTD, 0), (ZSTD, 1), (ZSTD, 2)]
        assert all(verify_crc(one) for one in stored(stage))
        assert only(stage.call(request(("t", 0, batch(1))), BY_NAME)).base_offset == 3, "and then nobody waits"

    run(test)


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        (batch(1, value=LARGE)[:-1] + b"x", ErrorCode.CORRUPT_MESSAGE),
        (b"no batch " * ASIDE_BYTES, ErrorCode.CORRUPT_MESSAGE),
        (batch(1, value=LARGE, producer=(7, 0, 5)), ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER),
    ],
)
def test_a_large_batch_is_refused_for_what_it_is(spoiled: bytes, code: ErrorCode) -> None:
    async def test() -> None:
        stage, aside = stage_with_zstd()
        assert only(stage.call(request(("t", 0, batch(1, producer=(7, 0, 0)))), BY_NAME)).error_code == 0
        answer = stage.call(request(("t", 0, spoiled)), BY_NAME)
        aside[0]()
        assert only(await answer).error_code == code
        assert len(stored(stage)) == 1

    run(test)


def test_a_codec_that_changes_meanwhile_counts() -> None:
    async def test() -> None:
        stage, aside = stage_with_zstd()
        answer = stage.call(request(("t", 0, batch(1, value=LARGE))), BY_NAME)
        aside[0]()
        stage.partition("t").rules = Rules(codec=GZIP, rewrites=True)
        assert only(await answer).error_code == 0
        assert [one.compression for one in stored(stage)] == [GZIP]

    run(test)


@pytest.mark.parametrize("to", range(5))
@pytest.mark.parametrize("given", range(5))
def test_only_the_body_and_the_codec_are_others(given: int, to: int) -> None:
    records = [Record(b"k%d" % i, b"v" * i, [("h", None)], timestamp=1000 - i) for i in range(9)]
    one = Batch.parse(build_batch(records, compression=given, producer_id=7, producer_epoch=2, base_sequence=3))
    other = recompress(one, to, Rules())
    assert verify_crc(other)
    assert plain_body(other) == plain_body(one)
    assert other.compression == to
    for name in ("base_offset", "last_offset_delta", "base_timestamp", "max_timestamp", "producer_id", "count"):
        assert getattr(other, name) == getattr(one, name)
    assert (other.producer_epoch, other.base_sequence, other.attributes & ~7) == (2, 3, one.attributes & ~7)


def test_a_real_broker_has_another_thread_for_it() -> None:
    async def body() -> None:
        world = RealWorld(asyncio.get_running_loop())
        assert await world.aside(threading.get_ident) != threading.get_ident()

    asyncio.run(body())
