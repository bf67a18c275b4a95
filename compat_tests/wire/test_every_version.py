"""A whole life of a topic and a group, in one level of versions: the lowest of each API, the next, ... the newest.

sarama and other libraries use the versions of a configured release and not the newest that both sides have, so each
live version of each API must do its work, not only decode. Level n means version min + n of each API, or its newest
where it has fewer.
"""

from __future__ import annotations

from typing import Any

import pytest

from compat_tests.tools import Deadline, unique
from compat_tests.wire.connection import API, Connection, advertised, batch
from wire.batch import batches
from wire.records import iterate

LEVELS = 15  # Fetch has the most versions: 4 to 18
UNKNOWN_TOPIC_OR_PARTITION, COORDINATOR_NOT_AVAILABLE, MEMBER_ID_REQUIRED = 3, 15, 79
RETRIED = (UNKNOWN_TOPIC_OR_PARTITION, 5, 14, COORDINATOR_NOT_AVAILABLE, 16, 100)


class Life:
    """A client that uses one level of versions."""

    def __init__(self, connection: Connection, level: int) -> None:
        self.connection = connection
        self.level = level
        self.offered = advertised(connection)
        self.topic = unique("life")
        self.topic_id = bytes(16)
        self.group = unique("group")
        self.used: dict[str, int] = {}

    def version(self, name: str) -> int:
        """Produce is offered from 0 for librdkafka's sake, but lives from 3."""
        lowest, highest = self.offered[name]
        lowest = max(lowest, API[name].request_class().__versions__.low)
        self.used[name] = min(lowest + self.level, highest)
        return self.used[name]

    def ask(self, name: str, **tree: Any) -> Any:
        return self.connection.ask(name, self.version(name), **tree)

    @property
    def name_or_id(self) -> dict[str, Any]:
        """In requests by id the name is left out, by `ignorable`; the fitting of trees does it."""
        return {"name": self.topic, "topic": self.topic, "topic_id": self.topic_id}

    def settled(self, ask: Any, code: Any) -> Any:
        """Asks until the broker has caught up with itself (Kafka needs a moment after a creation)."""
        deadline = Deadline("the broker being ready")
        while code(answer := ask()) in RETRIED:
            deadline.check(answer)
        assert code(answer) == 0, answer
        return answer


@pytest.mark.parametrize("level", range(LEVELS))
def test_a_topic_and_a_group_live_in_each_level_of_versions(connection: Connection, level: int) -> None:
    life = Life(connection, level)
    create(life)
    produce_and_fetch(life)
    find_offsets(life)
    administer(life)
    join_commit_and_leave(life)
    end(life)


def create(life: Life) -> None:
    assert life.ask("ApiVersions", client_software_name="raw", client_software_version="1").error_code == 0
    topic = {
        "name": life.topic,
        "num_partitions": 1,
        "replication_factor": 1,
        "configs": [{"name": "retention.ms", "value": "100000000"}],
    }
    created = life.ask("CreateTopics", topics=[topic], timeout_ms=30_000)
    assert [result.error_code for result in created.topics] == [0]
    newest_version = API["Metadata"].request_class().__versions__.high
    answer = life.settled(
        lambda: life.connection.ask("Metadata", newest_version, topics=[{"name": life.topic}]),
        lambda answer: answer.topics[0].error_code,
    )
    life.topic_id = answer.topics[0].topic_id
    answer = life.ask("Metadata", topics=[{"name": life.topic}])
    (topic_there,) = answer.topics
    (partition,) = topic_there.partitions
    assert (topic_there.error_code, topic_there.name, partition.error_code) == (0, life.topic, 0)
    assert partition.leader_id in partition.replica_nodes and partition.isr_nodes == partition.replica_nodes
    brokers = [broker.node_id for broker in answer.brokers]
    assert partition.leader_id in brokers
    if life.used["Metadata"] >= 1:
        assert answer.controller_id in brokers
    if life.used["Metadata"] >= 2:
        assert answer.cluster_id
    assert life.ask("DescribeCluster").error_code == 0


def produce_and_fetch(life: Life) -> None:
    producer = life.settled(
        lambda: life.ask("InitProducerId", transactional_id=None, transaction_timeout_ms=60_000),
        lambda answer: answer.error_code,
    )
    assert (producer.producer_id >= 0, producer.producer_epoch) == (True, 0)
    for number, sequence in enumerate((0, 2, 2)):  # the third is the second again
        data = batch(b"a%d" % number, b"b", producer_id=producer.producer_id, producer_epoch=0, base_sequence=sequence)
        answer = life.ask(
            "Produce",
            transactional_id=None,
            acks=-1,
            timeout_ms=30_000,
            topic_data=[{**life.name_or_id, "partition_data": [{"index": 0, "records": bytes(data)}]}],
        )
        ((stored,),) = [topic.partition_responses for topic in answer.responses]
        assert (stored.error_code, stored.base_offset) == (0, (0, 2, 2)[number]), number
    partition = {"partition": 0, "fetch_offset": 1, "partition_max_bytes": 1 << 20}
    answer = life.ask(
        "Fetch",
        max_wait_ms=10_000,
        min_bytes=1,
        max_bytes=1 << 20,
        topics=[{**life.name_or_id, "partitions": [partition]}],
    )
    ((fetched,),) = [topic.partitions for topic in answer.responses]
    assert (fetched.error_code, fetched.high_watermark, fetched.last_stable_offset) == (0, 4, 4)
    assert fetched.aborted_transactions is None
    values = [record.value for one in batches(fetched.records) for record in iterate(one)]
    assert values == [b"a0", b"b", b"a1", b"b"], "from the batch that holds offset 1"


def find_offsets(life: Life) -> None:
    def offset(timestamp: int) -> int:
        partition = {"partition_index": 0, "timestamp": timestamp}
        answer = life.ask("ListOffsets", replica_id=-1, topics=[{"name": life.topic, "partitions": [partition]}])
        ((found,),) = [topic.partitions for topic in answer.topics]
        assert found.error_code == 0
        return int(found.offset)

    assert (offset(-2), offset(-1), offset(1)) == (0, 4, 0)
    partition = {"partition": 0, "leader_epoch": 0, "current_leader_epoch": -1}
    answer = life.ask("OffsetForLeaderEpoch", replica_id=-1, topics=[{"topic": life.topic, "partitions": [partition]}])
    ((found,),) = [topic.partitions for topic in answer.topics]
    assert (found.error_code, found.leader_epoch, found.end_offset) == (0, 0, 4)


def administer(life: Life) -> None:
    partition = {"partition_index": 0, "offset": 1}
    answer = life.ask("DeleteRecords", topics=[{"name": life.topic, "partitions": [partition]}], timeout_ms=30_000)
    ((deleted,),) = [topic.partitions for topic in answer.topics]
    assert (deleted.error_code, deleted.low_watermark) == (0, 1)
    answer = life.ask(
        "CreatePartitions", topics=[{"name": life.topic, "count": 2, "assignments": None}], timeout_ms=30_000
    )
    assert [result.error_code for result in answer.results] == [0]
    resource = {"resource_type": 2, "resource_name": life.topic, "configuration_keys": ["retention.ms"]}
    answer = life.ask("DescribeConfigs", resources=[resource])
    (described,) = answer.results
    assert (described.error_code, described.resource_name) == (0, life.topic)
    assert [(config.name, config.value) for config in described.configs] == [("retention.ms", "100000000")]
    answer = life.ask("DescribeTopicPartitions", topics=[{"name": life.topic}])
    assert [topic.error_code for topic in answer.topics] == [0]


def join_commit_and_leave(life: Life) -> None:
    def coordinator() -> Any:
        answer = life.ask("FindCoordinator", key=life.group, coordinator_keys=[life.group], key_type=0)
        return answer.coordinators[0] if life.used["FindCoordinator"] >= 4 else answer

    found = life.settled(coordinator, lambda answer: answer.error_code)
    assert found.port == life.connection.socket.getpeername()[1]

    member_id, joined = "", None
    for _ in range(2):
        joined = life.ask(
            "JoinGroup",
            group_id=life.group,
            session_timeout_ms=10_000,
            rebalance_timeout_ms=10_000,
            member_id=member_id,
            protocol_type="consumer",
            protocols=[{"name": "range", "metadata": b"mine"}],
        )
        member_id = joined.member_id
        requires_member_id = life.used["JoinGroup"] >= 4
        if not requires_member_id or joined.error_code != MEMBER_ID_REQUIRED:
            break
        assert member_id, "79 comes with the id to use"
    assert joined is not None
    assert (joined.error_code, joined.generation_id, joined.protocol_name) == (0, 1, "range")
    assert joined.leader == member_id
    assert [(member.member_id, member.metadata) for member in joined.members] == [(member_id, b"mine")]
    mine = {"group_id": life.group, "generation_id": 1, "member_id": member_id}
    synced = life.ask(
        "SyncGroup",
        **mine,
        protocol_type="consumer",
        protocol_name="range",
        assignments=[{"member_id": member_id, "assignment": b"yours"}],
    )
    assert (synced.error_code, synced.assignment) == (0, b"yours")
    assert life.ask("Heartbeat", **mine).error_code == 0
    partition = {"partition_index": 0, "committed_offset": 3, "committed_metadata": "note"}
    answer = life.ask(
        "OffsetCommit",
        group_id=life.group,
        generation_id_or_member_epoch=1,
        member_id=member_id,
        topics=[{**life.name_or_id, "partitions": [partition]}],
    )
    assert [one.error_code for topic in answer.topics for one in topic.partitions] == [0]
    look_at_the_group(life, member_id)
    left = life.ask("LeaveGroup", group_id=life.group, member_id=member_id, members=[{"member_id": member_id}])
    assert left.error_code == 0 and all(member.error_code == 0 for member in left.members)


def look_at_the_group(life: Life, member_id: str) -> None:
    wanted = {**life.name_or_id, "partition_indexes": [0, 1]}
    answer = life.ask(
        "OffsetFetch", group_id=life.group, topics=[wanted], groups=[{"group_id": life.group, "topics": [wanted]}]
    )
    topics = answer.groups[0].topics if life.used["OffsetFetch"] >= 8 else answer.topics
    found = {one.partition_index: (one.committed_offset, one.metadata, one.error_code) for one in topics[0].partitions}
    assert found == {0: (3, "note", 0), 1: (-1, "", 0)}
    (described,) = life.ask("DescribeGroups", groups=[life.group]).groups
    assert (described.error_code, described.group_state, described.protocol_data) == (0, "Stable", "range")
    (member,) = described.members
    assert (member.member_id, member.client_id, member.member_assignment) == (member_id, "raw", b"yours")
    listed = [group for group in life.ask("ListGroups").groups if group.group_id == life.group]
    assert [group.protocol_type for group in listed] == ["consumer"]


def end(life: Life) -> None:
    answer = life.ask(
        "OffsetDelete", group_id=life.group, topics=[{"name": life.topic, "partitions": [{"partition_index": 0}]}]
    )
    assert answer.error_code == 0
    assert [one.error_code for topic in answer.topics for one in topic.partitions] == [0]
    assert [result.error_code for result in life.ask("DeleteGroups", groups_names=[life.group]).results] in ([0], [69])
    answer = life.ask(
        "DeleteTopics",
        topics=[{"name": life.topic}],
        topic_names=[life.topic],
        timeout_ms=30_000,
    )
    assert [result.error_code for result in answer.responses] == [0]


def test_the_levels_reach_every_version_that_is_offered(connection: Connection) -> None:
    """Fails when an API has more versions than there are levels."""
    for name, (lowest, highest) in advertised(connection).items():
        lowest = max(lowest, API[name].request_class().__versions__.low)
        assert highest - lowest < LEVELS, name
