"""AddPartitionsToTxn, in every version: what a client adds before it writes, what brokers verify."""

import pytest

from kbroker.machine import Producer
from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.transactional import Transactional, with_transactions

OF_CLIENTS = [version for version in versions("add_partitions_to_txn") if version <= 3]
OF_BROKERS = [version for version in versions("add_partitions_to_txn") if version >= 4]


@pytest.mark.parametrize("version", OF_CLIENTS)
def test_all_partitions_are_added_or_none(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        answer = await broker.add("my-id", one, [("t", 0), ("nope", 0), ("t", 3)], version)
        assert answer == {("t", 0): 55, ("nope", 0): 3, ("t", 3): 3}
        assert await broker.add("my-id", one, [("t", 0), ("__consumer_offsets", 0)], version) == {
            ("t", 0): 55, ("__consumer_offsets", 0): 29,
        }  # fmt: skip
        assert await broker.end("my-id", one, True) == (48, -1, -1), "nothing has begun"
        assert set((await broker.add("my-id", one, [("t", 0), ("t", 1)], version)).values()) == {0}
        assert set((await broker.add("my-id", one, [("t", 0)], version)).values()) == {0}

    with_transactions(test)


@pytest.mark.parametrize("version", OF_CLIENTS)
def test_nobody_else_may_add(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        places = [("t", 0)]

        async def code(name: str, producer: Producer) -> int:
            return (await broker.add(name, producer, places, version))["t", 0]

        assert await code("my-id", Producer(one.id, 1)) == (90 if version >= 2 else 47)
        assert await code("my-id", Producer(one.id + 1, 0)) == 49
        assert await code("nobody", one) == 49
        assert await code("", one) == 42

    with_transactions(test)


@pytest.mark.parametrize("version", OF_BROKERS)
def test_brokers_ask_for_several_transactions_and_each_is_answered(version: int) -> None:
    async def test(broker: Transactional) -> None:
        assert await broker.find("another") == 0
        one, other = await broker.producer("my-id"), await broker.producer("another")
        await broker.add("my-id", one, [("t", 0)])
        verified = await broker.add_as_broker(
            ("my-id", one, [("t", 0), ("t", 1)]),
            ("another", other, [("t", 0)]),
            ("nobody", one, [("t", 0)]),
            verify=True,
            version=version,
        )
        assert verified == {
            ("my-id", "t", 0): 0, ("my-id", "t", 1): 120, ("another", "t", 0): 120, ("nobody", "t", 0): 49,
        }  # fmt: skip
        added = await broker.add_as_broker(
            ("my-id", one, [("t", 1)]), ("another", other, [("t", 0), ("nope", 0)]), version=version
        )
        assert added == {("my-id", "t", 1): 0, ("another", "t", 0): 55, ("another", "nope", 0): 3}
        assert await broker.add_as_broker(("my-id", one, [("t", 1)]), verify=True) == {("my-id", "t", 1): 0}
        fenced = Producer(one.id, one.epoch + 1)
        assert await broker.add_as_broker(("my-id", fenced, [("t", 1)]), verify=True) == {("my-id", "t", 1): 90}

    with_transactions(test)
