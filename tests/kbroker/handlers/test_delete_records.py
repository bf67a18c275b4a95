"""DeleteRecords: the front of a log goes, and does not come back."""

from __future__ import annotations

import pytest

from tests.kbroker.partitions.support import batch, produce, run
from wire.errors import ErrorCode
from wire.messages.delete_records import DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic

from .support import Stage


def request(*offsets: tuple[int, int], name: str = "t") -> DeleteRecordsRequest:
    asked = [DeleteRecordsPartition(partition_index=index, offset=offset) for index, offset in offsets]
    return DeleteRecordsRequest(topics=[DeleteRecordsTopic(name=name, partitions=asked)], timeout_ms=1000)


async def ask(stage: Stage, asked: DeleteRecordsRequest, version: int = 2, node: int = 1) -> list[tuple[int, int]]:
    response = await stage.ask(asked, version, node=node)
    return [(one.error_code, one.low_watermark) for one in response.topics[0].partitions]


def filled(**configs: object) -> Stage:
    stage = Stage()
    stage.catalog.add("t", 2, **configs)
    for _ in range(3):
        produce(stage.partition("t"), batch(2))
    return stage


@pytest.mark.parametrize("version", [0, 1, 2])
def test_the_answer_is_the_new_log_start(version: int) -> None:
    async def test() -> None:
        stage = filled()
        assert await ask(stage, request((0, 3), (1, 0)), version) == [(0, 3), (0, 0)]
        assert stage.partition("t").log_start == 3

    run(test)


def test_the_log_start_never_moves_back() -> None:
    async def test() -> None:
        stage = filled()
        assert await ask(stage, request((0, 4))) == [(0, 4)]
        assert await ask(stage, request((0, 1))) == [(0, 4)]

    run(test)


def test_minus_one_is_the_high_watermark() -> None:
    async def test() -> None:
        stage = filled()
        assert await ask(stage, request((0, -1))) == [(0, 6)]
        assert stage.partition("t").log_start == stage.partition("t").end == 6

    run(test)


@pytest.mark.parametrize("offset", [7, -2])
def test_an_offset_beyond_the_high_watermark_is_out_of_range(offset: int) -> None:
    async def test() -> None:
        assert await ask(filled(), request((0, offset))) == [(ErrorCode.OFFSET_OUT_OF_RANGE, -1)]

    run(test)


@pytest.mark.parametrize(
    ("policy", "code"), [("compact", ErrorCode.POLICY_VIOLATION), ("compact,delete", 0), ("delete", 0)]
)
def test_records_of_a_topic_that_is_only_compacted_stay(policy: str, code: int) -> None:
    async def test() -> None:
        ((told, _),) = await ask(filled(cleanup_policy=policy), request((0, 2)))
        assert told == code

    run(test)


def test_records_of_an_internal_topic_stay() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("__consumer_offsets")
        told = await ask(stage, request((0, 0), name="__consumer_offsets"))
        assert told == [(ErrorCode.INVALID_TOPIC_EXCEPTION, -1)]

    run(test)


def test_leaders_are_asked_for() -> None:
    async def test() -> None:
        assert await ask(filled(), request((0, 1)), node=2) == [(ErrorCode.NOT_LEADER_OR_FOLLOWER, -1)]
        assert await ask(filled(), request((0, 1), name="no")) == [(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1)]

    run(test)
