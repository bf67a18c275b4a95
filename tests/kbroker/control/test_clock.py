"""Time in a test's hand: sessions, transactions, retention and compaction without waiting."""

from typing import Any

import pytest

from kbroker.control.table import ControlError
from kbroker.control.verbs.clock import duration_ms
from tests.kbroker.control.controlling import Hand, controlling
from tests.kbroker.control.faults.test_faults import produce
from tests.kbroker.running import Client, run
from wire.durable.assignment import ConsumerProtocolSubscription
from wire.errors import ErrorCode
from wire.messages.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnTopic
from wire.messages.find_coordinator import FindCoordinatorRequest
from wire.messages.init_producer_id import InitProducerIdRequest
from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment


async def coordinator(client: Client, key: str, kind: int) -> None:
    await client.ask(FindCoordinatorRequest(key=key, key_type=kind), 3)


async def join(client: Client, group: str = "g") -> str:
    """A group of one, stable; its member id."""
    await coordinator(client, group, 0)
    subscription = b"\x00\x00" + ConsumerProtocolSubscription(topics=["t"], user_data=None).encode(0)
    request = JoinGroupRequest(
        group_id=group,
        session_timeout_ms=45_000,
        rebalance_timeout_ms=60_000,
        member_id="",
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range", metadata=subscription)],
    )
    while (joined := await client.ask(request, 5)).error_code in (ErrorCode.MEMBER_ID_REQUIRED, 14, 16):
        request.member_id = joined.member_id
    assignment = [SyncGroupRequestAssignment(member_id=joined.member_id, assignment=b"")]
    sync = SyncGroupRequest(
        group_id=group, generation_id=joined.generation_id, member_id=joined.member_id, assignments=assignment
    )
    assert (await client.ask(sync, 3)).error_code == ErrorCode.NONE
    return str(joined.member_id)


def timed(body: Any) -> None:
    async def whole() -> None:
        async with controlling() as ask:
            await ask("topics.create", name="t")
            await ask("clock.freeze")
            await body(ask, await ask.connect())

    run(whole)


def test_a_session_ends_after_its_time_and_not_before() -> None:
    async def body(ask: Hand, client: Client) -> None:
        member = await join(client)
        begun = (await ask("clock.now")).time_ms
        assert not [fired for fired in (await ask("clock.advance", by="44s")).fired if "Session" in fired.what]
        assert (await ask("groups.get", group="g")).state == "Stable"
        done = await ask("clock.advance", by="2s")
        expired = [fired for fired in done.fired if fired.what.startswith("SessionExpired")]
        assert [(fired.at_ms - begun, member in fired.what) for fired in expired] == [(45_000, True)]
        assert done.time_ms - begun == 46_000
        assert (await ask("groups.get", group="g")).state == "Empty"

    timed(body)


def test_members_are_kept_if_one_asks_for_it() -> None:
    async def body(ask: Hand, client: Client) -> None:
        await join(client)
        done = await ask("clock.advance", by="1h", keep_members=True)
        assert not [fired for fired in done.fired if "Session" in fired.what]
        assert (await ask("groups.get", group="g")).state == "Stable"
        assert any("SessionExpired" in fired.what for fired in (await ask("clock.advance", by="45s")).fired)

    timed(body)


def test_a_transaction_is_aborted_when_its_time_is_over() -> None:
    async def body(ask: Hand, client: Client) -> None:
        await coordinator(client, "tx", 1)
        init = InitProducerIdRequest(transactional_id="tx", transaction_timeout_ms=60_000)
        while (made := await client.ask(init, 3)).error_code:
            assert made.error_code in (14, 15, 16)
        add = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id="tx",
            v3_and_below_producer_id=made.producer_id,
            v3_and_below_producer_epoch=made.producer_epoch,
            v3_and_below_topics=[AddPartitionsToTxnTopic(name="t", partitions=[0])],
        )
        await client.ask(add, 3)
        assert (await ask("transactions.get", transactional_id="tx")).state == "Ongoing"
        done = await ask("clock.advance", by="61s")
        assert any(fired.what == "TimedOut(transactional_id='tx')" for fired in done.fired)
        assert (await ask("transactions.get", transactional_id="tx")).state == "CompleteAbort"

    timed(body)


def test_retention_and_compaction_come_when_they_are_called() -> None:
    async def body(ask: Hand, client: Client) -> None:
        await client.ask(produce(0), 9)
        await ask("topics.configure", name="t", configs={"retention.ms": "1000"})
        await ask("clock.apply_retention", topic="t")
        assert await ask("records.read", topic="t") == [], "timestamp 1 is long ago"
        await ask("topics.create", name="c", configs={"cleanup.policy": "compact"})
        for value in ("old", "new"):
            await ask("records.produce", topic="c", records=[{"key": "k", "value": value}])
        await ask("clock.compact", topic="c")
        assert [record.value for record in await ask("records.read", topic="c")] == [b"new"]
        with pytest.raises(ControlError, match="there is no topic x"):
            await ask("clock.compact", topic="x")

    timed(body)


def test_time_stands_runs_and_runs_faster() -> None:
    async def body(ask: Hand, client: Client) -> None:
        stands = await ask("clock.now")
        assert (stands.frozen, stands.pace) == (True, 0.0)
        assert (await ask("clock.now")).time_ms == stands.time_ms
        assert (await ask("clock.auto", pace=1000.0)).pace == 1000.0
        await join(client)
        await ask("groups.wait_empty", group="g", timeout=30)
        done = await ask("clock.advance", by=5)
        assert not (await ask("clock.now")).frozen
        assert done.time_ms > stands.time_ms + 45_000

    timed(body)


def test_durations_are_read_as_people_write_them() -> None:
    assert [duration_ms(each) for each in (7, "250ms", "45s", "1.5m", "1h30m", "1 d")] == [
        7, 250, 45_000, 90_000, 5_400_000, 86_400_000,
    ]  # fmt: skip
    for wrong in ("soon", "45", "s", -1, "5s later"):
        with pytest.raises(ControlError):
            duration_ms(wrong)
