"""The assignor of share groups: complete, busy, balanced, sticky, whatever comes and goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kbroker.groups.consumer.assignment import Assignment
from kbroker.groups.share.assignor import assign

T, U, V = b"t" * 16, b"u" * 16, b"v" * 16
MEMBERS = st.lists(st.sampled_from([f"m{number}" for number in range(9)]), min_size=1, unique=True)
INDEXES = st.integers(0, 7).map(lambda count: frozenset(range(count)))
PARTITIONS = st.fixed_dictionaries(dict.fromkeys((T, U, V), INDEXES))
TOPICS = st.frozensets(st.sampled_from([T, U, V]), min_size=1)


def places(assignment: Assignment) -> set[tuple[bytes, int]]:
    return {(topic, index) for topic, indexes in assignment.items() for index in indexes}


def shared(targets: dict[str, Assignment]) -> dict[tuple[bytes, int], int]:
    counts: dict[tuple[bytes, int], int] = {}
    for target in targets.values():
        for place in places(target):
            counts[place] = counts.get(place, 0) + 1
    return counts


def check(subscriptions: dict[str, frozenset[bytes]], partitions: dict[bytes, frozenset[int]],
          targets: dict[str, Assignment]) -> None:  # fmt: skip
    assert targets.keys() == subscriptions.keys()
    for member, target in targets.items():
        assert target.keys() <= subscriptions[member], "nobody reads what it did not subscribe to"
    wanted = {(topic, index) for topics in subscriptions.values() for topic in topics for index in partitions[topic]}
    assert shared(targets).keys() == wanted, "every partition is read, and nothing else"


@given(MEMBERS, TOPICS, PARTITIONS, PARTITIONS, MEMBERS)
def test_members_with_the_same_topics_share_them_evenly(
    members: list[str],
    topics: frozenset[bytes],
    partitions: dict[bytes, frozenset[int]],
    earlier: dict[bytes, frozenset[int]],
    before: list[str],
) -> None:
    old = assign(dict.fromkeys(before, topics), {}, earlier)
    subscriptions = dict.fromkeys(members, topics)
    targets = assign(subscriptions, old, partitions)
    check(subscriptions, partitions, targets)
    sizes = [len(places(target)) for target in targets.values()]
    total = sum([len(partitions[topic]) for topic in topics])
    if total >= len(members):
        assert max(sizes) - min(sizes) <= 1, "balanced"
        assert all(count == 1 for count in shared(targets).values()), "no need to share"
    elif total:
        assert min(sizes) >= 1, "everybody has work"
        assert max(shared(targets).values()) <= -(-len(members) // total)
    assert assign(subscriptions, targets, partitions) == targets, "and then it rests"


@given(st.dictionaries(st.sampled_from([f"m{number}" for number in range(7)]), TOPICS, min_size=1), PARTITIONS)
def test_members_with_different_topics_read_all_of_them(
    subscriptions: dict[str, frozenset[bytes]], partitions: dict[bytes, frozenset[int]]
) -> None:
    targets = assign(subscriptions, {}, partitions)
    check(subscriptions, partitions, targets)
    check(subscriptions, partitions, assign(subscriptions, targets, partitions))


def test_who_stays_keeps_what_fits() -> None:
    everything = {T: frozenset(range(6))}
    two = assign({"a": frozenset({T}), "b": frozenset({T})}, {}, everything)
    three = assign({"a": frozenset({T}), "b": frozenset({T}), "c": frozenset({T})}, two, everything)
    assert [len(places(three[member]) & places(two[member])) for member in ("a", "b")] == [2, 2]
    one = assign({"a": frozenset({T})}, three, everything)
    assert places(one["a"]) >= places(three["a"])


def test_nothing_is_given_out_before_its_state_is_kept() -> None:
    assert assign({"a": frozenset({T, U})}, {}, {T: frozenset({1})}) == {"a": {T: frozenset({1})}}
    assert assign({"a": frozenset({T})}, {"a": {T: frozenset({0, 1})}}, {}) == {"a": {}}
    assert assign({}, {}, {T: frozenset({1})}) == {}
