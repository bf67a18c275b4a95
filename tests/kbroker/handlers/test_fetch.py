"""Fetch: what is answered at once, what is parked, and how much of the log goes out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kbroker.partitions.support import batch, produce, run, turns
from wire.errors import ErrorCode

from .fetching import BY_NAME, NEWEST, ONE_BATCH, offsets, only, request, stage_with
from .support import Stage

# --- answered at once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", range(4, 19))
def test_every_version_reads_what_was_written(version: int) -> None:
    async def test() -> None:
        stage = stage_with(2)
        topic = stage.catalog.topic("t")
        assert topic is not None
        response = stage.call(request((topic.id if version >= 13 else "t", 0, 0)), version)
        told = only(response)
        assert offsets(told) == [0, 1, 2, 3]
        assert (told.error_code, told.high_watermark, told.last_stable_offset) == (0, 4, 4)
        assert told.log_start_offset == (0 if version >= 5 else -1)
        assert told.preferred_read_replica == -1 and told.diverging_epoch.epoch == -1
        assert (response.responses[0].topic_id == topic.id) == (version >= 13)

    run(test)


def test_reading_begins_at_the_batch_that_holds_the_offset() -> None:
    async def test() -> None:
        assert offsets(only(stage_with(3).call(request(("t", 0, 3)), BY_NAME))) == [2, 3, 4, 5]

    run(test)


def test_at_the_end_records_are_empty_and_not_null() -> None:
    async def test() -> None:
        told = only(stage_with(1).call(request(("t", 0, 2), max_wait_ms=0), BY_NAME))
        assert (told.error_code, bytes(told.records), told.high_watermark) == (0, b"", 2)

    run(test)


@pytest.mark.parametrize("offset", [-5, 1, 5, 1000])
def test_an_offset_outside_the_log_is_out_of_range_and_nothing_else_is_told(offset: int) -> None:
    async def test() -> None:
        stage = stage_with(2)
        await stage.partition("t").delete_records(2)
        told = only(stage.call(request(("t", 0, offset)), BY_NAME))
        assert told.error_code == ErrorCode.OFFSET_OUT_OF_RANGE
        assert (told.high_watermark, told.last_stable_offset, told.log_start_offset) == (-1, -1, -1)
        assert bytes(told.records) == b"" and told.aborted_transactions is None

    run(test)


@pytest.mark.parametrize(("isolation_level", "aborted"), [(0, None), (1, [])])
def test_aborted_transactions_are_null_or_empty_by_isolation_level(isolation_level: int, aborted: object) -> None:
    async def test() -> None:
        told = only(stage_with(1).call(request(("t", 0, 0), isolation_level=isolation_level), BY_NAME))
        assert told.aborted_transactions == aborted and offsets(told) == [0, 1]

    run(test)


def test_unknown_topics_and_partitions_are_told_one_by_one() -> None:
    async def test() -> None:
        stage = stage_with(1)
        response = stage.call(request(("t", 0, 0), ("t", 9, 0), ("nowhere", 0, 0)), BY_NAME)
        told = [
            (topic.topic, one.partition_index, one.error_code)
            for topic in response.responses
            for one in topic.partitions
        ]
        unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert told == [("t", 0, 0), ("t", 9, unknown), ("nowhere", 0, unknown)]
        by_id = only(stage.call(request((b"\x09" * 16, 0, 0)), NEWEST))
        assert by_id.error_code == ErrorCode.UNKNOWN_TOPIC_ID

    run(test)


def test_zstd_is_handed_to_clients_of_every_version_as_kafka_4_does() -> None:
    async def test() -> None:
        stage = stage_with(0)
        produce(stage.partition("t"), batch(2, compression=4))
        for version in (4, 9, 10):
            assert offsets(only(stage.call(request(("t", 0, 0)), version))) == [0, 1]

    run(test)


def test_nothing_above_the_high_watermark_is_handed_out() -> None:
    async def test() -> None:
        stage = stage_with(1, nodes=(1, 2))
        stage.partition("t").replicas.hold(2)
        produce(stage.partition("t"), batch(2))
        told = only(stage.call(request(("t", 0, 0)), BY_NAME))
        assert offsets(told) == [0, 1] and told.high_watermark == 2
        waiting = stage.call(request(("t", 0, 2)), BY_NAME)
        await turns()
        assert not waiting.done(), "between the high watermark and the end there is nothing to read, and no error"
        stage.partition("t").release(2)
        assert offsets(only(await waiting)) == [2, 3]

    run(test)


# --- leaders and epochs -----------------------------------------------------------------------------------------------


def test_another_epoch_than_the_clients_is_fenced_or_unknown() -> None:
    async def test() -> None:
        stage = stage_with(1, epoch=5)
        codes = [
            only(stage.call(request(("t", 0, 0), current_leader_epoch=epoch), BY_NAME)).error_code
            for epoch in (4, 5, 6)
        ]
        assert codes == [ErrorCode.FENCED_LEADER_EPOCH, 0, ErrorCode.UNKNOWN_LEADER_EPOCH]

    run(test)


@pytest.mark.parametrize("version", [11, 12, 15, 16])
def test_a_node_that_holds_no_replica_says_who_leads(version: int) -> None:
    async def test() -> None:
        stage = stage_with(1, leader=2, nodes=(1, 2), epoch=3)
        topic = stage.catalog.topic("t")
        assert topic is not None
        topic.partitions[0].replicas = topic.partitions[0].isr = [2]
        name = topic.id if version >= 13 else "t"
        response = stage.call(request((name, 0, 0)), version, node=1)
        told = only(response)
        assert told.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        hint = (told.current_leader.leader_id, told.current_leader.leader_epoch)
        assert hint == ((2, 3) if version >= 12 else (-1, -1))
        assert [(one.node_id, one.port) for one in response.node_endpoints] == ([(2, 9002)] if version >= 16 else [])
        assert offsets(only(stage.call(request((name, 0, 0)), version, node=2))) == [0, 1]

    run(test)


@pytest.mark.parametrize(
    ("epoch", "offset", "diverges"), [(0, 2, None), (0, 3, (0, 2)), (1, 4, (0, 2)), (2, 4, None), (2, 5, (2, 4))]
)
def test_a_log_that_has_diverged_is_told_where(epoch: int, offset: int, diverges: tuple[int, int] | None) -> None:
    async def test() -> None:
        stage = stage_with(1)
        topic = stage.catalog.topic("t")
        assert topic is not None
        topic.partitions[0].leader_epoch = 2
        stage.partitions.changed(topic)
        produce(stage.partition("t"), batch(2))
        told = only(stage.call(request(("t", 0, offset), last_fetched_epoch=epoch, max_wait_ms=0), BY_NAME))
        assert told.error_code == 0
        if diverges is None:
            assert told.diverging_epoch.epoch == -1
        else:
            assert (told.diverging_epoch.epoch, told.diverging_epoch.end_offset) == diverges
            assert bytes(told.records) == b"" and told.high_watermark == 4

    run(test)


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_the_first_batch_may_pass_every_limit() -> None:
    async def test() -> None:
        stage = stage_with(3, 3)
        response = stage.call(request(("t", 0, 0), ("t", 1, 0), max_bytes=1), BY_NAME)
        first, second = response.responses[0].partitions
        assert offsets(first) == [0, 1] and bytes(second.records) == b""

    run(test)


def test_the_first_partition_that_has_anything_is_the_one_that_may_pass() -> None:
    async def test() -> None:
        stage = stage_with(0, 2)
        first, second = stage.call(request(("t", 0, 0), ("t", 1, 0), max_bytes=1), BY_NAME).responses[0].partitions
        assert bytes(first.records) == b"" and offsets(second) == [0, 1]

    run(test)


def test_later_partitions_are_cut_on_batch_borders() -> None:
    async def test() -> None:
        stage = stage_with(2, 5)
        response = stage.call(request(("t", 0, 0), ("t", 1, 0), max_bytes=ONE_BATCH * 4 + 10), BY_NAME)
        first, second = response.responses[0].partitions
        assert offsets(first) == [0, 1, 2, 3] and offsets(second) == [0, 1, 2, 3]
        assert len(second.records) == ONE_BATCH * 2

    run(test)


def test_a_partitions_own_limit_holds_but_for_the_first_batch_of_all() -> None:
    async def test() -> None:
        stage = stage_with(2, 2)
        response = stage.call(request(("t", 0, 0), ("t", 1, 0), partition_max_bytes=ONE_BATCH - 1), BY_NAME)
        first, second = response.responses[0].partitions
        assert offsets(first) == [0, 1] and bytes(second.records) == b"", "it comes first another time"

    run(test)


def test_the_brokers_own_limit_holds_too() -> None:
    async def test() -> None:
        stage = Stage(fetch_max_bytes="1024")
        stage.catalog.add("t")
        for _ in range(20):
            produce(stage.partition("t"), batch(2, value=b"v" * 100))
        assert len(only(stage.call(request(("t", 0, 0)), BY_NAME)).records) == 1024 // ONE_BATCH * ONE_BATCH

    run(test)


def test_all_partitions_that_fit_are_read_in_one_call() -> None:
    async def test() -> None:
        stage = stage_with(1, 1, 1)
        asked: list[int] = []
        read = stage.engine.read

        def counted(reads: Any) -> Any:
            asked.append(len(reads))
            return read(reads)

        stage.engine.read = counted  # type: ignore[method-assign]
        stage.call(request(("t", 0, 0), ("t", 1, 0), ("t", 2, 0)), BY_NAME)
        assert asked == [3]

    run(test)


# --- sessions through the handler -------------------------------------------------------------------------------------


def test_a_session_is_told_only_what_has_changed() -> None:
    async def test() -> None:
        stage = stage_with(1, 1)
        full = stage.call(request(("t", 0, 2), ("t", 1, 2), session_epoch=0, max_wait_ms=0), BY_NAME)
        assert full.session_id > 0 and len(full.responses[0].partitions) == 2
        nothing = stage.call(request(session_id=full.session_id, session_epoch=1, max_wait_ms=0), BY_NAME)
        assert nothing.responses == [] and nothing.session_id == full.session_id
        produce(stage.partition("t", 1), batch(1))
        news = stage.call(request(session_id=full.session_id, session_epoch=2), BY_NAME)
        assert only(news).partition_index == 1 and offsets(only(news)) == [2]

    run(test)


def test_a_session_that_is_not_there_is_an_error_of_the_whole_request() -> None:
    async def test() -> None:
        stage = stage_with(1)
        response = stage.call(request(session_id=77, session_epoch=3), BY_NAME)
        assert (response.error_code, response.session_id) == (ErrorCode.FETCH_SESSION_ID_NOT_FOUND, 0)
        assert response.responses == []

    run(test)


def test_sessions_belong_to_one_node() -> None:
    async def test() -> None:
        stage = stage_with(1, nodes=(1, 2))
        full = stage.call(request(("t", 0, 0), session_epoch=0), BY_NAME, node=1)
        elsewhere = stage.call(request(session_id=full.session_id, session_epoch=1), BY_NAME, node=2)
        assert elsewhere.error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND

    run(test)


def test_a_fetch_without_partitions_is_answered_at_once() -> None:
    async def test() -> None:
        response = Stage().call(request(max_wait_ms=30_000), NEWEST)
        assert (response.error_code, response.session_id, response.responses) == (0, 0, [])

    run(test)
