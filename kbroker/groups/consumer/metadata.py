"""What groups know of the topics: an immutable picture, taken anew when a topic comes, grows or goes.

A machine works with the picture that came with its last event that had one. Two pictures are
the same only if they are one object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class TopicPicture(NamedTuple):
    id: bytes
    name: str
    partitions: int


class Metadata:
    __slots__ = ("by_id", "by_name")

    def __init__(self, topics: Iterable[TopicPicture] = ()) -> None:
        self.by_name: Mapping[str, TopicPicture] = {topic.name: topic for topic in topics}
        self.by_id: Mapping[bytes, TopicPicture] = {topic.id: topic for topic in self.by_name.values()}

    def changed(self, name: str, topic: TopicPicture | None) -> Metadata:
        """The picture with this topic as it is now; None when there is none of that name any more."""
        before = self.by_name.get(name)
        if before == topic:
            return self  # another change of it, that says nothing to us
        by_name, by_id = dict(self.by_name), dict(self.by_id)
        if before is not None:
            del by_name[name], by_id[before.id]
        if topic is not None:
            by_name[name] = topic
            by_id[topic.id] = topic
        after = Metadata()
        after.by_name, after.by_id = by_name, by_id
        return after

    def difference(self, before: Metadata | None, names: Iterable[str]) -> str:
        """What of these topics is other than it was, for people."""
        if before is None:
            return "its topics have changed"
        found = []
        for name in sorted(set(names)):
            was, now = before.by_name.get(name), self.by_name.get(name)
            if was == now:
                continue
            if was is not None and now is not None and was.id == now.id:
                found.append(f"{name} has {now.partitions} partitions, had {was.partitions}")
            else:
                found.append(f"{name} is gone" if now is None else f"{name} is new, with {now.partitions} partitions")
        return "; ".join(found[:3]) + (f"; and {len(found) - 3} more topics" if len(found) > 3 else "") or "topics"

    def fingerprint(self, names: Iterable[str]) -> int:
        """A number that is another one when any of these topics has come, gone, grown or been made anew; 0 for none."""
        there = sorted([topic for topic in map(self.by_name.get, set(names)) if topic is not None])
        if not there:
            return 0
        from hashlib import blake2b

        text = b"".join([b"%b%b\0%d\0" % (topic.id, topic.name.encode(), topic.partitions) for topic in there])
        return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


NO_TOPICS = Metadata()
