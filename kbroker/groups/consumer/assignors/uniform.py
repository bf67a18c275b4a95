"""The uniform assignor: every member gets as many partitions as the others, and keeps what it can.

When all subscribe to the same topics each has a quota, the same for all but one more for as many as it takes. A
member keeps what it had up to its quota, lowest partitions first; what is left over fills up those below theirs.

When they do not, quotas would not be fair to those who may read little. Then everybody keeps what is theirs, what is
free goes to the subscriber with the least, and then partitions move, topic by topic, from the subscriber with the
most to the one with the least, until in no topic the two differ by more than one. Each move brings the loads nearer
to each other, so that comes to an end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heapify, heapreplace

from kbroker.groups.consumer.assignment import Assignment, collect
from kbroker.groups.consumer.assignors.subscriber import Subscriber

Partition = tuple[bytes, int]


def assign_uniformly(members: Mapping[str, Subscriber], counts: Mapping[bytes, int]) -> dict[str, Assignment]:
    kept, free = _keep(members, counts)
    if len({subscriber.topics for subscriber in members.values()}) == 1:
        _fill_quotas(kept, free)
    else:
        _balance(members, kept, free)
    return {member_id: collect(partitions) for member_id, partitions in kept.items()}


def _keep(
    members: Mapping[str, Subscriber], counts: Mapping[bytes, int]
) -> tuple[dict[str, list[Partition]], list[Partition]]:
    """What everyone still may have of what they had, and what nobody has."""
    kept: dict[str, list[Partition]] = {}
    taken: set[Partition] = set()
    for member_id, subscriber in members.items():
        mine = [
            (topic_id, index)
            for topic_id, partitions in subscriber.target.items()
            if topic_id in subscriber.topics
            for index in sorted(partitions)
            if index < counts[topic_id] and (topic_id, index) not in taken
        ]
        taken.update(mine)
        kept[member_id] = mine
    topics = dict.fromkeys([topic_id for subscriber in members.values() for topic_id in sorted(subscriber.topics)])
    everything: Iterable[Partition] = ((topic_id, index) for topic_id in topics for index in range(counts[topic_id]))
    return kept, [partition for partition in everything if partition not in taken]


def _fill_quotas(kept: dict[str, list[Partition]], free: list[Partition]) -> None:
    """One more than the least goes to those who have it already, and then to those who come first."""
    least, extra = divmod(len(free) + sum([len(mine) for mine in kept.values()]), len(kept))
    quotas = dict.fromkeys(kept, least)
    have_more = [member_id for member_id, mine in kept.items() if len(mine) > least]
    for member_id in list(dict.fromkeys([*have_more, *kept]))[:extra]:
        quotas[member_id] += 1
    for member_id, mine in kept.items():
        free += mine[quotas[member_id] :]
        del mine[quotas[member_id] :]
    rest = iter(free)
    for member_id, mine in kept.items():
        mine += [next(rest) for _ in range(quotas[member_id] - len(mine))]


def _balance(members: Mapping[str, Subscriber], kept: dict[str, list[Partition]], free: list[Partition]) -> None:
    readers: dict[bytes, list[str]] = {}
    for member_id, subscriber in members.items():
        for topic_id in sorted(subscriber.topics):
            readers.setdefault(topic_id, []).append(member_id)
    order = {member_id: at for at, member_id in enumerate(members)}
    load = {member_id: len(mine) for member_id, mine in kept.items()}
    by_topic = {
        topic_id: {member_id: [index for topic, index in kept[member_id] if topic == topic_id] for member_id in those}
        for topic_id, those in readers.items()
    }
    unassigned: dict[bytes, list[int]] = {}
    for topic_id, index in free:
        unassigned.setdefault(topic_id, []).append(index)
    # Topics with the fewest readers first: those of the others can still go elsewhere.
    for topic_id in sorted(unassigned, key=lambda topic_id: len(readers[topic_id])):
        least = [(load[member_id], order[member_id], member_id) for member_id in readers[topic_id]]
        heapify(least)
        for index in unassigned[topic_id]:
            count, at, member_id = least[0]
            by_topic[topic_id][member_id].append(index)
            load[member_id] = count + 1
            heapreplace(least, (count + 1, at, member_id))
    while sum([_even_out(holders, load) for holders in by_topic.values()]):
        pass
    for mine in kept.values():
        mine.clear()
    for topic_id, holders in by_topic.items():
        for member_id, indexes in holders.items():
            kept[member_id] += [(topic_id, index) for index in indexes]


def _even_out(holders: dict[str, list[int]], load: dict[str, int]) -> bool:
    """Move partitions of one topic until nobody who has one has two more in all than another reader."""
    moved = False
    while True:
        giving = max([member_id for member_id, indexes in holders.items() if indexes], key=load.__getitem__, default="")
        taking = min(holders, key=load.__getitem__)
        if not giving or load[giving] - load[taking] < 2:
            return moved
        holders[taking].append(holders[giving].pop())
        load[giving] -= 1
        load[taking] += 1
        moved = True
