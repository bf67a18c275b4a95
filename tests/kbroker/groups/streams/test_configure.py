"""The topology meets the topics that there are: numbers of tasks, internal topics, and what is wrong."""

from __future__ import annotations

import pytest

from kbroker.groups.consumer.metadata import Metadata, TopicPicture
from kbroker.groups.streams.configure import Configured, check, configure
from kbroker.groups.streams.states import Status
from kbroker.groups.streams.topology import Topology
from wire.errors import ErrorCode, KafkaError
from wire.messages.streams_group_heartbeat import Subtopology

from .applications import internal, subtopology, topology


def picture(**topics: int) -> Metadata:
    names = {name.replace("_", "-"): partitions for name, partitions in topics.items()}
    return Metadata([TopicPicture(name.encode(), name, partitions) for name, partitions in names.items()])


def configured(*subtopologies: Subtopology, **topics: int) -> Configured:
    return configure(Topology.of_wire(topology(*subtopologies)), picture(**topics))


def tasks(found: Configured) -> dict[str, int]:
    assert found.subtopologies is not None
    return {name: each.tasks for name, each in found.subtopologies.items()}


def missing(found: Configured) -> dict[str, int]:
    return {topic.name: topic.partitions for topic in found.missing}


def problem(found: Configured) -> tuple[Status, str]:
    assert found.problem is not None
    return found.problem


def test_a_subtopology_has_a_task_for_each_partition_of_its_largest_input() -> None:
    found = configured(subtopology("0", "a", "b"), subtopology("1", "b"), a=3, b=5)
    assert (tasks(found), found.problem) == ({"0": 5, "1": 5}, None)


def test_changelogs_have_a_partition_for_each_task() -> None:
    found = configured(subtopology("0", "a", changelogs=[internal("c", cleanup_policy="compact")]), a=3)
    assert missing(found) == {"c": 3}
    assert found.missing[0].configs == (("cleanup_policy", "compact"),)


def test_repartition_topics_are_as_large_as_what_their_writer_reads_through_all_of_them() -> None:
    found = configured(
        subtopology("0", "a", sinks=["r1"]),
        subtopology("1", repartition=[internal("r1")], sinks=["r2"]),
        subtopology("2", repartition=[internal("r2")], changelogs=[internal("c")]),
        a=4,
    )
    assert missing(found) == {"r1": 4, "r2": 4, "c": 4}
    assert tasks(found) == {"0": 4, "1": 4, "2": 4}


def test_a_repartition_topic_can_have_a_number_of_its_own() -> None:
    found = configured(subtopology("0", "a", sinks=["r"]), subtopology("1", repartition=[internal("r", 7)]), a=4)
    assert (missing(found), tasks(found)) == ({"r": 7}, {"0": 4, "1": 7})


def test_topics_read_side_by_side_must_be_alike() -> None:
    found = configured(subtopology("0", "a", "b", side_by_side=[([0, 1], [])]), a=2, b=3)
    assert problem(found) == (
        Status.INCORRECTLY_PARTITIONED_TOPICS,
        "Following topics do not have the same number of partitions: [{a=2, b=3}]",
    )
    assert found.subtopologies is None


def test_a_repartition_topic_beside_a_source_topic_takes_its_number() -> None:
    found = configured(
        subtopology("0", "big", sinks=["r"]),
        subtopology("1", "a", repartition=[internal("r")], side_by_side=[([0], [0])]),
        big=9,
        a=2,
    )
    assert (missing(found), tasks(found)) == ({"r": 2}, {"0": 9, "1": 2})


def test_one_with_another_number_of_its_own_cannot_stand_beside_it() -> None:
    found = configured(
        subtopology("0", "a", sinks=["r"]),
        subtopology("1", "a", repartition=[internal("r", 3)], side_by_side=[([0], [0])]),
        a=2,
    )
    assert problem(found) == (
        Status.INCORRECTLY_PARTITIONED_TOPICS,
        "Number of partitions [3] of repartition topic [r] doesn't match number of partitions [2] of the source topic.",
    )


@pytest.mark.parametrize(("one", "other", "both"), [(0, 0, 6), (3, 0, 3), (0, 3, 3), (3, 3, 3)])
def test_repartition_topics_side_by_side_take_the_number_that_is_said_or_the_largest(
    one: int, other: int, both: int
) -> None:
    found = configured(
        subtopology("0", "a", sinks=["r"]),
        subtopology("1", "b", sinks=["s"]),
        subtopology("2", repartition=[internal("r", one), internal("s", other)], side_by_side=[([], [0, 1])]),
        a=2,
        b=6,
    )
    assert missing(found) == {"r": both, "s": both}


def test_an_internal_topic_that_is_there_must_be_as_it_would_be_made() -> None:
    found = configured(subtopology("0", "a", changelogs=[internal("c")]), a=3, c=2)
    assert problem(found) == (
        Status.INCORRECTLY_PARTITIONED_TOPICS,
        "Existing topic c has different number of partitions: expected 3, found 2",
    )


def test_of_many_missing_topics_three_are_named() -> None:
    found = configured(subtopology("0", "e", "d", "c", "b", "a"), a=1)
    assert problem(found) == (
        Status.MISSING_SOURCE_TOPICS,
        "Source topics b, c, d and 1 additional topics are missing.",
    )
    assert found.missing == ()


@pytest.mark.parametrize(
    "broken",
    [
        [subtopology("0", repartition=[internal("r")])],  # nobody writes it
        [subtopology("0", repartition=[internal("r")], sinks=["r"])],  # a loop
        [subtopology("0", changelogs=[internal("c")])],  # nothing to read
    ],
)
def test_what_no_topic_could_mend_is_an_invalid_topology(broken: list[Subtopology]) -> None:
    with pytest.raises(KafkaError) as refused:
        configured(*broken, a=1)
    assert refused.value.code is ErrorCode.STREAMS_INVALID_TOPOLOGY


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (topology(subtopology("0", "a", changelogs=[internal("c", 3)])), ErrorCode.STREAMS_INVALID_TOPOLOGY),
        (topology(subtopology("0", "a", repartition=[internal("r", -1)])), ErrorCode.STREAMS_INVALID_TOPOLOGY),
        (topology(subtopology("0", "a", side_by_side=[([1], [])])), ErrorCode.STREAMS_INVALID_TOPOLOGY),
        (topology(subtopology("0", "a", side_by_side=[([], [-1])])), ErrorCode.STREAMS_INVALID_TOPOLOGY),
        (topology(subtopology("0", "a"), epoch=-1), ErrorCode.STREAMS_INVALID_TOPOLOGY_EPOCH),
    ],
)
def test_what_can_be_seen_without_topics_is_refused_at_the_door(broken: object, code: ErrorCode) -> None:
    with pytest.raises(KafkaError) as refused:
        check(Topology.of_wire(broken))
    assert refused.value.code is code


def test_a_topology_comes_out_of_the_log_as_it_was_brought() -> None:
    brought = Topology.of_wire(
        topology(
            subtopology("1", "a", sinks=["r"], changelogs=[internal("c", x="y")]),
            subtopology("0", "a", repartition=[internal("r", 2)], side_by_side=[([0], [0])]),
            epoch=3,
        )
    )
    assert Topology.of_wire(brought.value()) == brought
    assert brought.required_topics() == {"a", "r", "c"}
    assert brought.readers() == {"a": "0", "r": "0"}
