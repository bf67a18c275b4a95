"""Produce: what is written, what is refused, and what the answer waits for."""

from __future__ import annotations

import pytest

from tests.kbroker.partitions.support import START_MS, batch, run, turns
from wire.batch import verify_crc
from wire.errors import ErrorCode, KafkaError

from .producing import BY_NAME, NEWEST, only, request, stored
from .support import Stage


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
