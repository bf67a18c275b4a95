"""DescribeTransactions: what a transactional id is about."""

from typing import Any

from tests.kbroker.handlers.transactional import V2, Transactional, with_transactions
from wire.messages.describe_transactions import DescribeTransactionsRequest


async def describe(broker: Transactional, *names: str) -> list[Any]:
    return list((await broker.ask(DescribeTransactionsRequest(transactional_ids=list(names)), 0)).transaction_states)


def test_a_life_is_told_state_by_state() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")

        async def told() -> tuple[Any, ...]:
            (each,) = await describe(broker, "my-id")
            topics = {topic.topic: topic.partitions for topic in each.topics}
            return each.transaction_state, each.producer_epoch, topics, each.transaction_start_time_ms >= 0

        assert await told() == ("Empty", 0, {}, False)
        for partition in (2, 0):
            await broker.produce("my-id", one, 0, partition, version=V2)
        assert await told() == ("Ongoing", 0, {"t": [0, 2]}, True)
        await broker.end("my-id", one, True, 5)
        assert await told() == ("CompleteCommit", 1, {}, True)
        (each,) = await describe(broker, "my-id")
        assert (each.error_code, each.producer_id, each.transaction_timeout_ms) == (0, one.id, 60_000)

    with_transactions(test)


def test_each_id_has_its_own_answer() -> None:
    async def test(broker: Transactional) -> None:
        await broker.producer("my-id")
        told = await describe(broker, "nobody", "my-id", "")
        assert [(each.transactional_id, each.error_code) for each in told] == [("nobody", 105), ("my-id", 0), ("", 42)]

    with_transactions(test)


def test_only_the_coordinator_knows() -> None:
    async def test(broker: Transactional) -> None:
        other = await broker.at_another_node("my-id")
        assert [each.error_code for each in await describe(other, "my-id")] == [16]
        await other.client.close()

    with_transactions(test, nodes=2)
