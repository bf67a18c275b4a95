"""EndTxn, in every version: what is seen after it, and when it may be asked again."""

import pytest

from kbroker.machine import Producer
from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.transactional import V1, V2, Transactional, with_transactions

RAISING = 5


@pytest.mark.parametrize("version", versions("end_txn"))
@pytest.mark.parametrize("committed", [True, False])
def test_who_reads_after_the_end_sees_it(version: int, committed: bool) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        produced = V2 if version >= RAISING else V1
        if version < RAISING:
            await broker.add("my-id", one, [("t", 0), ("t", 1)])
        for partition in (0, 1):
            assert await broker.produce("my-id", one, 0, partition, version=produced, value=b"a") == (0, 0)
        assert await broker.committed(0) == ([], 0)
        assert (await broker.end_offset(0, committed=True), await broker.end_offset(0, committed=False)) == (0, 1)
        raised = (one.id, 1) if version >= RAISING else (-1, -1)
        assert await broker.end("my-id", one, committed, version) == (0, *raised)
        for partition in (0, 1):
            assert await broker.committed(partition) == ([b"a"] if committed else [], 2)
        assert await broker.end_offset(0, committed=True) == 2

    with_transactions(test)


@pytest.mark.parametrize("version", [version for version in versions("end_txn") if version < RAISING])
def test_the_same_end_again_is_a_success_and_the_other_one_is_not(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        assert (await broker.end("my-id", one, True, version))[0] == 48
        assert (await broker.end("my-id", one, False, version))[0] == 48
        await broker.add("my-id", one, [("t", 0)])
        for committed, code in ((True, 0), (True, 0), (False, 48)):
            assert await broker.end("my-id", one, committed, version) == (code, -1, -1)

    with_transactions(test)


@pytest.mark.parametrize("version", versions("end_txn"))
def test_nobody_else_may_end_it(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.add("my-id", one, [("t", 0)])
        assert (await broker.end("my-id", Producer(one.id, 1), True, version))[0] == (90 if version >= 2 else 47)
        assert (await broker.end("my-id", Producer(one.id + 1, 0), True, version))[0] == 49
        assert (await broker.end("nobody", one, True, version))[0] == 49
        assert (await broker.end("", one, True, version))[0] == 42

    with_transactions(test)


def test_in_version_2_every_end_raises_the_epoch_and_the_one_before_repeats_it() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        assert await broker.end("my-id", one, True, RAISING) == (48, -1, -1)
        assert await broker.end("my-id", one, False, RAISING) == (0, one.id, 1)
        assert await broker.end("my-id", one, False, RAISING) == (0, one.id, 1)
        assert await broker.end("my-id", one, True, RAISING) == (48, -1, -1)
        next_one = Producer(one.id, 1)
        assert await broker.produce("my-id", next_one, 0, version=V2) == (0, 0)
        assert await broker.end("my-id", next_one, True, RAISING) == (0, one.id, 2)
        assert await broker.end("my-id", next_one, True, RAISING) == (0, one.id, 2)

    with_transactions(test)


def test_a_topic_that_is_deleted_meanwhile_needs_no_marker() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.add("my-id", one, [("t", 0), ("t", 1)])
        catalog = broker.broker.cluster.catalog
        topic = catalog.topic("t")
        assert topic is not None
        await catalog.delete_topics([topic.id])
        assert await broker.end("my-id", one, True) == (0, -1, -1)

    with_transactions(test)
