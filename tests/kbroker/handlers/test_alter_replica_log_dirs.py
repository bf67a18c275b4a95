"""AlterReplicaLogDirs: there is one directory, and everything is in it."""

import pytest

from kbroker.catalog import NewTopic
from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)

Answers = list[tuple[str, int, int]]


async def move(desk: Desk, *dirs: tuple[str, dict[str, list[int]]], version: int = 2, node: int = 1) -> Answers:
    request = AlterReplicaLogDirsRequest(
        dirs=[
            AlterReplicaLogDir(
                path=path, topics=[AlterReplicaLogDirTopic(name=name, partitions=ids) for name, ids in topics.items()]
            )
            for path, topics in dirs
        ]
    )
    results = (await desk.ask(request, version, node=node)).results
    return [(one.topic_name, each.partition_index, each.error_code) for one in results for each in one.partitions]


@pytest.mark.parametrize("version", versions("alter_replica_log_dirs"))
def test_what_is_there_already_is_moved_there_and_nothing_anywhere_else(version: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a"), NewTopic("p", 2)])
        asked = {"p": [9, 1], "a": [0], "no": [0]}
        assert await move(desk, ("memory", asked), version=version) == [
            ("a", 0, 0), ("no", 0, 3), ("p", 1, 0), ("p", 9, 3),
        ]  # fmt: skip
        assert {code for _, _, code in await move(desk, ("/no/such", asked), version=version)} == {57}
        assert await move(desk, ("memory", {"a": [0]}), ("/no/such", {"a": [0]}), version=version) == [("a", 0, 57)]
        assert await move(desk, version=version) == []

    at_a_desk(test)


def test_a_replica_of_another_node_is_not_here_and_who_may_not_is_told_for_each() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", assignments=[(0, [2])])])
        assert await move(desk, ("memory", {"a": [0]})) == [("a", 0, 9)]
        desk.denied = {("ALTER", "CLUSTER", "kafka-cluster")}
        assert await move(desk, ("memory", {"a": [0]}), ("/other", {"a": [1]})) == [("a", 0, 31), ("a", 1, 31)]

    at_a_desk(test, nodes=(1, 2))
