"""DescribeProducers: who writes to a partition, and what is open in it."""

from typing import Any

from kbroker.machine import Producer
from tests.kbroker.handlers.transactional import V2, Transactional, with_transactions
from wire.messages.describe_producers import DescribeProducersRequest, TopicRequest


async def describe(broker: Transactional, topic: str, index: int) -> Any:
    request = DescribeProducersRequest(topics=[TopicRequest(name=topic, partition_indexes=[index])])
    return (await broker.ask(request, 0)).topics[0].partitions[0]


async def known(broker: Transactional, index: int = 0) -> list[tuple[int, ...]]:
    """Epoch, last sequence, coordinator epoch, start of the transaction."""
    told = await describe(broker, "t", index)
    assert told.error_code == 0
    return [
        (each.producer_epoch, each.last_sequence, each.coordinator_epoch, each.current_txn_start_offset)
        for each in told.active_producers
    ]


def test_an_open_transaction_is_told_with_its_start_until_its_end() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        assert await known(broker) == []
        await broker.produce("my-id", one, 0, version=V2, count=3)
        assert await known(broker) == [(0, 2, -1, 0)]
        await broker.end("my-id", one, True, 5)
        assert await known(broker) == [(1, -1, 0, -1)], "the marker has brought the next epoch"
        await broker.produce("my-id", Producer(one.id, 1), 0, version=V2)
        assert await known(broker) == [(1, 0, 0, 4)]

    with_transactions(test)


def test_the_last_timestamp_is_that_of_the_last_batch() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.produce("my-id", one, 0, version=V2)
        (told,) = (await describe(broker, "t", 0)).active_producers
        assert (told.producer_id, told.last_timestamp) == (one.id, 1_000)

    with_transactions(test)


def test_partitions_that_are_not_there_say_so() -> None:
    async def test(broker: Transactional) -> None:
        assert (await describe(broker, "t", 9)).error_code == 3
        assert (await describe(broker, "nope", 0)).error_code == 3

    with_transactions(test)


def test_only_the_leader_knows() -> None:
    async def test(broker: Transactional) -> None:
        codes = [(await describe(broker, "t", index)).error_code for index in range(3)]
        leaders = [broker.broker.cluster.catalog.leader("t", index)[0] for index in range(3)]
        assert codes == [0 if leader == 1 else 6 for leader in leaders]
        assert 6 in codes

    with_transactions(test, nodes=2)
