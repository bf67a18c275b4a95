"""OffsetCommit, in every version."""

import pytest

from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from tests.kbroker.virtual import passed
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)


@pytest.mark.parametrize("version", versions("offset_commit"))
def test_a_member_commits_and_the_offset_is_there_after_a_crash(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        member, generation = await desk.member()
        by = {"member_id": member, "generation_id_or_member_epoch": generation}
        key = desk.topic_id("t") if version >= 10 else "t"
        assert await desk.commit({("t", 0): 5, ("t", 1): 6}, version, **by) == {(key, 0): 0, (key, 1): 0}
        desk.restart_groups()
        assert await desk.fetch({"t": [0, 1]}) == {("t", 0): (5, 0), ("t", 1): (6, 0)}

    among_groups(test)


@pytest.mark.parametrize("version", versions("offset_commit"))
def test_topics_that_are_not_there_are_refused_and_the_rest_is_committed(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        by_id = version >= 10
        desk.denied = {("READ", "TOPIC", "u")}

        def topic(name: str, topic_id: bytes, *indexes: int) -> OffsetCommitRequestTopic:
            partitions = [
                OffsetCommitRequestPartition(partition_index=index, committed_offset=7, committed_metadata=None)
                for index in indexes
            ]
            name, topic_id = ("", topic_id) if by_id else (name, bytes(16))
            return OffsetCommitRequestTopic(name=name, topic_id=topic_id, partitions=partitions)

        topics = [
            topic("t", desk.topic_id("t"), 9, 0),
            topic("u", desk.topic_id("u"), 0),
            topic("missing", b"m" * 16, 0),
        ]
        answer = await desk.ask(OffsetCommitRequest(group_id="g", member_id="", topics=topics), version)
        codes = {
            (each.topic_id if by_id else each.name): {one.partition_index: one.error_code for one in each.partitions}
            for each in answer.topics
        }
        if by_id:
            assert codes == {desk.topic_id("t"): {9: 3, 0: 0}, desk.topic_id("u"): {0: 29}, b"m" * 16: {0: 100}}
        else:
            assert codes == {"t": {9: 3, 0: 0}, "u": {0: 29}, "missing": {0: 3}}
        assert await desk.fetch({"t": [0]}) == {("t", 0): (7, 0)}

    among_groups(test)


@pytest.mark.parametrize("version", versions("offset_commit"))
def test_a_generation_of_a_group_that_is_not_there(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        codes = await desk.commit({("t", 0): 5}, version, member_id="m", generation_id_or_member_epoch=3)
        assert list(codes.values()) == [69 if version >= 9 else 22]

    among_groups(test)


@pytest.mark.parametrize("version", versions("offset_commit"))
def test_nobody_commits_for_a_group_with_members(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.member()
        assert list((await desk.commit({("t", 0): 5}, version)).values()) == [25]
        assert list((await desk.commit({("t", 0): 5}, version, group="")).values()) == [0]

    among_groups(test)


def test_only_old_versions_bring_a_retention_time_of_their_own() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.commit({("t", 0): 5}, 4, retention_time_ms=1000)
        await desk.commit({("t", 1): 5}, 5)
        await passed(600)
        assert await desk.fetch({"t": [0, 1]}) == {("t", 0): (-1, 0), ("t", 1): (5, 0)}

    among_groups(test)


def test_metadata_has_a_limit_that_counts_characters() -> None:
    async def test(desk: GroupDesk) -> None:
        assert await desk.commit({("t", 0): 5}, metadata="é" * 8) == {("t", 0): 0}
        assert await desk.commit({("t", 0): 6}, metadata="é" * 9) == {("t", 0): 12}
        assert await desk.fetch({"t": [0]}) == {("t", 0): (5, 0)}

    among_groups(test, config={"offset.metadata.max.bytes": "8"})


def test_without_partitions_there_is_nothing_to_do() -> None:
    async def test(desk: GroupDesk) -> None:
        assert await desk.commit({}) == {}
        desk.denied = {("READ", "GROUP", "g")}
        assert await desk.commit({("t", 0): 5}) == {("t", 0): 30}

    among_groups(test)


def test_a_node_that_does_not_coordinate_the_group_refuses_every_partition() -> None:
    async def test(desk: GroupDesk) -> None:
        index = desk.cluster.groups.coordinator("g")
        leader, _ = desk.cluster.catalog.leader("__consumer_offsets", index)
        partition = OffsetCommitRequestPartition(partition_index=0, committed_offset=1, committed_metadata="")
        topic = OffsetCommitRequestTopic(name="t", topic_id=bytes(16), partitions=[partition])
        answer = await desk.ask(OffsetCommitRequest(group_id="g", member_id="", topics=[topic]), 9, node=3 - leader)
        assert [(each.name, [one.error_code for one in each.partitions]) for each in answer.topics] == [("t", [16])]

    among_groups(test, nodes=(1, 2))
