"""DescribeQuorum: a quorum of one, true in its offsets and its term."""

import pytest

from kbroker.catalog import NewTopic
from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.describe_quorum import DescribeQuorumRequest, RequestPartitionData, RequestTopicData
from wire.primitives import ZERO_UUID


def question(*topics: tuple[str, list[int]]) -> DescribeQuorumRequest:
    return DescribeQuorumRequest(
        topics=[
            RequestTopicData(topic_name=name, partitions=[RequestPartitionData(partition_index=one) for one in ids])
            for name, ids in topics
        ]
    )


@pytest.mark.parametrize("version", versions("describe_quorum"))
def test_the_controller_votes_alone_and_is_caught_up(version: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a")])
        response = await desk.ask(question(("__cluster_metadata", [0])), version, node=2)
        assert response.error_code == 0
        ((partition,),) = [topic.partitions for topic in response.topics]
        end = desk.cluster.catalog.end
        assert end > 0
        assert (partition.error_code, partition.leader_id, partition.leader_epoch) == (0, 1, 1)
        assert partition.high_watermark == end
        assert [(one.replica_id, one.log_end_offset) for one in partition.current_voters] == [(1, end)]
        assert [(one.replica_id, one.log_end_offset) for one in partition.observers] == [(2, end)]
        now = desk.world.time_ms() if version >= 1 else -1
        assert {one.last_caught_up_timestamp for one in partition.current_voters + partition.observers} == {now}
        if version >= 2:
            ids = [one.replica_directory_id for one in partition.current_voters + partition.observers]
            assert ZERO_UUID not in ids
            assert len(set(ids)) == 2
            (node,) = response.nodes
            assert [(one.name, one.host, one.port) for one in node.listeners] == [("PLAINTEXT", "host1", 9001)]

    at_a_desk(test, nodes=(1, 2))


@pytest.mark.parametrize(
    "topics",
    [
        [("__cluster_metadata", [1])],
        [("a", [0])],
        [("__cluster_metadata", [0, 1])],
        [("__cluster_metadata", [0]), ("a", [0])],
        [],
    ],
)
def test_anything_else_is_not_hosted_here(topics: list[tuple[str, list[int]]]) -> None:
    async def test(desk: Desk) -> None:
        response = await desk.ask(question(*topics), 2)
        assert (response.error_code, response.error_message, response.nodes) == (0, "", [])
        answered = [(topic.topic_name, [one.partition_index for one in topic.partitions]) for topic in response.topics]
        assert answered == topics
        partitions = [partition for topic in response.topics for partition in topic.partitions]
        assert {(one.error_code, one.error_message) for one in partitions} <= {
            (3, "This server does not host this topic-partition."),
        }  # fmt: skip

    at_a_desk(test)


def test_who_may_not_know_is_told_so() -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("DESCRIBE", "CLUSTER", "kafka-cluster")}
        assert (await desk.ask(question(("__cluster_metadata", [0])), 2)).error_code == 31

    at_a_desk(test)
