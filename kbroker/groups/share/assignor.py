"""The assignor of share groups, `simple` (Kafka's SimpleAssignor). A pure function.

    complete    every partition has at least one of the members that subscribe to it
    busy        with fewer partitions than members, partitions are shared so that everyone has work: a partition has
                as many members as there are members for each partition, rounded up, at most
    balanced    members with the same subscription have numbers of partitions that differ by one at most
    sticky      what fits stays where it is; balance goes before stickiness

Members with different subscriptions are treated topic by topic: whoever has least gets the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kbroker.groups.consumer.assignment import Assignment, collect

Place = tuple[bytes, int]


def assign(
    subscriptions: Mapping[str, frozenset[bytes]],
    current: Mapping[str, Assignment],
    partitions: Mapping[bytes, frozenset[int]],
) -> dict[str, Assignment]:
    """Who should have what. `subscriptions` are topic ids by member; `partitions` those that may be given out."""
    has: dict[str, set[Place]] = {}
    for member, topics in subscriptions.items():
        before = current.get(member, {})
        has[member] = {
            (topic, index)
            for topic in topics
            for index in before.get(topic, frozenset()) & partitions.get(topic, frozenset())
        }
    if len(set(subscriptions.values())) <= 1:
        topics = next(iter(subscriptions.values()), frozenset())
        _settle(list(subscriptions), _places(topics, partitions), has)
    else:
        for topic in sorted({topic for topics in subscriptions.values() for topic in topics}):
            members = [member for member, topics in subscriptions.items() if topic in topics]
            _settle_topic(members, _places((topic,), partitions), has)
    return {member: collect(sorted(places)) for member, places in has.items()}


def _places(topics: frozenset[bytes] | tuple[bytes, ...], partitions: Mapping[bytes, frozenset[int]]) -> list[Place]:
    return [(topic, index) for topic in sorted(topics) for index in sorted(partitions.get(topic, ()))]


def _settle(members: Sequence[str], places: Sequence[Place], has: dict[str, set[Place]]) -> None:
    """All members subscribe to the same: each has its number, and each partition its number of members."""
    if not places:
        return
    sharing = -(-len(members) // len(places))
    total = sharing * len(places)
    wanted = {
        member: -(-total * (at + 1) // len(members)) - -(-total * at // len(members))
        for at, member in enumerate(members)
    }
    holders = {place: [member for member in members if place in has[member]] for place in places}
    for place, holding in holders.items():
        for member in sorted(holding, key=lambda each: wanted[each] - len(has[each])):
            if len(holding) <= sharing:
                break
            has[member].discard(place)
            holding.remove(member)
    for member in members:
        for place in sorted(has[member], key=lambda each: -len(holders[each])):
            if len(has[member]) <= wanted[member]:
                break
            has[member].discard(place)
            holders[place].remove(member)
    _fill(members, places, has, holders, sharing, wanted)


def _fill(
    members: Sequence[str],
    places: Sequence[Place],
    has: dict[str, set[Place]],
    holders: dict[Place, list[str]],
    sharing: int,
    wanted: Mapping[str, int],
) -> None:
    """First what nobody has, then until each partition is shared as it should be. The last one may find only members
    that have it already; then it is shared by fewer.
    """
    for least in range(1, sharing + 1):
        for place in places:
            while len(holders[place]) < least:
                able = [each for each in members if place not in has[each] and len(has[each]) < wanted[each]]
                if not able:
                    break
                member = min(able, key=lambda each: len(has[each]) - wanted[each])
                has[member].add(place)
                holders[place].append(member)


def _settle_topic(members: Sequence[str], places: Sequence[Place], has: dict[str, set[Place]]) -> None:
    """Of one topic, whose members may subscribe to others too."""
    if not places:
        return
    sharing = -(-len(members) // len(places))
    for place in places:
        holding = [member for member in members if place in has[member]]
        for member in sorted(holding, key=lambda each: -len(has[each]))[: max(len(holding) - sharing, 0)]:
            has[member].discard(place)
    for place in places:
        holders = sum([place in has[member] for member in members])
        for member in sorted(members, key=lambda each: len(has[each]))[:]:
            if holders >= sharing:
                break
            if place not in has[member]:
                has[member].add(place)
                holders += 1
    _level(members, places, has)


def _level(members: Sequence[str], places: Sequence[Place], has: dict[str, set[Place]]) -> None:
    """Move partitions of this topic from who has most to who has least, while that makes them more alike."""
    here = set(places)
    for _ in range(len(members) * len(places)):
        giver = max(members, key=lambda each: len(has[each] & here))
        taker = min(members, key=lambda each: len(has[each] & here))
        movable = sorted((has[giver] & here) - has[taker])
        if len(has[giver] & here) - len(has[taker] & here) <= 1 or not movable:
            return
        has[giver].discard(movable[0])
        has[taker].add(movable[0])
