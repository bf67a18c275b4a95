"""The range assignor: each topic is cut into as many ranges as it has subscribers, in the order of the members.

The first ones get one partition more where it does not come out even. The order is that of instance ids, then that of
member ids; as it is the same for every topic, topics with as many partitions and the same subscribers are cut alike:
whoever reads partition 3 of one reads partition 3 of the other, which is what a join of the two needs.
"""

from __future__ import annotations

from collections.abc import Mapping

from kbroker.groups.consumer.assignment import Assignment
from kbroker.groups.consumer.assignors.subscriber import Subscriber


def assign_ranges(members: Mapping[str, Subscriber], counts: Mapping[bytes, int]) -> dict[str, Assignment]:
    given: dict[str, dict[bytes, frozenset[int]]] = {member_id: {} for member_id in members}
    in_order = sorted(members, key=lambda each: (members[each].instance_id is None, members[each].instance_id or each))
    subscribers: dict[bytes, list[str]] = {}
    for member_id in in_order:
        for topic_id in members[member_id].topics:
            subscribers.setdefault(topic_id, []).append(member_id)
    for topic_id, readers in subscribers.items():
        least, extra = divmod(counts[topic_id], len(readers))
        start = 0
        for at, member_id in enumerate(readers):
            end = start + least + (at < extra)
            if end > start:
                given[member_id][topic_id] = frozenset(range(start, end))
            start = end
    return {**given}
