"""Topics, records and waiting, as verbs of a broker."""

import asyncio
from typing import Any

import pytest

from kbroker.control.table import ControlError
from kbroker.partitioner import by_murmur2
from tests.kbroker.control.controlling import Hand, controlling
from tests.kbroker.running import run


async def refused(asked: Any) -> ControlError:
    with pytest.raises(ControlError) as told:
        await asked
    return told.value


def test_a_topic_is_made_looked_at_changed_and_deleted() -> None:
    async def body() -> None:
        async with controlling() as ask:
            made = await ask("topics.create", name="a", partitions=2, configs={"retention.ms": "1000"})
            assert [(each.partition, each.leader) for each in made.partitions] == [(0, 1), (1, 1)]
            assert made.configs == {"retention.ms": "1000"}
            assert len((await ask("topics.grow", name="a", partitions=3)).partitions) == 3
            changed = await ask("topics.configure", name="a", configs={"retention.ms": None, "max.message.bytes": "9"})
            assert changed.configs == {"max.message.bytes": "9"}
            assert [topic.name for topic in await ask("topics.list")] == ["a"]
            await ask("topics.delete", name="a")
            assert await ask("topics.list") == []

    run(body)


def test_a_refusal_has_kafkas_name_and_words() -> None:
    async def body() -> None:
        async with controlling() as ask:
            error = await refused(ask("topics.create", name="no/such"))
            assert error.kind == "refused"
            assert str(error).startswith("INVALID_TOPIC_EXCEPTION: ")
            assert (await refused(ask("topics.get", name="b"))).kind == "missing"

    run(body)


def test_records_are_where_their_keys_belong_and_are_read_back() -> None:
    async def body() -> None:
        async with controlling() as ask:
            await ask("topics.create", name="a", partitions=3)
            records = [{"key": str(n), "value": "v", "headers": [{"name": "h", "value": None}]} for n in range(9)]
            places = await ask("records.produce", topic="a", records=records)
            assert [place.partition for place in places] == [by_murmur2(str(n).encode(), 3) for n in range(9)]
            read = await ask("records.read", topic="a")
            assert {record.key for record in read} == {str(n).encode() for n in range(9)}
            assert [(each.topic, each.partition, each.offset) for each in read] == sorted(map(tuple, places))
            assert await ask("records.read", topic="a", limit=2) == read[:2]

    run(body)


def test_waiting_for_records_ends_with_the_last_of_them() -> None:
    async def body() -> None:
        async with controlling() as ask:
            waiting = asyncio.ensure_future(ask("records.wait", topic="a", count=2))
            await asyncio.sleep(0)
            await ask("records.produce", topic="a", records=[{"value": "1"}])
            assert not waiting.done()
            await ask("records.produce", topic="a", records=[{"value": "2"}])
            assert [record.value for record in await waiting] == [b"1", b"2"]

    run(body)


def test_who_waits_in_vain_hears_what_was_seen() -> None:
    async def body() -> None:
        async with controlling() as ask:
            error = await refused(ask("records.wait", topic="a", timeout=0.01))
            assert (error.kind, str(error)) == ("timeout", "waited 0.01 s: there is no topic a")
            await ask("records.produce", topic="a", records=[{"value": "1"}])
            error = await refused(ask("records.wait", topic="a", count=2, timeout=0.01))
            assert str(error) == "waited 0.01 s: a has 1 of 2 records, the last of them a-0@0 b'1'"
            error = await refused(ask("groups.wait_assigned", group="g", timeout=0.01))
            assert str(error) == "waited 0.01 s: there is no group g; there are none"
            error = await refused(ask("transactions.wait", transactional_id="t", timeout=0.01))
            assert str(error) == "waited 0.01 s: there is no transactional id t; there are none"
            assert not len((await ask.control.partition("a", 0)).waiters), "who has given up is forgotten"

    run(body)


def test_everything_at_a_glance() -> None:
    async def body() -> None:
        async with controlling() as ask:
            await ask("records.produce", topic="a", records=[{"value": "1"}])
            state = await ask("broker.state")
            assert [(topic.name, topic.partitions[0].records) for topic in state.topics] == [("a", 1)]
            assert (state.groups, state.transactions, state.frozen) == ([], [], False)
            await _configured(ask)

    run(body)


async def _configured(ask: Hand) -> None:
    await ask("broker.configure", configs={"message.max.bytes": "2000"})
    assert ask.broker.config["message.max.bytes"] == 2000
    assert str(await refused(ask("broker.configure", configs={"listeners": "x"}))).startswith("INVALID_")
