"""DescribeLogDirs: true sizes, of what this broker holds."""

import pytest

from kbroker.catalog import NewTopic, Topic
from storage.engine import LogOptions, Write
from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.describe_log_dirs import DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResult
from wire.records import Record, build_batch


async def described(desk: Desk, *topics: tuple[str, list[int]], version: int = 5, node: int = 1) -> dict[str, object]:
    asked = [DescribableLogDirTopic(topic=name, partitions=indexes) for name, indexes in topics]
    response = await desk.ask(DescribeLogDirsRequest(topics=asked if topics else None), version, node=node)
    assert response.error_code == 0
    (result,) = response.results
    assert (result.error_code, result.log_dir, result.is_cordoned) == (0, "memory", False)
    return sizes(result)


def sizes(result: DescribeLogDirsResult) -> dict[str, object]:
    assert not any(one.offset_lag or one.is_future_key for topic in result.topics for one in topic.partitions)
    topics = result.topics
    return {topic.name: {one.partition_index: one.partition_size for one in topic.partitions} for topic in topics}


async def written(desk: Desk, topic: Topic, index: int) -> int:
    batch = build_batch([Record(b"k", b"v")], timestamp=1)
    await desk.cluster.engine.create([(topic.log(index), LogOptions())])
    await desk.cluster.engine.append([Write(topic.log(index), 0, [batch])])
    return len(batch)


@pytest.mark.parametrize("version", versions("describe_log_dirs"))
def test_each_partition_has_the_size_that_it_has_on_disk(version: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", 2), NewTopic("b")])
        topic = desk.cluster.catalog.topic("a")
        assert topic is not None
        size = await written(desk, topic, 1)
        assert await described(desk, version=version) == {"a": {0: 0, 1: size}, "b": {0: 0}}

    at_a_desk(test)


def test_what_is_not_there_or_not_asked_for_is_left_out() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", 3), NewTopic("b")])
        assert await described(desk, ("a", [1, 7, 1]), ("b", []), ("no", [0])) == {"a": {1: 0}}
        response = await desk.ask(DescribeLogDirsRequest(topics=[]), 5)
        assert [sizes(result) for result in response.results] == [{}]

    at_a_desk(test)


def test_a_node_tells_of_what_it_holds() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", assignments=[(0, [1]), (1, [2]), (2, [1])])])
        assert await described(desk, node=1) == {"a": {0: 0, 2: 0}}
        assert await described(desk, node=2) == {"a": {1: 0}}

    at_a_desk(test, nodes=(1, 2))


@pytest.mark.parametrize("version", versions("describe_log_dirs"))
def test_who_may_not_know_gets_nothing(version: int) -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("DESCRIBE", "CLUSTER", "kafka-cluster")}
        response = await desk.ask(DescribeLogDirsRequest(topics=None), version)
        assert (response.error_code, response.results) == (31 if version >= 3 else 0, [])

    at_a_desk(test)
