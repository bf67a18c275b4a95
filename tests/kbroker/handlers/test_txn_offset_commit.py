"""TxnOffsetCommit, in every version: offsets that count when their transaction commits."""

import pytest

from kbroker.machine import Producer
from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.transactional import Transactional, with_transactions
from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol

VERSIONS = list(versions("txn_offset_commit"))
ADDING = 5  # from here on the group becomes part of the transaction by itself
BY_ID = 6


def topic_id(broker: Transactional) -> bytes:
    topic = broker.broker.cluster.catalog.topic("t")
    assert topic is not None
    return topic.id


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("committed", [True, False])
def test_the_offset_counts_when_the_transaction_commits(version: int, committed: bool) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        if version < ADDING:
            await broker.add_group("my-id", one, "a-group")
        assert await broker.commit_offset(
            "my-id", one, "a-group", 5, version=version, topic_id=topic_id(broker)
        ) == 0  # fmt: skip
        assert await broker.offset("a-group") == (88, -1)
        assert await broker.offset("a-group", stable=False) == (0, -1)
        await broker.end("my-id", one, committed, 5 if version >= ADDING else 4)
        assert await broker.offset("a-group") == (0, 5 if committed else -1)

    with_transactions(test)


@pytest.mark.parametrize("version", [version for version in VERSIONS if version < ADDING])
def test_a_group_that_was_not_added_is_refused_in_the_words_of_the_version(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        code = await broker.commit_offset("my-id", one, "a-group", 5, version=version)
        assert code == (120 if version >= 4 else 48)

    with_transactions(test)


@pytest.mark.parametrize("version", VERSIONS)
def test_nobody_else_may_commit(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.add_group("my-id", one, "a-group")

        async def code(name: str, producer: Producer) -> int:
            return await broker.commit_offset(
                name, producer, "a-group", 5, version=version, topic_id=topic_id(broker)
            )

        assert await code("my-id", Producer(one.id, 1)) == 47
        assert await code("my-id", Producer(one.id + 1, 0)) == 49
        assert await code("nobody", one) == 49
        assert await code("", one) == 42
        assert await code("my-id", one) == 0
        assert await code("my-id", Producer(one.id, 1)) == 47, "also while the right one has something open"

    with_transactions(test)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_does_not_exist_has_no_offset(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.add_group("my-id", one, "a-group")
        code = await broker.commit_offset(
            "my-id", one, "a-group", 5, version=version, topic="nope", topic_id=b"\1" * 16
        )
        assert code == (100 if version >= BY_ID else 3)
        code = await broker.commit_offset(
            "my-id", one, "a-group", 5, 9, version=version, topic_id=topic_id(broker)
        )
        assert code == 3

    with_transactions(test)


def test_a_member_says_its_generation_and_an_older_client_says_nothing() -> None:
    """KIP-447: a consumer that has lost its partitions is fenced by its generation."""

    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.add_group("my-id", one, "a-group")
        assert await broker.commit_offset("my-id", one, "a-group", 5, generation=3, member="x") == 22
        join = JoinGroupRequest(
            group_id="a-group",
            session_timeout_ms=6_000,
            rebalance_timeout_ms=6_000,
            member_id="",
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol(name="range", metadata=b"\0\0")],
        )
        joined = await broker.ask(join, 3)
        assert (joined.error_code, joined.generation_id) == (0, 1)
        member = joined.member_id
        for generation, who, code in ((1, member, 0), (0, member, 22), (1, "x", 25), (-1, member, 22), (-1, "", 0)):
            assert await broker.commit_offset(
                "my-id", one, "a-group", 5, generation=generation, member=who
            ) == code, (generation, who)  # fmt: skip
        assert await broker.commit_offset("my-id", one, "a-group", 6, version=2) == 0

    with_transactions(test)


def test_a_commit_that_stands_later_in_the_log_wins() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        for offset in (5, 7, 6):
            assert await broker.commit_offset("my-id", one, "a-group", offset, version=5) == 0
        await broker.end("my-id", one, True, 5)
        assert await broker.offset("a-group") == (0, 6)

    with_transactions(test)
