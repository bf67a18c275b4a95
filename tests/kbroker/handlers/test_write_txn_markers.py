"""WriteTxnMarkers, in every version: an administrator ends a transaction that hangs."""

import pytest

from kbroker.machine import Producer
from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.transactional import V2, Transactional, with_transactions


@pytest.mark.parametrize("version", versions("write_txn_markers"))
def test_every_partition_has_its_own_answer(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.add("my-id", one, [("t", 0)])
        await broker.produce("my-id", one, 0, value=b"a")
        codes = await broker.mark(one, False, [("t", 0), ("t", 9), ("nope", 0)], version=version)
        assert codes == [0, 3, 3]
        assert await broker.committed(0) == ([], 2)
        assert await broker.end_offset(0, committed=True) == 2

    with_transactions(test)


def test_epochs_do_not_go_back() -> None:
    async def test(broker: Transactional) -> None:
        one = Producer(*(await broker.until_init("my-id"))[1:])
        one = Producer(*(await broker.init("my-id"))[1:])
        await broker.produce("my-id", one, 0, version=V2)
        assert await broker.mark(Producer(one.id, 0), False, [("t", 0)], coordinator_epoch=9) == [47]
        assert await broker.mark(one, False, [("t", 0)], coordinator_epoch=9, transaction_version=2) == [47]
        assert await broker.mark(one, False, [("t", 0)], coordinator_epoch=9) == [0]
        assert await broker.mark(one, False, [("t", 0)], coordinator_epoch=8) == [52]

    with_transactions(test)


def test_offsets_are_ended_too() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.commit_offset("my-id", one, "a-group", 5, version=5)
        index = broker.broker.cluster.groups.coordinator("a-group")
        assert await broker.mark(one, True, [("__consumer_offsets", index)]) == [0]
        assert await broker.offset("a-group") == (0, 5)

    with_transactions(test)


def test_only_the_leader_takes_them() -> None:
    async def test(broker: Transactional) -> None:
        catalog = broker.broker.cluster.catalog
        elsewhere = [("t", index) for index in range(3) if catalog.leader("t", index)[0] != 1]
        assert elsewhere
        assert await broker.mark(Producer(5, 0), False, elsewhere) == [6] * len(elsewhere)

    with_transactions(test, nodes=2)
