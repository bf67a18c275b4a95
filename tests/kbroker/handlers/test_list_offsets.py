"""ListOffsets: times and special values, each in the versions that have it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.kbroker.partitions.support import START_MS, batch, produce, run, turns
from wire.errors import ErrorCode
from wire.messages.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from wire.records import Record, build_batch

from .support import Stage

NEWEST = 11


def request(*timestamps: int, name: str = "t", index: int = 0, **options: Any) -> ListOffsetsRequest:
    epoch = options.pop("current_leader_epoch", -1)
    asked = [
        ListOffsetsPartition(partition_index=index + at, timestamp=timestamp, current_leader_epoch=epoch)
        for at, timestamp in enumerate(timestamps)
    ]
    fields = {"replica_id": -1, "isolation_level": 0, "timeout_ms": 0, **options}
    return ListOffsetsRequest(topics=[ListOffsetsTopic(name=name, partitions=asked)], **fields)


async def ask(
    stage: Stage, asked: ListOffsetsRequest, version: int = NEWEST, **options: Any
) -> tuple[int, int, int, int]:
    response = await stage.ask(asked, version, **options)
    told = response.topics[0].partitions[0]
    return told.error_code, told.offset, told.timestamp, told.leader_epoch


def timed(*deltas: int, **options: Any) -> bytearray:
    return build_batch([Record(b"k", b"v", (), START_MS + delta) for delta in deltas], **options)


def filled() -> Stage:
    stage = Stage()
    stage.catalog.add("t", 2, epoch=4)
    for records in (timed(0, 10, 5), timed(30, 20, compression=1), timed(25, 40, 40)):
        produce(stage.partition("t"), records)
    return stage


NOTHING = (0, -1, -1, -1)


@pytest.mark.parametrize(
    ("at", "offset", "timestamp"), [(0, 0, 0), (1, 1, 10), (10, 1, 10), (11, 3, 30), (31, 6, 40), (40, 6, 40)]
)
def test_the_first_record_with_that_time_or_a_later_one(at: int, offset: int, timestamp: int) -> None:
    async def test() -> None:
        assert await ask(filled(), request(START_MS + at)) == (0, offset, START_MS + timestamp, 4)

    run(test)


def test_no_record_that_late_is_no_error() -> None:
    async def test() -> None:
        assert await ask(filled(), request(START_MS + 41)) == NOTHING

    run(test)


@pytest.mark.parametrize(("special", "offset"), [(-1, 8), (-2, 0), (-4, 0)])
def test_the_ends_of_the_log_have_no_timestamp(special: int, offset: int) -> None:
    async def test() -> None:
        assert await ask(filled(), request(special)) == (0, offset, -1, 4)

    run(test)


def test_the_greatest_timestamp_is_that_of_its_first_record() -> None:
    async def test() -> None:
        stage = filled()
        assert await ask(stage, request(-3)) == (0, 6, START_MS + 40, 4)
        assert await ask(stage, request(-3, index=1)) == NOTHING

    run(test)


@pytest.mark.parametrize("special", [-5, -6])
def test_without_tiered_storage_there_is_nothing_in_it(special: int) -> None:
    async def test() -> None:
        assert await ask(filled(), request(special)) == NOTHING

    run(test)


@pytest.mark.parametrize(
    ("special", "version", "known"),
    [(-3, 6, False), (-3, 7, True), (-4, 7, False), (-4, 8, True), (-5, 8, False), (-5, 9, True), (-6, 10, False),
     (-6, 11, True), (-7, 11, False), (-1, 1, True), (-2, 1, True)],
)  # fmt: skip
def test_a_value_that_a_version_does_not_have_is_refused(special: int, version: int, known: bool) -> None:
    async def test() -> None:
        code = (await ask(filled(), request(special), version))[0]
        assert code == (0 if known else ErrorCode.UNSUPPORTED_VERSION)

    run(test)


@pytest.mark.parametrize("version", range(1, 12))
def test_every_version_finds_a_time(version: int) -> None:
    async def test() -> None:
        _, offset, timestamp, epoch = await ask(filled(), request(START_MS + 1), version)
        assert (offset, timestamp, epoch) == (1, START_MS + 10, 4 if version >= 4 else -1)

    run(test)


def test_what_was_deleted_is_not_found_any_more() -> None:
    async def test() -> None:
        stage = filled()
        await stage.partition("t").delete_records(2)
        assert (await ask(stage, request(-2)))[1] == 2
        assert (await ask(stage, request(START_MS + 0)))[1:3] == (2, START_MS + 5)
        assert (await ask(stage, request(START_MS + 8)))[1:3] == (3, START_MS + 30)
        await stage.partition("t").delete_records(7)
        assert (await ask(stage, request(-3)))[1:3] == (7, START_MS + 40)

    run(test)


def test_consumers_see_up_to_the_high_watermark_and_replicas_the_whole_log() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", nodes=(1, 2))
        produce(stage.partition("t"), timed(0))
        stage.partition("t").replicas.hold(2)
        produce(stage.partition("t"), timed(50))
        assert (await ask(stage, request(-1)))[1] == 1
        assert (await ask(stage, request(-1, isolation_level=1)))[1] == 1
        assert (await ask(stage, request(-1, replica_id=2)))[1] == 2
        assert await ask(stage, request(START_MS + 50)) == NOTHING
        assert (await ask(stage, request(-3)))[1] == 0

    run(test)


@pytest.mark.parametrize(
    ("version", "code"), [(4, ErrorCode.LEADER_NOT_AVAILABLE), (5, ErrorCode.OFFSET_NOT_AVAILABLE)]
)
def test_a_new_leader_that_does_not_know_the_end_yet_says_so(version: int, code: ErrorCode) -> None:
    async def test() -> None:
        stage = Stage()
        topic = stage.catalog.add("t", nodes=(1, 2, 3))
        stage.partition("t").replicas.hold(3)
        produce(stage.partition("t"), timed(0))
        topic.partitions[0].leader, topic.partitions[0].leader_epoch = 2, 1
        assert (await ask(stage, request(-1), version, node=2))[0] == code
        stage.partition("t").release(3)
        assert (await ask(stage, request(-1), version, node=2))[:2] == (0, 1)

    run(test)


@pytest.mark.parametrize(("special", "offset"), [(-1, 2), (-3, 1), (START_MS + 40, 1)])
def test_what_is_being_written_is_waited_for_since_it_came_first(special: int, offset: int) -> None:
    """Nobody waits for the answer of a Produce with acks=0, so the next request of its connection must."""

    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        stage.engine.held = True
        for delta in (0, 50):
            produce(stage.partition("t"), timed(delta))
        asking = asyncio.ensure_future(ask(stage, request(special)))
        await turns()
        stage.engine.let_go()
        await turns()
        assert not asking.done()
        stage.engine.let_go()
        assert (await asking)[:2] == (0, offset)

    run(test)


def test_a_write_that_is_lost_is_waited_for_and_not_counted() -> None:
    async def test() -> None:
        stage = filled()
        stage.engine.held = True
        produce(stage.partition("t"), timed(50))
        asking = asyncio.ensure_future(ask(stage, request(-1)))
        await turns()
        stage.engine.failing.add(stage.partition("t").log)
        stage.engine.let_go()
        stage.engine.failing.clear()
        assert (await asking)[:2] == (0, 8)

    run(test)


def test_leaders_and_epochs_are_asked_for() -> None:
    async def test() -> None:
        stage = filled()
        assert (await ask(stage, request(-1), node=2))[0] == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert (await ask(stage, request(-1, current_leader_epoch=3)))[0] == ErrorCode.FENCED_LEADER_EPOCH
        assert (await ask(stage, request(-1, current_leader_epoch=5)))[0] == ErrorCode.UNKNOWN_LEADER_EPOCH
        assert (await ask(stage, request(-1, name="nowhere")))[0] == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert (await ask(stage, request(-1, index=9)))[0] == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(test)


def test_a_partition_that_is_asked_for_twice_gets_one_answer_an_error() -> None:
    async def test() -> None:
        asked = request(-1)
        asked.topics[0].partitions.append(asked.topics[0].partitions[0])
        response = await filled().ask(asked, NEWEST)
        assert [one.error_code for one in response.topics[0].partitions] == [ErrorCode.INVALID_REQUEST]

    run(test)


def test_many_partitions_are_answered_in_their_order() -> None:
    async def test() -> None:
        response = await filled().ask(request(START_MS, -1), NEWEST)
        assert [(one.partition_index, one.offset) for one in response.topics[0].partitions] == [(0, 0), (1, 0)]

    run(test)


def test_log_append_time_is_the_time_of_every_record() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", message_timestamp_type="LogAppendTime")
        produce(stage.partition("t"), batch(3, timestamp=1))
        assert (await ask(stage, request(2)))[1:3] == (0, START_MS)
        assert (await ask(stage, request(-3)))[1:3] == (0, START_MS)

    run(test)


def test_a_partition_that_is_still_loading_is_waited_for() -> None:
    async def test() -> None:
        first, stage = filled(), Stage()
        stage.engine = stage.cluster.engine = stage.partitions.engine = first.engine
        stage.catalog.add("t", 2, epoch=5)
        assert await ask(stage, request(START_MS + 40)) == (0, 6, START_MS + 40, 4)
        assert await ask(stage, request(-1)) == (0, 8, -1, 5)

    run(test)
