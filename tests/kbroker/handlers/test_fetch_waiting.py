"""Fetch: what waits and for what, who wakes it, and a disk that takes its time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from storage.engine import Chunk, Read
from tests.kbroker.partitions.support import batch, produce, run, turns
from wire.errors import ErrorCode

from .fetching import BY_NAME, MIB, ONE_BATCH, offsets, only, request, stage_with
from .support import Stage


def test_a_fetch_at_the_end_waits_for_a_write_and_sets_one_timer() -> None:
    async def test() -> None:
        stage = stage_with(1, 1)
        answer = stage.call(request(("t", 0, 2), ("t", 1, 2)), BY_NAME)
        await turns()
        assert not answer.done() and len(stage.world.living_timers()) == 1
        produce(stage.partition("t", 1), batch(1))
        first, second = (await answer).responses[0].partitions
        assert bytes(first.records) == b"" and offsets(second) == [2]
        assert stage.world.living_timers() == []
        assert len(stage.partition("t", 0).waiters) == 0 and len(stage.partition("t", 1).waiters) == 0

    run(test)


def test_a_fetch_that_is_answered_at_once_sets_no_timer() -> None:
    async def test() -> None:
        stage = stage_with(1)
        stage.call(request(("t", 0, 0)), BY_NAME)
        assert stage.world.timers == []

    run(test)


def test_after_its_time_a_fetch_is_answered_with_nothing() -> None:
    async def test() -> None:
        stage = stage_with(1)
        answer = stage.call(request(("t", 0, 2), max_wait_ms=400), BY_NAME)
        stage.world.pass_s(0.399)
        await turns()
        assert not answer.done()
        stage.world.pass_s(0.001)
        told = only(await answer)
        assert bytes(told.records) == b"" and told.high_watermark == 2

    run(test)


@pytest.mark.parametrize("options", [{"max_wait_ms": 0}, {"min_bytes": 0}])
def test_a_fetch_that_will_not_wait_is_answered_at_once(options: dict[str, int]) -> None:
    async def test() -> None:
        assert only(stage_with(1).call(request(("t", 0, 2), **options), BY_NAME)).error_code == 0

    run(test)


def test_min_bytes_are_waited_for() -> None:
    async def test() -> None:
        stage = stage_with(1)
        answer = stage.call(request(("t", 0, 0), min_bytes=ONE_BATCH * 3), BY_NAME)
        for _ in range(2):
            await turns()
            assert not answer.done()
            produce(stage.partition("t"), batch(2, value=b"v" * 100))
        assert offsets(only(await answer)) == [0, 1, 2, 3, 4, 5]

    run(test)


def test_when_time_is_over_what_there_is_goes_out() -> None:
    async def test() -> None:
        stage = stage_with(1)
        answer = stage.call(request(("t", 0, 0), min_bytes=MIB), BY_NAME)
        await turns()
        assert not answer.done()
        stage.world.pass_s(0.5)
        assert offsets(only(await answer)) == [0, 1]

    run(test)


def test_any_error_is_answered_at_once() -> None:
    async def test() -> None:
        stage = stage_with(1, 1)
        response = stage.call(request(("t", 0, 2), ("t", 9, 0)), BY_NAME)
        assert [one.error_code for one in response.responses[0].partitions] == [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]

    run(test)


def test_a_topic_that_is_deleted_wakes_who_waits_for_it() -> None:
    async def test() -> None:
        stage = stage_with(1)
        topic = stage.catalog.topic("t")
        assert topic is not None
        answer = stage.call(request(("t", 0, 2)), BY_NAME)
        await turns()
        stage.catalog.remove(topic)
        stage.partitions.drop(topic)
        assert only(await answer).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(test)


@pytest.mark.parametrize(
    ("version", "epoch", "error"),
    [(10, -1, ErrorCode.NOT_LEADER_OR_FOLLOWER), (11, 0, ErrorCode.FENCED_LEADER_EPOCH)],
)
def test_a_new_leader_wakes_who_waits_with_the_old_one(version: int, epoch: int, error: ErrorCode) -> None:
    """From v11 on the old leader serves on as a follower (KIP-392), but not who believes in its epoch."""

    async def test() -> None:
        stage = stage_with(1, nodes=(1, 2))
        topic = stage.catalog.topic("t")
        assert topic is not None
        answer = stage.call(request(("t", 0, 2), current_leader_epoch=epoch), version)
        await turns()
        topic.partitions[0].leader, topic.partitions[0].leader_epoch = 2, 1
        stage.partitions.changed(topic)
        assert only(await answer).error_code == error

    run(test)


def test_deleted_records_wake_who_waits_below_them() -> None:
    async def test() -> None:
        stage = stage_with(2)
        answer = stage.call(request(("t", 0, 1), min_bytes=MIB), BY_NAME)
        await turns()
        await stage.partition("t").delete_records(-1)
        assert only(await answer).error_code == ErrorCode.OFFSET_OUT_OF_RANGE

    run(test)


def test_a_client_that_goes_away_leaves_nothing_behind() -> None:
    async def test() -> None:
        stage = stage_with(1)
        answer = stage.call(request(("t", 0, 2)), BY_NAME)
        await turns()
        answer.cancel()
        await turns()
        assert len(stage.partition("t").waiters) == 0 and stage.world.living_timers() == []

    run(test)


# --- a slow disk ------------------------------------------------------------------------------------------------------


def slow(stage: Stage) -> list[tuple[Any, asyncio.Future[list[Chunk]]]]:
    """From now on reads are answered by hand."""
    waiting: list[tuple[Any, asyncio.Future[list[Chunk]]]] = []
    read = stage.engine.read

    def later(reads: list[Read]) -> asyncio.Future[list[Chunk]]:
        future: asyncio.Future[list[Chunk]] = asyncio.get_running_loop().create_future()
        waiting.append((lambda: future.set_result(read(reads).result()), future))
        return future

    stage.engine.read = later  # type: ignore[method-assign,assignment]
    return waiting


def test_a_read_that_takes_its_time_is_waited_for() -> None:
    async def test() -> None:
        stage = stage_with(1, 1)
        waiting = slow(stage)
        answer = stage.call(request(("t", 0, 0), ("t", 1, 0)), BY_NAME)
        await turns()
        assert not answer.done() and len(waiting) == 1
        waiting[0][0]()
        assert [offsets(one) for one in (await answer).responses[0].partitions] == [[0, 1], [0, 1]]

    run(test)


def test_time_that_runs_out_during_a_read_does_not_read_twice() -> None:
    async def test() -> None:
        stage = stage_with(1)
        answer = stage.call(request(("t", 0, 0), min_bytes=ONE_BATCH * 2), BY_NAME)
        await turns()
        waiting = slow(stage)
        produce(stage.partition("t"), batch(2, value=b"v" * 100))
        await turns()
        assert len(waiting) == 1
        stage.world.pass_s(1)
        produce(stage.partition("t"), batch(2, value=b"v" * 100))
        await turns()
        assert len(waiting) == 1
        waiting[0][0]()
        assert offsets(only(await answer)) == [0, 1, 2, 3]

    run(test)
