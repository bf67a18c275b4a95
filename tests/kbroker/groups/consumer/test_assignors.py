"""The assignors, held to what they promise: complete, nobody twice, balanced, sticky, and ranges side by side."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.groups.consumer.assignment import Assignment, size
from kbroker.groups.consumer.assignors import ASSIGNORS, Subscriber
from kbroker.groups.consumer.assignors.range import assign_ranges
from kbroker.groups.consumer.assignors.uniform import assign_uniformly

T, U, V = (name.encode() * 16 for name in "tuv")
COUNTS = st.fixed_dictionaries({topic: st.integers(0, 9) for topic in (T, U, V)})
TOPICS = st.frozensets(st.sampled_from([T, U, V]))
EVERY = pytest.mark.parametrize("assign", ASSIGNORS.values(), ids=ASSIGNORS)


def everyone(
    topics: frozenset[bytes] | set[bytes], *names: str, targets: Mapping[str, Assignment] | None = None
) -> dict[str, Subscriber]:
    return {name: Subscriber(frozenset(topics), (targets or {}).get(name, {})) for name in names}


@st.composite
def groups(draw: st.DrawFn, same: bool | None = None) -> dict[str, Subscriber]:
    """Members with what they had: of topics that they may not read any more, and of partitions that are gone."""
    count = draw(st.integers(1, 6))
    alike = draw(st.booleans()) if same is None else same
    topics = draw(TOPICS)
    taken: set[tuple[bytes, int]] = set()
    members = {}
    for at in range(count):
        wanted = topics if alike else draw(TOPICS)
        before: dict[bytes, frozenset[int]] = {}
        for topic in (T, U, V):
            mine = frozenset(
                [i for i in draw(st.frozensets(st.integers(0, 11), max_size=5)) if (topic, i) not in taken]
            )
            taken |= {(topic, index) for index in mine}
            if mine:
                before[topic] = mine
        instance = f"i{9 - at}" if draw(st.booleans()) else None
        members[f"m{at}"] = Subscriber(wanted, before, instance)
    return members


@EVERY
@settings(max_examples=150)
@given(members=groups(), counts=COUNTS)
def test_every_partition_that_is_read_is_given_to_exactly_one_of_its_readers(
    assign: object, members: dict[str, Subscriber], counts: dict[bytes, int]
) -> None:
    given_to = assign(members, counts)  # type: ignore[operator]
    assert given_to.keys() == members.keys()
    owners: dict[tuple[bytes, int], str] = {}
    for name, assignment in given_to.items():
        assert assignment.keys() <= members[name].topics
        assert all(assignment.values()), "a topic without partitions is left out"
        for topic, partitions in assignment.items():
            for index in partitions:
                assert (topic, index) not in owners
                owners[topic, index] = name
    read = {topic for member in members.values() for topic in member.topics}
    assert owners.keys() == {(topic, index) for topic in read for index in range(counts[topic])}


@settings(max_examples=200)
@given(members=groups(same=True), counts=COUNTS)
def test_uniform_differs_by_at_most_one_where_all_read_the_same(
    members: dict[str, Subscriber], counts: dict[bytes, int]
) -> None:
    loads = [size(assignment) for assignment in assign_uniformly(members, counts).values()]
    assert max(loads) - min(loads) <= 1


@settings(max_examples=200)
@given(members=groups(same=True), counts=COUNTS)
def test_uniform_moves_no_more_than_it_must_where_all_read_the_same(
    members: dict[str, Subscriber], counts: dict[bytes, int]
) -> None:
    """Everyone keeps all that they had and may have, up to their share; and who has more has the greater share."""
    after = assign_uniformly(members, counts)
    topics = next(iter(members.values())).topics
    total = sum([counts[topic] for topic in topics])
    least, extra = divmod(total, len(members))
    had = {
        name: {(t, i) for t, indexes in member.target.items() if t in topics for i in indexes if i < counts[t]}
        for name, member in members.items()
    }
    kept = sum([len(had[name] & {(t, i) for t, indexes in after[name].items() for i in indexes}) for name in members])
    can_keep = sum([min(len(mine), least) for mine in had.values()])
    assert kept == can_keep + min(extra, sum(len(mine) > least for mine in had.values()))


@settings(max_examples=300)
@given(members=groups(same=False), counts=COUNTS)
def test_uniform_has_nothing_left_to_even_out_where_readers_differ(
    members: dict[str, Subscriber], counts: dict[bytes, int]
) -> None:
    after = assign_uniformly(members, counts)
    for giving, assignment in after.items():
        for topic in assignment:
            for taking, member in members.items():
                if topic in member.topics:
                    assert size(after[giving]) - size(after[taking]) <= 1


@EVERY
@settings(max_examples=200)
@given(members=groups(), counts=COUNTS)
def test_when_nothing_has_changed_nothing_moves(
    assign: object, members: dict[str, Subscriber], counts: dict[bytes, int]
) -> None:
    once = assign(members, counts)  # type: ignore[operator]
    again = {name: member._replace(target=once[name]) for name, member in members.items()}
    assert assign(again, counts) == once  # type: ignore[operator]


@settings(max_examples=200)
@given(members=groups(), counts=COUNTS)
def test_range_gives_each_reader_one_range_of_a_topic_and_the_first_ones_the_longer(
    members: dict[str, Subscriber], counts: dict[bytes, int]
) -> None:
    after = assign_ranges(members, counts)
    for topic in (T, U, V):
        ranges = [sorted(assignment[topic]) for assignment in after.values() if topic in assignment]
        assert all(mine == list(range(mine[0], mine[-1] + 1)) for mine in ranges)
        lengths = [len(mine) for mine in sorted(ranges)]
        assert lengths == sorted(lengths, reverse=True)
        readers = [name for name, member in members.items() if topic in member.topics]
        if readers and counts[topic] >= len(readers):
            assert len(ranges) == len(readers)
            assert max(lengths) - min(lengths) <= 1


@settings(max_examples=100)
@given(members=groups(same=True), count=st.integers(0, 9))
def test_range_cuts_topics_of_the_same_size_alike(members: dict[str, Subscriber], count: int) -> None:
    both = {name: member._replace(topics=frozenset({T, U})) for name, member in members.items()}
    for assignment in assign_ranges(both, {T: count, U: count}).values():
        assert assignment.get(T) == assignment.get(U)


def test_range_goes_by_instance_ids_before_member_ids() -> None:
    members = everyone({T}, "b", "a") | {"z": Subscriber(frozenset({T}), {}, "one")}
    assert assign_ranges(members, {T: 4}) == {
        "z": {T: frozenset({0, 1})},
        "a": {T: frozenset({2})},
        "b": {T: frozenset({3})},
    }


def test_uniform_shares_as_apache_kafka_does_when_members_come_one_by_one() -> None:
    """Seen on Apache Kafka 4.4.0, six partitions."""
    first = assign_uniformly(everyone({T}, "a"), {T: 6})
    assert first == {"a": {T: frozenset(range(6))}}
    second = assign_uniformly(everyone({T}, "a", "b", targets=first), {T: 6})
    assert second == {"a": {T: frozenset({0, 1, 2})}, "b": {T: frozenset({3, 4, 5})}}
    third = assign_uniformly(everyone({T}, "a", "b", "c", targets=second), {T: 6})
    assert third == {"a": {T: frozenset({0, 1})}, "b": {T: frozenset({3, 4})}, "c": {T: frozenset({2, 5})}}


def test_who_reads_much_leaves_the_rest_to_who_reads_little() -> None:
    members = {"all": Subscriber(frozenset({T, U}), {}), "some": Subscriber(frozenset({T}), {})}
    after = assign_uniformly(members, {T: 4, U: 2})
    assert after["all"] == {U: frozenset({0, 1}), T: after["all"][T]}
    assert [size(after["all"]), size(after["some"])] == [3, 3]


@EVERY
def test_nobody_gets_nothing(assign: object) -> None:
    assert assign({}, {T: 3}) == {}  # type: ignore[operator]
    assert assign(everyone(set(), "a"), {T: 3}) == {"a": {}}  # type: ignore[operator]
