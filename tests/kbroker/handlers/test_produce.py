"""Produce: what is written, what is refused, and what the answer waits for."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from kbroker.partitions.validate import the_batch
from tests.kbroker.partitions.support import START_MS, batch, run, turns
from wire.batch import Batch, batches, stamp, verify_crc, write_crc
from wire.errors import ErrorCode, KafkaError
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.records import Record, build_batch

from .support import Stage

NEWEST = 13
BY_NAME = 12


def request(
    *batches: tuple[Any, int, bytes | bytearray | None],
    acks: int = -1,
    timeout_ms: int = 1000,
    transactional_id: str | None = None,
) -> ProduceRequest:
    """Each of (topic, partition, records); topic is a name or an id."""
    topics: dict[Any, TopicProduceData] = {}
    for topic, index, records in batches:
        if topic not in topics:
            named = {"topic_id": topic} if isinstance(topic, bytes) else {"name": topic}
            topics[topic] = TopicProduceData(partition_data=[], **named)
        topics[topic].partition_data.append(PartitionProduceData(index=index, records=records))
    return ProduceRequest(
        transactional_id=transactional_id, acks=acks, timeout_ms=timeout_ms, topic_data=list(topics.values())
    )


def only(response: Any) -> Any:
    (topic,) = response.responses
    (partition,) = topic.partition_responses
    return partition


def stored(stage: Stage, name: str = "t", index: int = 0) -> list[Batch]:
    one = stage.partition(name, index)
    chunk = one.read(one.log_start, 1 << 30).result()
    return [found for buffer in chunk.buffers for found in batches(buffer)]


@pytest.mark.parametrize("version", range(3, 14))
def test_every_version_writes_and_tells_the_base_offset(version: int) -> None:
    async def test() -> None:
        stage = Stage()
        topic = stage.catalog.add("t")
        for base in (0, 2):
            name = topic.id if version >= 13 else "t"
            told = only(await stage.ask(request((name, 0, batch(2))), version))
            assert (told.error_code, told.base_offset, told.log_append_time_ms) == (0, base, -1)
            assert told.log_start_offset == (0 if version >= 5 else -1)
        assert [found.base_offset for found in stored(stage)] == [0, 2]
        assert all(verify_crc(found) for found in stored(stage))

    run(test)


def test_all_partitions_of_a_request_are_written_in_its_order_and_in_its_turn_of_the_loop() -> None:
    async def test() -> None:
        stage = Stage()
        a, b = stage.catalog.add("a", 2), stage.catalog.add("b", 1)
        stage.engine.calls.clear()
        response = stage.call(request(("a", 0, batch(1)), ("a", 1, batch(1)), ("b", 0, batch(3))), BY_NAME)
        assert stage.engine.calls == [a.log(0), a.log(1), b.log(0)]
        assert [[p.error_code for p in topic.partition_responses] for topic in response.responses] == [[0, 0], [0]]

    run(test)


def test_the_answer_waits_for_the_write() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        stage.partition("t")
        stage.engine.held = True
        answer = stage.call(request(("t", 0, batch(1)), acks=1), BY_NAME)
        await turns()
        assert not answer.done()
        stage.engine.let_go()
        assert only(await answer).base_offset == 0

    run(test)


def test_one_partitions_trouble_touches_no_other() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", 2)
        broken = batch(1)
        broken[-1] ^= 1
        response = stage.call(
            request(("t", 0, broken), ("t", 1, batch(1)), ("t", 7, batch(1)), ("nowhere", 0, batch(1))), BY_NAME
        )
        told = [[(p.index, p.error_code) for p in topic.partition_responses] for topic in response.responses]
        assert told == [
            [(0, ErrorCode.CORRUPT_MESSAGE), (1, 0), (7, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)],
            [(0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)],
        ]
        assert stored(stage, "t", 0) == [] and len(stored(stage, "t", 1)) == 1

    run(test)


def test_an_unknown_topic_id_is_told_as_such() -> None:
    async def test() -> None:
        stage = Stage()
        assert only(stage.call(request((b"\x09" * 16, 0, batch(1))), NEWEST)).error_code == ErrorCode.UNKNOWN_TOPIC_ID

    run(test)


@pytest.mark.parametrize("acks", [2, -2, 17])
def test_other_acks_than_0_1_and_all_are_refused_per_partition(acks: int) -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        told = only(stage.call(request(("t", 0, batch(1)), acks=acks), BY_NAME))
        assert (told.error_code, told.base_offset) == (ErrorCode.INVALID_REQUIRED_ACKS, -1)
        assert stored(stage) == []

    run(test)


# --- acks=0 -----------------------------------------------------------------------------------------------------------


def test_without_acks_nothing_is_answered_and_the_bytes_are_lent_until_they_are_written() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        assert stage.call(request(("t", 0, batch(1)), acks=0), BY_NAME) is None
        stage.engine.held = True
        answer = stage.call(request(("t", 0, batch(1)), acks=0), BY_NAME)
        assert not answer.done()
        stage.engine.let_go()
        assert await answer is None
        assert all(verify_crc(found) for found in stored(stage)) and len(stored(stage)) == 2

    run(test)


def test_without_acks_an_error_closes_the_connection() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        with pytest.raises(KafkaError):
            stage.call(request(("nowhere", 0, batch(1)), ("t", 0, batch(1)), acks=0), BY_NAME)
        assert len(stored(stage)) == 1, "the other partition has its batch all the same"

    run(test)


# --- idempotence ------------------------------------------------------------------------------------------------------


def test_a_batch_that_is_sent_again_succeeds_with_its_first_offset() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        stage.call(request(("t", 0, batch(1))), BY_NAME)
        first = only(stage.call(request(("t", 0, batch(2, producer=(7, 0, 0)))), BY_NAME))
        again = only(stage.call(request(("t", 0, batch(2, producer=(7, 0, 0)))), BY_NAME))
        assert (first.base_offset, first.log_append_time_ms) == (1, -1)
        assert (again.error_code, again.base_offset, again.log_append_time_ms) == (0, 1, START_MS + 1)
        assert len(stored(stage)) == 2

    run(test)


def test_a_duplicate_of_a_batch_under_way_is_answered_with_that_batch() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        stage.partition("t")
        stage.engine.held = True
        first = stage.call(request(("t", 0, batch(2, producer=(7, 0, 0)))), BY_NAME)
        again = stage.call(request(("t", 0, batch(2, producer=(7, 0, 0)))), BY_NAME)
        await turns()
        assert not first.done() and not again.done()
        stage.engine.let_go()
        assert (only(await first).base_offset, only(await again).base_offset) == (0, 0)
        assert len(stored(stage)) == 1

    run(test)


def test_a_gap_and_an_old_epoch_are_refused_with_their_codes_and_the_log_start() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        stage.call(request(("t", 0, batch(1, producer=(7, 3, 0)))), BY_NAME)
        gap = only(stage.call(request(("t", 0, batch(1, producer=(7, 3, 2)))), BY_NAME))
        old = only(stage.call(request(("t", 0, batch(1, producer=(7, 2, 1)))), BY_NAME))
        assert gap.error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        assert old.error_code == ErrorCode.INVALID_PRODUCER_EPOCH
        assert (gap.base_offset, gap.log_start_offset) == (-1, 0)

    run(test)


def test_a_transactional_batch_without_a_transactional_id_refuses_the_whole_request() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", 2)
        transactional = batch(1, producer=(7, 0, 0), transactional=True)
        response = stage.call(request(("t", 0, batch(1)), ("t", 1, transactional)), BY_NAME)
        told = [(one.error_code, one.base_offset) for one in response.responses[0].partition_responses]
        assert told == [(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, -1)] * 2
        assert stored(stage, "t", 0) == []

    run(test)


# --- what a batch must be ---------------------------------------------------------------------------------------------


def changed(records: bytearray, at: int, value: bytes) -> bytearray:
    records[at : at + len(value)] = value
    write_crc(records)
    return records


REFUSED = {
    "no bytes": (b"", ErrorCode.INVALID_RECORD),
    "null": (None, ErrorCode.INVALID_RECORD),
    "two batches": (batch(1) + batch(1), ErrorCode.INVALID_RECORD),
    "another magic": (changed(batch(1), 16, b"\x01"), ErrorCode.INVALID_RECORD),
    "a magic that does not exist": (changed(batch(1), 16, b"\x03"), ErrorCode.CORRUPT_MESSAGE),
    "a tiny length": (changed(batch(1), 8, b"\0\0\0\x05"), ErrorCode.CORRUPT_MESSAGE),
    "a length below the header's": (changed(batch(1), 8, b"\0\0\0\x20"), ErrorCode.CORRUPT_MESSAGE),
    "a batch and rubbish": (batch(1) + bytes(40), ErrorCode.CORRUPT_MESSAGE),
    "text": (b"hello, this is no batch at all", ErrorCode.CORRUPT_MESSAGE),
    "a few bytes": (b"hello", ErrorCode.INVALID_RECORD),
    "a torn batch": (batch(1)[:-1], ErrorCode.INVALID_RECORD),
    "a base offset": (changed(batch(1), 0, b"\0\0\0\0\0\0\0\x05"), ErrorCode.INVALID_RECORD),
    "no records": (batch(0), ErrorCode.INVALID_RECORD),
    "a wrong count": (changed(batch(2), 57, b"\0\0\0\x03"), ErrorCode.INVALID_RECORD),
    "a wrong last offset delta": (changed(batch(2), 23, b"\0\0\0\x05"), ErrorCode.INVALID_RECORD),
    "a control batch": (batch(1, control=True), ErrorCode.INVALID_RECORD),
    "a producer without a sequence": (batch(1, producer=(7, 0, -1)), ErrorCode.INVALID_RECORD),
    "a codec that does not exist": (changed(batch(1), 22, b"\x05"), ErrorCode.UNSUPPORTED_COMPRESSION_TYPE),
    "a wrong checksum": (batch(1)[:-1] + b"x", ErrorCode.CORRUPT_MESSAGE),
    "too many bytes": (batch(1, value=b"v" * 1_048_588), ErrorCode.MESSAGE_TOO_LARGE),
    "a time in the future": (batch(1, timestamp=START_MS + 3_600_001), ErrorCode.INVALID_TIMESTAMP),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_batch_that_cannot_be_is_refused(what: str) -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        records, code = REFUSED[what]
        told = only(stage.call(request(("t", 0, records)), BY_NAME))
        assert (told.error_code, told.base_offset) == (code, -1)
        assert told.error_message
        assert stage.partition("t").end == 0

    run(test)


@pytest.mark.parametrize("rest", [b"rubbish", bytes(batch(1)[:-1])])
def test_the_beginning_of_another_batch_is_cut_off(rest: bytes) -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        assert only(stage.call(request(("t", 0, batch(1) + rest)), BY_NAME)).error_code == 0
        assert [found.length for found in stored(stage)] == [len(batch(1))]

    run(test)


def test_a_batch_with_a_delete_horizon_is_taken_as_it_is() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        records = batch(1)
        stamp(records, 0, -1)
        assert only(stage.call(request(("t", 0, changed(records, 22, b"\x40"))), BY_NAME)).error_code == 0

    run(test)


def test_an_append_time_that_a_producer_claims_is_its_own_time_or_refused() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        stage.catalog.add("u", message_timestamp_type="LogAppendTime")
        assert only(stage.call(request(("t", 0, batch(2, log_append_time=True))), BY_NAME)).error_code == 0
        (found,) = stored(stage)
        assert not found.log_append_time and verify_crc(found)
        told = only(stage.call(request(("u", 0, batch(2, log_append_time=True))), BY_NAME))
        assert told.error_code == ErrorCode.INVALID_TIMESTAMP
        assert [one.batch_index for one in told.record_errors] == [0, 1]

    run(test)


def test_of_a_partition_that_is_named_twice_the_last_batch_counts() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        assert only(stage.call(request(("t", 0, batch(1)), ("t", 0, batch(2))), BY_NAME)).base_offset == 0
        assert [found.count for found in stored(stage)] == [2]

    run(test)


def test_a_missing_codec_is_answered_each_time_and_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    packed = {codec: batch(1, key=b"k", compression=codec) for codec in (2, 3, 4)}
    monkeypatch.setattr("kbroker.codecs._told", set())
    for module in ("cramjam", "lz4.frame", "zstandard"):
        monkeypatch.setitem(sys.modules, module, None)

    async def test() -> None:
        stage = Stage()
        stage.catalog.add("plain")
        stage.catalog.add("compacted", cleanup_policy="compact")
        stage.catalog.add("packed", compression_type="zstd")
        for codec, records in packed.items():
            assert only(stage.call(request(("plain", 0, bytearray(records))), BY_NAME)).error_code == 0
            for _ in range(2):
                told = only(stage.call(request(("compacted", 0, bytearray(records))), BY_NAME))
                assert told.error_code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
                assert "which is not installed" in told.error_message
            if codec != 4:
                told = only(stage.call(request(("packed", 0, bytearray(records))), BY_NAME))
                assert told.error_code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE

    run(test)
    assert [record.getMessage().partition(" needs")[0] for record in caplog.records] == ["snappy", "lz4", "zstd"]


def test_zstd_needs_version_7() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        refused = only(stage.call(request(("t", 0, batch(1, compression=4))), 6))
        assert refused.error_code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
        assert only(stage.call(request(("t", 0, batch(1, compression=4))), 7)).error_code == 0

    run(test)


def test_a_compacted_topic_names_the_records_without_a_key() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", cleanup_policy="compact")
        told = only(stage.call(request(("t", 0, batch(2, key=None))), BY_NAME))
        assert told.error_code == ErrorCode.INVALID_RECORD
        assert [one.batch_index for one in told.record_errors] == [0, 1] and told.error_message
        assert told.log_start_offset == 0
        assert only(stage.call(request(("t", 0, batch(2, compression=1))), BY_NAME)).error_code == 0

    run(test)


def test_a_time_out_of_bounds_names_its_records() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", message_timestamp_before_max_ms=1000)
        told = only(stage.call(request(("t", 0, batch(2, timestamp=START_MS - 1001))), BY_NAME))
        assert told.error_code == ErrorCode.INVALID_TIMESTAMP
        assert [one.batch_index for one in told.record_errors] == [0], "the second one is just in time"

    run(test)


@pytest.mark.parametrize("codec", [0, 1])
def test_where_old_records_are_refused_one_in_the_middle_is_found(codec: int) -> None:
    """The header tells of the first record's time and of the greatest only."""

    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", message_timestamp_before_max_ms=1000)
        times = [START_MS, START_MS - 1001, START_MS - 1000, -1]
        hiding = build_batch([Record(b"k", b"v", timestamp=time) for time in times], compression=codec)
        told = only(stage.call(request(("t", 0, hiding)), BY_NAME))
        assert told.error_code == ErrorCode.INVALID_TIMESTAMP
        assert [one.batch_index for one in told.record_errors] == [1]

    run(test)


def test_with_validation_every_record_is_read_and_the_header_is_put_right() -> None:
    async def test() -> None:
        stage = Stage()
        stage.partitions.every_record = True
        stage.catalog.add("t")
        lying = changed(batch(2), 35, b"\0\0\0\0\0\0\0\x01")
        assert only(stage.call(request(("t", 0, lying)), BY_NAME)).error_code == 0
        (found,) = stored(stage)
        assert found.max_timestamp == START_MS + 1 and verify_crc(found)
        unreadable = changed(batch(2, compression=1), 61, b"rubbish")
        assert only(stage.call(request(("t", 0, unreadable)), BY_NAME)).error_code == ErrorCode.INVALID_RECORD

    run(test)


def test_the_table_of_checks_reads_one_batch() -> None:
    assert the_batch(batch(3)).count == 3


# --- who may write, and where -----------------------------------------------------------------------------------------


def test_clients_do_not_write_to_internal_topics_but_the_admin_client_does() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("__consumer_offsets")
        asked = request(("__consumer_offsets", 0, batch(1)))
        assert only(stage.call(asked, BY_NAME)).error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
        assert only(stage.call(asked, BY_NAME, client_id="__admin_client")).error_code == 0

    run(test)


@pytest.mark.parametrize("version", [9, 10, 12])
def test_a_node_that_does_not_lead_says_who_does(version: int) -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", leader=2, nodes=(1, 2), epoch=5)
        response = stage.call(request(("t", 0, batch(1))), version, node=1)
        told = only(response)
        assert told.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        hint = (told.current_leader.leader_id, told.current_leader.leader_epoch)
        places = [(one.node_id, one.host, one.port, one.rack) for one in response.node_endpoints]
        if version >= 10:
            assert hint == (2, 5) and places == [(2, "two.test", 9002, "rack-2")]
        else:
            assert hint == (-1, -1) and places == []
        assert only(stage.call(request(("t", 0, batch(1))), version, node=2)).error_code == 0

    run(test)


# --- replicas ---------------------------------------------------------------------------------------------------------


def test_acks_all_waits_for_every_replica_in_sync_and_acks_1_for_none() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", nodes=(1, 2))
        stage.partition("t").replicas.hold(2)
        assert only(stage.call(request(("t", 0, batch(1)), acks=1), BY_NAME)).base_offset == 0
        answer = stage.call(request(("t", 0, batch(1))), BY_NAME)
        await turns()
        assert not answer.done()
        stage.partition("t").release(2)
        assert only(await answer).base_offset == 1
        assert stage.world.living_timers() == []

    run(test)


def test_acks_all_is_answered_with_a_timeout_when_a_replica_stays_behind() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", nodes=(1, 2))
        stage.partition("t").replicas.hold(2)
        answer = stage.call(request(("t", 0, batch(1)), timeout_ms=300), BY_NAME)
        stage.world.pass_s(0.2)
        await turns()
        assert not answer.done()
        stage.world.pass_s(0.1)
        told = only(await answer)
        assert (told.error_code, told.base_offset) == (ErrorCode.REQUEST_TIMED_OUT, 0)
        stage.partition("t").release(2)
        assert stage.partition("t").high_watermark == 1, "it is written all the same"

    run(test)


def test_too_few_replicas_in_sync_refuse_a_write_before_it_happens() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", nodes=(1, 2), in_sync=(1,), min_insync_replicas=2)
        told = only(stage.call(request(("t", 0, batch(1))), BY_NAME))
        assert told.error_code == ErrorCode.NOT_ENOUGH_REPLICAS and stored(stage) == []
        assert only(stage.call(request(("t", 0, batch(1)), acks=1), BY_NAME)).error_code == 0

    run(test)


def test_more_replicas_than_there_are_need_not_be_in_sync() -> None:
    """Kafka's `Partition.effectiveMinIsr`: a topic with one replica takes writes whatever min.insync.replicas says."""

    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", nodes=(1,), min_insync_replicas=2)
        assert only(stage.call(request(("t", 0, batch(1))), BY_NAME)).error_code == 0

    run(test)


def test_a_leader_that_is_moved_away_answers_who_waited() -> None:
    async def test() -> None:
        stage = Stage()
        topic = stage.catalog.add("t", nodes=(1, 2, 3))
        stage.partition("t").replicas.hold(3)
        answer = stage.call(request(("t", 0, batch(1))), BY_NAME)
        topic.partitions[0].leader, topic.partitions[0].leader_epoch = 2, 1
        stage.partitions.changed(topic)
        told = only(await answer)
        assert told.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert (told.current_leader.leader_id, told.current_leader.leader_epoch) == (2, 1)

    run(test)


def test_a_topic_that_is_deleted_answers_who_waited() -> None:
    async def test() -> None:
        stage = Stage()
        topic = stage.catalog.add("t", nodes=(1, 2))
        stage.partition("t").replicas.hold(2)
        answer = stage.call(request(("t", 0, batch(1))), BY_NAME)
        stage.catalog.remove(topic)
        stage.partitions.drop(topic)
        assert only(await answer).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert stage.engine.logs() == []

    run(test)


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_failed_write_is_an_error_that_clients_retry_and_the_retry_succeeds() -> None:
    async def test() -> None:
        stage = Stage()
        topic = stage.catalog.add("t", 2)
        stage.engine.failing = {topic.log(0)}
        asked = request(("t", 0, batch(1, producer=(7, 0, 0))), ("t", 1, batch(1)))
        (told,) = stage.call(asked, BY_NAME).responses
        assert [one.error_code for one in told.partition_responses] == [ErrorCode.KAFKA_STORAGE_ERROR, 0]
        assert ErrorCode.KAFKA_STORAGE_ERROR.retriable
        stage.engine.failing = set()
        assert only(stage.call(request(("t", 0, batch(1, producer=(7, 0, 0)))), BY_NAME)).base_offset == 0

    run(test)


def test_a_partition_that_is_still_loading_takes_its_batches_in_their_order() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", 2)
        stage.call(request(("t", 0, batch(1, producer=(7, 0, 0)))), BY_NAME)
        again = Stage()
        again.engine = again.cluster.engine = stage.engine
        again.partitions.engine = stage.engine
        again.catalog.add("t", 2)
        waiting = [again.call(request(("t", 0, batch(1, producer=(7, 0, n)))), BY_NAME) for n in (1, 2, 3)]
        assert not any(answer.done() for answer in waiting)
        assert [only(await answer).base_offset for answer in waiting] == [1, 2, 3]

    run(test)


def test_an_empty_request_gets_an_empty_answer() -> None:
    async def test() -> None:
        assert Stage().call(request(), NEWEST).responses == []

    run(test)
