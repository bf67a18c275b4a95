"""AddOffsetsToTxn, in every version."""

import pytest

from kbroker.machine import Producer
from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.transactional import Transactional, with_transactions


@pytest.mark.parametrize("version", versions("add_offsets_to_txn"))
def test_the_groups_partition_of_the_offsets_topic_becomes_part_of_the_transaction(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        assert await broker.commit_offset("my-id", one, "a-group", 5) == 48
        assert await broker.add_group("my-id", one, "a-group", version) == 0
        assert await broker.commit_offset("my-id", one, "a-group", 5) == 0
        assert await broker.add_group("my-id", one, "", version) == 0

    with_transactions(test)


@pytest.mark.parametrize("version", versions("add_offsets_to_txn"))
def test_nobody_else_may_add(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        other_epoch = await broker.add_group("my-id", Producer(one.id, 1), "a-group", version)
        assert other_epoch == (90 if version >= 2 else 47)
        assert await broker.add_group("my-id", Producer(one.id + 1, 0), "a-group", version) == 49
        assert await broker.add_group("nobody", one, "a-group", version) == 49
        assert await broker.add_group("", one, "a-group", version) == 42

    with_transactions(test)
