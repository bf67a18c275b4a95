"""Fetch: what is answered at once, what is parked, and how much of the log goes out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from storage.engine import Chunk, Read
from tests.kbroker.partitions.support import batch, produce, run, turns
from wire.batch import batches, verify_crc
from wire.errors import ErrorCode
from wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic, ForgottenTopic
from wire.records import iterate

from .support import Stage

NEWEST = 18
BY_NAME = 12
MIB = 1 << 20


def request(*wanted: tuple[Any, int, int], **options: Any) -> FetchRequest:
    """Each of (topic, partition, offset); topic is a name or an id. Options of a partition go to all of them."""
    of_partition = {
        name: options.pop(name)
        for name in ("current_leader_epoch", "last_fetched_epoch", "partition_max_bytes")
        if name in options
    }
    topics: dict[Any, FetchTopic] = {}
    for topic, index, offset in wanted:
        if topic not in topics:
            named = {"topic_id": topic} if isinstance(topic, bytes) else {"topic": topic}
            topics[topic] = FetchTopic(partitions=[], **named)
        asked = {"partition_max_bytes": MIB, **of_partition}
        topics[topic].partitions.append(FetchPartition(partition=index, fetch_offset=offset, **asked))
    forgotten = [
        ForgottenTopic(topic=name, partitions=list(indexes)) for name, indexes in options.pop("forgotten", {}).items()
    ]
    fields = {"max_wait_ms": 500, "min_bytes": 1, **options}
    return FetchRequest(topics=list(topics.values()), forgotten_topics_data=forgotten, **fields)


def only(response: Any) -> Any:
    (topic,) = response.responses
    (partition,) = topic.partitions
    return partition


def offsets(told: Any) -> list[int]:
    found = list(batches(told.records))
    assert all(verify_crc(one) for one in found)
    return [record.offset for one in found for record in iterate(one)]


def stage_with(*counts: int, **configs: Any) -> Stage:
    """A topic "t" whose partition i holds batches of counts[i] records... as many batches as said."""
    stage = Stage()
    stage.catalog.add("t", len(counts), **configs)
    for index, count in enumerate(counts):
        for _ in range(count):
            produce(stage.partition("t", index), batch(2, value=b"v" * 100))
    return stage


ONE_BATCH = len(batch(2, value=b"v" * 100))


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


# --- waiting ----------------------------------------------------------------------------------------------------------


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
