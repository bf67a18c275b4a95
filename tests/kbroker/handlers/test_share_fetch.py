"""ShareFetch: sessions, what members get and when, locks, restarts. Codes are those of Apache Kafka 4.4.0."""

import asyncio
from typing import Any

import pytest

from tests.kbroker.handlers.share_desk import ShareDesk, acquired, at_a_share_desk, codes, offsets
from tests.kbroker.virtual import passed, settle
from wire.primitives import uuid_text
from wire.records import transaction_marker

ACCEPT, RELEASE, REJECT, RENEW = 1, 2, 3, 4


async def begin(desk: ShareDesk, *counts: int, **configs: str) -> None:
    """A member in its group, which reads from the beginning, and batches of so many records."""
    await desk.configure(share_auto_offset_reset="earliest", **configs)
    await desk.beat("m")
    for count in counts:
        await desk.produce(count)


def test_a_member_gets_what_there_is_once() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 3, 2)
        answer = await desk.fetch()
        assert (acquired(answer), offsets(answer)) == ([(0, 4, 1)], [(0, 2), (3, 4)])
        assert answer.acquisition_lock_timeout_ms == 30_000
        again = await desk.fetch()
        assert again.responses == [], "an incremental answer says only what is new"

    at_a_share_desk(test)


def test_two_members_get_different_records() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 3, 2)
        assert acquired(await desk.fetch("m", max_records=1)) == [(0, 2, 1)]
        answer = await desk.fetch("n")
        assert (acquired(answer), offsets(answer)) == ([(3, 4, 1)], [(3, 4)])

    at_a_share_desk(test)


def test_only_the_batches_go_out_of_which_something_was_taken() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 3, 3, 3)
        answer = await desk.fetch("m", max_records=4, share_acquire_mode=1)
        assert (acquired(answer), offsets(answer)) == ([(0, 3, 1)], [(0, 2), (3, 5)])

    at_a_share_desk(test)


@pytest.mark.parametrize(("reset", "first"), [("earliest", 0), ("latest", 3), ("by_duration:PT10S", 2)])
def test_a_group_begins_where_its_config_says(reset: str, first: int) -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.configure(share_auto_offset_reset=reset)
        await desk.produce(2)
        await passed(60)
        await desk.produce(1)
        await desk.beat("m")
        await desk.fetch()
        await desk.produce(1)
        await desk.fetch(epoch=1)
        described = desk.cluster.shares.working(("g", desk.topic_id("t"), 0))
        assert described is not None
        assert (described.window.start, described.window.end) == (first, 4)

    at_a_share_desk(test)


def test_records_come_back_when_the_lock_expires_and_are_given_up_in_the_end() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 3, share_delivery_count_limit="2", share_record_lock_duration_ms="2000")
        assert acquired(await desk.fetch()) == [(0, 2, 1)]
        await passed(1.9)
        assert acquired(await desk.fetch()) == []
        await passed(0.2)
        assert acquired(await desk.fetch()) == [(0, 2, 2)]
        await passed(2.1)
        assert acquired(await desk.fetch()) == [], "delivered twice, and that was it"
        await desk.produce(1)
        assert acquired(await desk.fetch()) == [(3, 3, 1)]

    at_a_share_desk(test)


def test_a_member_that_waits_is_woken_by_records_that_come() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk)
        waiting = asyncio.ensure_future(desk.fetch(max_wait_ms=10_000))
        await settle()
        assert not waiting.done()
        await desk.produce(2)
        await settle()
        assert acquired(waiting.result()) == [(0, 1, 1)]

    at_a_share_desk(test)


def test_a_member_that_waits_is_woken_by_what_another_lets_go() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 4)
        await desk.fetch("m")
        waiting = asyncio.ensure_future(desk.fetch("n", max_wait_ms=60_000))
        await settle()
        await desk.acknowledge("m", (1, 2, [RELEASE]))
        await settle()
        assert acquired(waiting.result()) == [(1, 2, 2)]
        waiting = asyncio.ensure_future(desk.fetch("n", max_wait_ms=60_000))
        await passed(30)
        assert acquired(waiting.result()) == [(0, 0, 2), (1, 2, 3), (3, 3, 2)]

    at_a_share_desk(test)


def test_a_member_that_waits_in_vain_gets_an_empty_answer_in_time() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk)
        start = desk.world.loop_time()
        assert acquired(await desk.fetch(max_wait_ms=500)) == []
        assert desk.world.loop_time() - start == pytest.approx(0.5)

    at_a_share_desk(test)


def test_a_member_may_wait_for_so_many_bytes() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 1)
        waiting = asyncio.ensure_future(desk.fetch(max_wait_ms=10_000, min_bytes=100))
        await settle()
        assert not waiting.done()
        await desk.produce(1)
        await settle()
        assert acquired(waiting.result()) == [(0, 1, 1)]

    at_a_share_desk(test)


def test_acknowledgements_travel_with_the_next_fetch() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 3, 2)
        await desk.fetch()
        answer = await desk.fetch("m", (0, 2, [ACCEPT, RELEASE, REJECT]))
        assert [one.acknowledge_error_code for topic in answer.responses for one in topic.partitions] == [0]
        assert acquired(answer) == [(1, 1, 2)]
        wrong = await desk.fetch("m", (1, 1, [ACCEPT]), (3, 9, [ACCEPT]))
        (one,) = wrong.responses[0].partitions
        assert one.acknowledge_error_code == 42
        assert one.acknowledge_error_message == (
            "Batch record not found. The last offset in request is past acquired records."
        )

    at_a_share_desk(test)


def test_what_was_said_survives_a_restart_and_what_was_held_does_not() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 10)
        await desk.fetch()
        await desk.acknowledge("m", (0, 3, [ACCEPT]), (5, 5, [ACCEPT]), (6, 6, [RELEASE]), (9, 9, [REJECT]))
        await desk.restart()
        answer = await desk.fetch("m")
        assert acquired(answer) == [(4, 4, 1), (6, 6, 2), (7, 8, 1)]

    at_a_share_desk(test)


def test_a_session_is_begun_goes_on_and_ends() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 5)
        assert (await desk.fetch("m", epoch=1)).error_code == 122
        await desk.fetch("m", epoch=0)
        wrong = await desk.fetch("m", epoch=7)
        assert (wrong.error_code, wrong.error_message, wrong.responses) == (123, None, [])
        assert (await desk.fetch("m", (0, 4, [ACCEPT]), epoch=0)).error_code == 42, "nothing is held yet"
        assert (await desk.fetch("m", (0, 1, [ACCEPT]), epoch=-1)).error_code == 0
        assert (await desk.fetch("m", epoch=-1)).error_code == 122
        assert acquired(await desk.fetch("n")) == [(2, 4, 2)], "what the session left"

    at_a_share_desk(test)


def test_there_are_only_so_many_sessions() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk)
        assert (await desk.fetch("m")).error_code == 0
        assert (await desk.fetch("n")).error_code == 133
        assert (await desk.fetch("m", epoch=0)).error_code == 0, "it takes its own place"

    at_a_share_desk(test, config={"group.share.max.share.sessions": "1"})


def test_a_connection_that_is_lost_gives_back_what_its_members_held() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 5)
        await desk.fetch("m")
        desk.cluster.shares.disconnected(1)
        assert acquired(await desk.fetch("n")) == [(0, 4, 2)]
        assert (await desk.fetch("m")).error_code == 122

    at_a_share_desk(test)


def test_who_waits_on_a_lost_connection_takes_nothing() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk)
        waiting = asyncio.ensure_future(desk.fetch("m", max_wait_ms=10_000))
        await settle()
        desk.cluster.shares.disconnected(1)
        await desk.produce(1)
        await settle()
        assert acquired(await desk.fetch("n")) == [(0, 0, 1)]
        assert waiting.result().error_code == 122

    at_a_share_desk(test)


def test_a_lock_is_renewed_by_a_request_that_fetches_nothing() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 2)
        await desk.fetch()
        assert (await desk.fetch("m", (0, 1, [RENEW]), is_renew_ack=True)).error_code == 42
        await passed(20)
        nothing: dict[str, Any] = {"max_wait_ms": 0, "min_bytes": 0, "max_bytes": 0, "max_records": 0}
        assert (await desk.fetch("m", (0, 1, [RENEW]), is_renew_ack=True, **nothing)).error_code == 0
        await passed(20)
        assert acquired(await desk.fetch("n")) == []
        await passed(11)
        assert acquired(await desk.fetch("n")) == [(0, 1, 2)]

    at_a_share_desk(test)


@pytest.mark.parametrize(("level", "expected"), [("read_uncommitted", [(0, 6, 1)]), ("read_committed", [(0, 1, 1)])])
def test_undecided_records_are_not_for_who_reads_committed_ones(level: str, expected: list[Any]) -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 2, share_isolation_level=level)
        await desk.produce(3, producer_id=7, producer_epoch=0, base_sequence=0, transactional=True)
        await desk.produce(2)
        assert acquired(await desk.fetch()) == expected

    at_a_share_desk(test)


@pytest.mark.parametrize(("committed", "expected"), [(True, [(0, 6, 1)]), (False, [(0, 1, 1), (5, 6, 1)])])
def test_aborted_records_are_skipped_and_hold_nothing_up(committed: bool, expected: list[Any]) -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 2, share_isolation_level="read_committed")
        await desk.produce(3, producer_id=7, producer_epoch=0, base_sequence=0, transactional=True)
        topic = desk.cluster.catalog.topic("t")
        assert topic is not None
        marker = transaction_marker(
            committed, coordinator_epoch=0, producer_id=7, producer_epoch=0, timestamp=desk.world.time_ms()
        )
        await desk.cluster.partitions.open(topic, 0).append([marker])
        await desk.produce(1)
        assert acquired(await desk.fetch()) == expected
        await desk.acknowledge("m", *[(first, last, [ACCEPT]) for first, last, _ in expected])
        working = desk.cluster.shares.working(("g", desk.topic_id("t"), 0))
        assert working is not None and working.window.start == 7

    at_a_share_desk(test)


def test_records_that_the_log_has_lost_are_not_waited_for() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 3, 3)
        await desk.fetch("m", max_records=1)
        topic = desk.cluster.catalog.topic("t")
        assert topic is not None
        await desk.cluster.partitions.open(topic, 0).delete_records(5)
        answer = await desk.fetch("m")
        assert acquired(answer) == [(5, 5, 1)]
        assert codes(await desk.acknowledge("m", (0, 2, [ACCEPT]))) == [(0, 0)], "no harm in saying it"

    at_a_share_desk(test)


def test_a_partition_that_there_is_not_is_told_and_others_are_served() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 1)
        assert codes(await desk.fetch("m", index=9)) == [(9, 3)]
        desk.epochs.clear()
        assert codes(await desk.fetch("m", group="nobody")) == [(0, -1)], "nobody keeps its state"

    at_a_share_desk(test)


@pytest.mark.parametrize("options", [{"group": None}, {"member": ""}])
def test_who_asks_must_say_who_it_is(options: dict[str, Any]) -> None:
    async def test(desk: ShareDesk) -> None:
        answer = await desk.fetch(**options)
        assert (answer.error_code, answer.error_message) == (42, None)

    at_a_share_desk(test)


def test_rights_are_asked_for() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 1)
        desk.denied = {("READ", "TOPIC", "t")}
        assert codes(await desk.fetch()) == [(0, 29)]
        desk.denied = {("READ", "GROUP", "g")}
        assert (await desk.fetch()).error_code == 30

    at_a_share_desk(test)


def test_a_new_leader_goes_on_where_the_old_one_was_and_the_old_one_is_out() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 4)
        topic = desk.cluster.catalog.topic("t")
        assert topic is not None
        old, _ = desk.cluster.catalog.leader(topic, 0)
        await desk.fetch("m", node=old)
        await desk.acknowledge("m", (0, 1, [ACCEPT]), node=old)
        await desk.cluster.catalog.move_leader("t", 0, 3 - old)
        told = await desk.acknowledge("m", (2, 3, [ACCEPT]), node=old)
        (one,) = told.responses[0].partitions
        assert (one.error_code, one.current_leader.leader_id, one.current_leader.leader_epoch) == (6, 3 - old, 1)
        assert [node.node_id for node in told.node_endpoints] == [3 - old]
        assert (await desk.fetch("m", node=3 - old, epoch=5)).error_code == 122, "its sessions are its own"
        assert acquired(await desk.fetch("n", node=3 - old)) == [(2, 3, 1)]

    at_a_share_desk(test, nodes=(1, 2), config={"default.replication.factor": "2"})


def test_a_state_that_cannot_be_kept_is_read_again(caplog: pytest.LogCaptureFixture) -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 4)
        await desk.fetch()
        key = ("g", desk.topic_id("t"), 0)
        runtime = desk.cluster.shares.coordinators.of(f"g:{uuid_text(key[1])}:0")
        kept = runtime.machine.kept[key]
        runtime.machine.kept[key] = kept._replace(leader_epoch=kept.leader_epoch + 1)
        assert codes(await desk.acknowledge("m", (0, 3, [ACCEPT]))) == [(0, 74)], "another has led it since"
        assert desk.cluster.shares.working(key) is None
        runtime.machine.kept[key] = kept
        assert acquired(await desk.fetch("n")) == [(0, 3, 1)], "nothing was done"

    at_a_share_desk(test)
