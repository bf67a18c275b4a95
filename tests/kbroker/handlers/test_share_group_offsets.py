"""DescribeShareGroupOffsets, AlterShareGroupOffsets, DeleteShareGroupOffsets. Codes and sentences are those of Apache
Kafka 4.4.0.
"""

from typing import Any

from kbroker.catalog.state import NewPartitions
from tests.kbroker.handlers.share_desk import ShareDesk, acquired, at_a_share_desk
from tests.kbroker.handlers.test_share_fetch import begin
from tests.kbroker.virtual import settle
from wire.messages import alter_share_group_offsets as alter
from wire.messages import delete_share_group_offsets as delete
from wire.messages import describe_share_group_offsets as describe

ACCEPT, RELEASE = 1, 2
NOT_HERE = 3


async def told(desk: ShareDesk, group: str = "g", version: int = 1) -> dict[str, list[tuple[int, int, int]]]:
    """Partition, start and lag by topic."""
    asked = describe.DescribeShareGroupOffsetsRequestGroup(group_id=group, topics=None)
    (answer,) = (await desk.ask(describe.DescribeShareGroupOffsetsRequest(groups=[asked]), version)).groups
    assert (answer.error_code, answer.error_message) == (0, None)
    return {
        topic.topic_name: [(one.partition_index, one.start_offset, one.lag) for one in topic.partitions]
        for topic in answer.topics
    }


async def set_to(desk: ShareDesk, offset: int, *places: tuple[str, int], group: str = "g") -> Any:
    topics = [
        alter.AlterShareGroupOffsetsRequestTopic(
            topic_name=name,
            partitions=[alter.AlterShareGroupOffsetsRequestPartition(partition_index=index, start_offset=offset)],
        )
        for name, index in places
    ]
    return await desk.ask(alter.AlterShareGroupOffsetsRequest(group_id=group, topics=topics), 0)


async def forget(desk: ShareDesk, *names: str, group: str = "g") -> Any:
    topics = [delete.DeleteShareGroupOffsetsRequestTopic(topic_name=name) for name in names]
    return await desk.ask(delete.DeleteShareGroupOffsetsRequest(group_id=group, topics=topics), 0)


def test_start_and_lag_follow_what_is_acknowledged() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 10)
        assert await told(desk) == {"t": [(0, -1, -1), (1, -1, -1)]}, "nobody has read yet"
        await desk.fetch()
        await desk.acknowledge("m", (0, 3, [ACCEPT]))
        assert await told(desk) == {"t": [(0, 0, 6), (1, -1, -1)]}
        await desk.acknowledge("m", (6, 7, [ACCEPT]))
        assert await told(desk) == {"t": [(0, 4, 4), (1, -1, -1)]}
        await desk.produce(5)
        assert (await told(desk))["t"][0] == (0, 4, 9)
        assert (await told(desk, version=0))["t"][0] == (0, 4, -1), "version 0 knows no lag"
        assert await told(desk, "nobody") == {}

    at_a_share_desk(test)


def test_named_partitions_without_state_have_nothing_to_tell() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk)
        topics = [
            describe.DescribeShareGroupOffsetsRequestTopic(topic_name="t", partitions=[0, 7]),
            describe.DescribeShareGroupOffsetsRequestTopic(topic_name="none", partitions=[0]),
        ]
        asked = describe.DescribeShareGroupOffsetsRequestGroup(group_id="g", topics=topics)
        (answer,) = (await desk.ask(describe.DescribeShareGroupOffsetsRequest(groups=[asked]), 1)).groups
        found = [
            (topic.topic_name, one.partition_index, one.start_offset, one.lag, one.error_code)
            for topic in answer.topics
            for one in topic.partitions
        ]
        assert found == [("t", 0, -1, -1, 0), ("t", 7, -1, -1, 0), ("none", 0, -1, -1, 0)]

    at_a_share_desk(test)


def test_an_empty_group_is_set_to_an_offset_and_reads_from_there() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 10)
        await desk.fetch()
        await desk.acknowledge("m", (0, 9, [ACCEPT]))
        assert ((await set_to(desk, 4, ("t", 0))).error_code, (await forget(desk, "t")).error_code) == (68, 68)
        await desk.beat("m", -1)
        answer = await set_to(desk, 4, ("t", 0), ("t", 9), ("none", 0))
        found = [(one.error_code, one.partition_index) for topic in answer.responses for one in topic.partitions]
        assert (answer.error_code, found) == (0, [(0, 0), (NOT_HERE, 9), (NOT_HERE, 0)])
        assert (await told(desk))["t"][0] == (0, 4, 6)
        await desk.beat("m")
        assert acquired(await desk.fetch("n")) == [(4, 9, 1)]

    at_a_share_desk(test)


def test_setting_offsets_makes_a_group() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.produce(3)
        assert (await set_to(desk, 1, ("t", 0), group="new")).error_code == 0
        assert await told(desk, "new") == {"t": [(0, 1, 2)]}
        await desk.restart()
        assert await told(desk, "new") == {"t": [(0, 1, 2)]}
        await desk.join(group="classic")
        for answer in (await set_to(desk, 1, ("t", 0), group="classic"), await forget(desk, "t", group="classic")):
            assert (answer.error_code, answer.error_message) == (69, "Group classic is not a share group.")
        assert (await set_to(desk, 1, ("t", 0), group="")).error_code == 24

    at_a_share_desk(test)


def test_an_empty_group_forgets_topics() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 10)
        await desk.fetch()
        await desk.acknowledge("m", (0, 9, [ACCEPT]))
        await desk.beat("m", -1)
        answer = await forget(desk, "t", "u", "none")
        found = [(topic.topic_name, topic.error_code, topic.error_message) for topic in answer.responses]
        assert found[:2] == [("t", 0, None), ("u", 3, "There is no offset information to delete.")]
        assert found[2][:2] == ("none", NOT_HERE)
        assert await told(desk) == {}
        await desk.beat("m")
        assert acquired(await desk.fetch("n")) == [(0, 9, 1)], "from the beginning, as its config says"
        assert (await forget(desk, "t", group="nobody")).error_message == "Group nobody not found."

    at_a_share_desk(test)


def test_a_topic_that_is_deleted_is_forgotten_with_all_that_was_kept() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 3)
        await desk.fetch()
        old = ("g", desk.topic_id("t"), 0)
        await desk.acknowledge("m", (0, 2, [RELEASE]))
        await desk.cluster.catalog.delete_topics([desk.topic_id("t")])
        assert await told(desk) == {}
        assert await desk.cluster.shares.summary(old) is None
        await desk.restart()
        assert await told(desk) == {}

    at_a_share_desk(test)


def test_partitions_that_come_later_are_read_from_their_beginning() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.beat("m")  # share.auto.offset.reset is latest
        await desk.cluster.catalog.create_partitions([NewPartitions("t", 3)])
        await desk.produce(4, index=2)
        await desk.beat("m", 2)
        await settle()
        assert (await told(desk))["t"] == [(0, -1, -1), (1, -1, -1), (2, 0, 4)]

    at_a_share_desk(test)


