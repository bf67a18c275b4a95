"""Reset, snapshot and restore: data comes back, counters never go back."""

from pathlib import Path
from typing import Any

import pytest

from kbroker.control.table import ControlError
from tests.kbroker.control.controlling import Hand, controlling
from tests.kbroker.control.test_clock import coordinator, join
from tests.kbroker.control.test_history import metadata
from tests.kbroker.running import Client, run
from wire.errors import ErrorCode
from wire.messages.init_producer_id import InitProducerIdRequest
from wire.messages.metadata import MetadataRequest
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest


def places(body: Any) -> Any:
    """Run it in memory and on disk."""

    @pytest.mark.parametrize("on_disk", [False, True], ids=["memory", "disk"])
    def in_both_places(on_disk: bool, tmp_path: Path) -> None:
        async def whole() -> None:
            configs = {"kbroker.memory": "false", "log.dirs": str(tmp_path)} if on_disk else {}
            async with controlling(history_bytes=1 << 20, **configs) as ask:
                try:
                    await body(ask)
                finally:
                    ask.control.close()

        run(whole)

    in_both_places.__doc__ = body.__doc__
    return in_both_places


async def values(ask: Hand, topic: str = "t") -> list[bytes | None]:
    return [record.value for record in await ask("records.read", topic=topic)]


async def write(ask: Hand, *texts: str, topic: str = "t") -> None:
    await ask("records.produce", topic=topic, records=[{"value": text} for text in texts])


async def producer_id(client: Client, name: str | None = None) -> tuple[int, int]:
    if name is not None:
        await coordinator(client, name, 1)
    request = InitProducerIdRequest(transactional_id=name, transaction_timeout_ms=60_000)
    while (made := await client.ask(request, 3)).error_code:
        assert made.error_code in (14, 15, 16)
    return made.producer_id, made.producer_epoch


async def commit(client: Client, member: str, generation: int, offset: int) -> int:
    partition = OffsetCommitRequestPartition(partition_index=0, committed_offset=offset, committed_metadata="")
    request = OffsetCommitRequest(
        group_id="g",
        generation_id_or_member_epoch=generation,
        member_id=member,
        topics=[OffsetCommitRequestTopic(name="t", partitions=[partition])],
    )
    return int((await client.ask(request, 7)).topics[0].partitions[0].error_code)


@places
async def test_a_reset_forgets_everything_and_keeps_the_port(ask: Hand) -> None:
    await write(ask, "1")
    client = await ask.connect()
    await join(client)
    before = (await producer_id(client), (await ask("broker.info")).cluster_id, list(ask.broker.bound))
    await ask("faults.install", effect={"hold": True}, match={"client_id": "nobody"})
    await ask("data.reset")
    assert await client.is_closed()
    assert await ask("topics.list", internal=True) == []
    assert await ask("groups.list") == []
    assert await ask("faults.list") == []
    assert await ask("requests.list") == []
    client = await ask.connect()
    after = await producer_id(client)
    assert after[0] > before[0][0], "producer ids go on"
    assert ((await ask("broker.info")).cluster_id, ask.broker.bound) == before[1:]
    await write(ask, "2")
    assert await values(ask) == [b"2"]
    assert (await ask("topics.get", name="t")).partitions[0].leader_epoch > 0, "and so do leader epochs"


@places
async def test_a_reset_can_keep_the_topics(ask: Hand) -> None:
    made = await ask("topics.create", name="t", partitions=2, configs={"retention.ms": "5"})
    await write(ask, "1")
    await ask("data.reset", keep="topics")
    kept = await ask("topics.get", name="t")
    assert (kept.id, kept.configs, len(kept.partitions)) == (made.id, made.configs, 2)
    assert await values(ask) == []
    assert all(partition.leader_epoch > 0 for partition in kept.partitions)
    await write(ask, "2")
    assert await values(ask) == [b"2"]
    with pytest.raises(ControlError, match='keep is "topics" or empty'):
        await ask("data.reset", keep="records")


@places
async def test_what_was_kept_comes_back_as_often_as_one_likes(ask: Hand) -> None:
    await write(ask, "1", "2")
    client = await ask.connect()
    member = await join(client)
    assert await commit(client, member, 1, 1) == ErrorCode.NONE
    kept = await ask("data.snapshot")
    topic = await ask("topics.get", name="t")
    last_epoch, last_generation = 0, (await ask("groups.get", group="g")).epoch
    for _ in range(2):
        await write(ask, "3")
        await write(ask, "x", topic="other")
        await ask("data.restore", snapshot=kept)
        assert await values(ask) == [b"1", b"2"]
        assert [each.name for each in await ask("topics.list")] == ["t"]
        again = await ask("topics.get", name="t")
        group = await ask("groups.get", group="g")
        assert again.id == topic.id
        assert again.partitions[0].leader_epoch > last_epoch
        assert (group.state, group.members, group.offsets[0].offset) == ("Empty", [], 1)
        assert group.epoch > last_generation
        last_epoch, last_generation = again.partitions[0].leader_epoch, group.epoch
    await ask("data.forget", snapshot=kept)
    with pytest.raises(ControlError, match=f"there is no snapshot {kept}; there are none"):
        await ask("data.restore", snapshot=kept)


async def share(client: Client, member: str) -> tuple[int, list[int]]:
    """A member joins a share group: its epoch, and the partitions that it is given."""
    await coordinator(client, "shared", 0)
    request = ShareGroupHeartbeatRequest(
        group_id="shared", member_id=member, member_epoch=0, subscribed_topic_names=["t"]
    )
    while (joined := await client.ask(request, 1)).error_code:
        assert joined.error_code in (14, 15, 16)
    given = [index for topic in joined.assignment.topic_partitions for index in topic.partitions]
    return joined.member_epoch, given


@places
async def test_nobody_is_in_a_share_group_that_comes_back(ask: Hand) -> None:
    await ask("topics.create", name="t", partitions=2)
    epoch, given = await share(await ask.connect(), "before")
    assert given == [0, 1]
    kept = await ask("data.snapshot")
    for number in range(2):
        await ask("data.restore", snapshot=kept)
        later, given = await share(await ask.connect(), f"after{number}")
        assert (given, later > epoch) == ([0, 1], True)


@places
async def test_nobody_is_in_a_streams_group_that_comes_back(ask: Hand) -> None:
    from tests.kbroker.control.test_forcing import streams

    await ask("topics.create", name="in", partitions=2)
    client = await ask.connect()
    await coordinator(client, "app", 0)
    epoch = (await streams(client)).member_epoch
    kept = await ask("data.snapshot")
    for number in range(2):
        await ask("data.restore", snapshot=kept)
        group = await ask("groups.get", group="app")
        assert (group.members, group.epoch > epoch) == ([], True)
        client = await ask.connect()
        await coordinator(client, "app", 0)
        told = await streams(client, member=f"after{number}")
        assert [len(each.partitions) for each in told.active_tasks] == [2]
        assert told.member_epoch > epoch
        epoch = told.member_epoch


@places
async def test_transactional_producers_are_remembered(ask: Hand) -> None:
    client = await ask.connect()
    first = await producer_id(client, "tx")
    await ask("data.reset")
    found = await ask("transactions.get", transactional_id="tx")
    assert (found.state, found.producer_id, found.epoch) == ("Empty", *first)
    client = await ask.connect()
    assert await producer_id(client, "tx") == (first[0], first[1] + 1)


@places
async def test_who_was_there_does_not_make_topics_again_by_asking(ask: Hand) -> None:
    def wish(name: str) -> MetadataRequest:
        request = metadata(name)
        request.allow_auto_topic_creation = True
        return request

    client = await ask.connect()
    await client.ask(wish("t"), 12)
    await ask("data.reset")
    client = await ask.connect()
    assert (await client.ask(wish("t"), 12)).topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert (await client.ask(wish("new"), 12)).topics[0].error_code == ErrorCode.NONE
    client.send(wish("t"), 12, client_id="somebody else")
    assert (await client.receive()).topics[0].error_code == ErrorCode.NONE
    await ask("data.reset")
    await ask("data.allow_auto_create")
    client = await ask.connect()
    assert (await client.ask(wish("t"), 12)).topics[0].error_code == ErrorCode.NONE
