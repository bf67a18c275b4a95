"""Produce in a transaction: no first write without the coordinator's word, in either generation (KIP-890)."""

import asyncio

import pytest

from kbroker.machine import Producer
from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.transactional import V1, V2, Transactional, with_transactions

VERIFYING = [version for version in versions("produce") if version <= V1]


@pytest.mark.parametrize("version", VERIFYING)
def test_a_partition_that_was_not_added_takes_nothing(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        refused = 120 if version >= V1 else 48
        assert await broker.produce("my-id", one, 0, version=version) == (refused, -1)
        await broker.add("my-id", one, [("t", 0)])
        assert await broker.produce("my-id", one, 0, version=version) == (0, 0)
        assert await broker.produce("my-id", one, 0, 1, version=version) == (refused, -1)

    with_transactions(test)


@pytest.mark.parametrize("version", VERIFYING)
def test_without_verification_nobody_is_asked(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        assert await broker.produce("my-id", one, 0, version=version) == (0, 0)

    with_transactions(test, transaction_partition_verification_enable="false")


def test_from_version_12_on_the_first_write_adds_the_partition() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        assert await broker.produce("my-id", one, 0, version=V2) == (0, 0)
        assert await broker.add_as_broker(("my-id", one, [("t", 0), ("t", 1)]), verify=True) == {
            ("my-id", "t", 0): 0, ("my-id", "t", 1): 120,
        }  # fmt: skip

    with_transactions(test)


@pytest.mark.parametrize("version", [V1, V2])
def test_only_the_producer_of_the_id_may_write(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.add("my-id", one, [("t", 0)])
        assert await broker.produce("my-id", Producer(one.id, 1), 0, version=version) == (47, -1)
        assert await broker.produce("my-id", Producer(one.id + 1, 0), 0, version=version) == (49, -1)
        assert await broker.produce("nobody", one, 0, version=version) == (49, -1)
        assert await broker.produce(None, one, 0, version=version) == (53, -1)

    with_transactions(test)


def test_a_producer_with_an_open_transaction_writes_nothing_outside_of_it() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.produce("my-id", one, 0, version=V2)
        assert await broker.produce(None, one, 1, transactional=False) == (48, -1)

    with_transactions(test)


def test_late_writes_of_a_transaction_that_has_ended_are_refused() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.produce("my-id", one, 0, version=V2)
        await broker.end("my-id", one, True, 5)
        assert await broker.produce("my-id", one, 1, version=V2) == (47, -1)
        assert await broker.produce("my-id", Producer(one.id, 1), 1, version=V2) == (45, -1)
        assert await broker.produce("my-id", Producer(one.id, 1), 0, version=V2) == (0, 2)

    with_transactions(test)


@pytest.mark.parametrize("version", [V1, V2])
def test_what_the_coordinator_refuses_tells_nothing_of_the_log(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        broker.client.send(broker.produce_request("my-id", Producer(one.id, 1), 0), version)
        told = (await broker.client.receive()).responses[0].partition_responses[0]
        assert (told.error_code, told.base_offset, told.log_start_offset) == (47, -1, -1)

    with_transactions(test)


@pytest.mark.parametrize("version", [V1, V2])
def test_requests_that_are_sent_without_waiting_keep_their_order(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.add("my-id", one, [("t", 0)])
        for sequence in range(5):
            broker.client.send(broker.produce_request("my-id", one, sequence), version)
        told = [(await broker.client.receive()).responses[0].partition_responses[0] for _ in range(5)]
        assert [(each.error_code, each.base_offset) for each in told] == [(0, offset) for offset in range(5)]

    with_transactions(test)


def test_a_first_write_of_version_2_waits_for_the_markers_of_the_last_transaction() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.produce("my-id", one, 0, version=V2, value=b"a")
        other = await broker.at_the_same_node()
        ending = asyncio.ensure_future(broker.end("my-id", one, True, 5))
        written = await other.produce("my-id", Producer(one.id, 1), 0, version=V2, value=b"b")
        assert (await ending)[0] == 0
        assert written in ((0, 2), (47, -1)), "after the end, or before it, when that epoch was still to come"
        await other.client.close()

    with_transactions(test)


def test_readers_of_committed_records_are_told_what_to_skip_in_what_they_get() -> None:
    async def test(broker: Transactional) -> None:
        one, other = await broker.producer("my-id"), await broker.producer("another")
        await broker.produce("my-id", one, 0, version=V2, value=b"a")
        await broker.produce("another", other, 0, version=V2, value=b"b")
        await broker.end("my-id", one, False, 5)
        assert await broker.committed(0) == ([], 1), "what is behind the other's first record is not decided"
        await broker.end("another", other, True, 5)
        assert await broker.committed(0) == ([b"b"], 4)
        told = await broker.fetch(0)
        assert [(each.producer_id, each.first_offset) for each in told.aborted_transactions] == [(one.id, 0)]
        told = await broker.fetch(0, 3)
        assert told.aborted_transactions == []
        assert (await broker.fetch(0, committed=False)).aborted_transactions is None

    with_transactions(test)
