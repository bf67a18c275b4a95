"""OffsetFetch, in every version."""

import pytest

from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)


@pytest.mark.parametrize("version", versions("offset_fetch"))
def test_what_was_committed_is_fetched_and_the_rest_is_minus_one(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.commit({("t", 0): 5})
        assert await desk.fetch({"t": [0, 1, 9], "u": [0]}, version) == {
            ("t", 0): (5, 0), ("t", 1): (-1, 0), ("t", 9): (-1, 0), ("u", 0): (-1, 0),
        }  # fmt: skip
        assert await desk.fetch({"t": [0]}, version, group="nobody") == {("t", 0): (-1, 0)}
        if version >= 2:
            assert await desk.fetch(None, version) == {("t", 0): (5, 0)}
            assert await desk.fetch(None, version, group="nobody") == {}

    among_groups(test)


@pytest.mark.parametrize("version", [version for version in versions("offset_fetch") if version >= 8])
def test_each_group_is_answered_for_itself(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.commit({("t", 0): 5}, group="one")
        desk.denied = {("DESCRIBE", "GROUP", "secret")}
        groups = [OffsetFetchRequestGroup(group_id=name, topics=None) for name in ("one", "secret", "", "one")]
        answer = await desk.ask(OffsetFetchRequest(groups=groups), version)
        assert [(group.group_id, group.error_code, len(group.topics)) for group in answer.groups] == [
            ("one", 0, 1), ("secret", 30, 0), ("", 0, 0), ("one", 0, 1),
        ]  # fmt: skip

    among_groups(test)


def test_an_id_that_nobody_has_is_an_error_and_a_deleted_topic_is_left_out() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.commit({("t", 0): 5, ("u", 0): 6})
        topics = [
            OffsetFetchRequestTopics(name="", topic_id=b"m" * 16, partition_indexes=[0, 1]),
            OffsetFetchRequestTopics(name="", topic_id=desk.topic_id("t"), partition_indexes=[0]),
        ]
        request = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id="g", topics=topics)])
        answer = (await desk.ask(request, 10)).groups[0]
        found = {
            each.topic_id: [(one.committed_offset, one.error_code) for one in each.partitions] for each in answer.topics
        }
        assert found == {b"m" * 16: [(-1, 100), (-1, 100)], desk.topic_id("t"): [(5, 0)]}

    among_groups(test)


def test_topics_that_may_not_be_described_are_hidden() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.commit({("t", 0): 5, ("u", 0): 6})
        desk.denied = {("DESCRIBE", "TOPIC", "u")}
        assert await desk.fetch({"t": [0], "u": [0]}) == {("t", 0): (5, 0), ("u", 0): (-1, 29)}
        assert await desk.fetch(None) == {("t", 0): (5, 0)}

    among_groups(test)


@pytest.mark.parametrize("version", range(1, 8))
def test_an_error_of_the_group_stands_at_the_top_from_version_2_on(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        desk.denied = {("DESCRIBE", "GROUP", "g")}
        topics = [OffsetFetchRequestTopic(name="t", partition_indexes=[0])]
        answer = await desk.ask(OffsetFetchRequest(group_id="g", topics=topics, groups=[]), version)
        if version >= 2:
            assert (answer.error_code, answer.topics) == (30, [])
        else:
            assert [one.error_code for one in answer.topics[0].partitions] == [30]

    among_groups(test)


def test_leader_epochs_and_metadata_come_back() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.commit({("t", 0): 5}, metadata="mine")
        request = OffsetFetchRequest(
            group_id="g", topics=[OffsetFetchRequestTopic(name="t", partition_indexes=[0, 1])], groups=[]
        )
        (topic,) = (await desk.ask(request, 7)).topics
        assert [(one.metadata, one.committed_leader_epoch) for one in topic.partitions] == [("mine", -1), ("", -1)]

    among_groups(test)
