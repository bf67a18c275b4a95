"""What the clients of one life saw, as they saw it. Actors write it, checkers read it, nobody changes it afterwards.

Values are unique: producer, partition and a number that counts up, so that a record tells where it came from. A write
is *acknowledged* with its offset, or *unknown* (the connection went, or the broker did): an unknown one may be there or
not, but once at most.

Nothing here is a set: the order must be the same every time that a seed is lived.
"""

from collections import defaultdict
from dataclasses import dataclass, field

Partition = tuple[str, int]
Value = tuple[str, int, int]
"""(producer, partition, number)"""
Generation = tuple[str, int]
"""(group, generation)"""

Log = dict[Partition, list[tuple[int, Value]]]
"""Everything that was in the log in the end: (offset, value), in order."""


@dataclass
class Answer:
    """What one fetch said of one partition."""

    reader: str
    partition: Partition
    log_start: int
    high_watermark: int
    last_offset: int
    """Of the records in it; -1 without any."""
    deleted_to: int
    """The largest acknowledged deletion when it was asked."""


@dataclass
class Commit:
    """An acknowledged commit."""

    group: str
    member: str
    generation: int
    newest: int
    """The newest generation in which anybody had an assignment when this was asked."""


@dataclass
class Visit:
    """One life of the topic that comes and goes: what was written into it, and what was found in it."""

    written: list[Value] = field(default_factory=list)
    acknowledged: list[Value] = field(default_factory=list)
    unknown: list[Value] = field(default_factory=list)
    """Written, but not answered: it may come late, even into the next life."""
    read: list[Value] | None = None
    """All that was in it; None where that was never found out."""


@dataclass
class History:
    sent: dict[Value, None] = field(default_factory=dict)
    acknowledged: dict[Value, tuple[Partition, int]] = field(default_factory=dict)
    ordered: list[str] = field(default_factory=list)
    """Producers that are promised order without gaps."""
    reads: dict[str, list[tuple[Partition, int, Value]]] = field(default_factory=lambda: defaultdict(list))
    """Per consumer, which never seeks backwards within one name."""
    answers: list[Answer] = field(default_factory=list)
    acknowledged_at: dict[Value, float] = field(default_factory=dict)
    """When, of what was written with acks=all: from then on readers see it."""
    waited: list[tuple[str, Partition, Value, float, float]] = field(default_factory=list)
    """(reader, partition, the first record of an answer, when it was asked for, when it came), where that took long"""
    caught_up: list[tuple[str, Partition, int, int]] = field(default_factory=list)
    """(reader, partition, where it was, the log's end) when it had had all the time it needs"""
    deleting: dict[Partition, int] = field(default_factory=dict)
    """The largest offset up to which anybody has asked to delete."""
    deleted: dict[Partition, int] = field(default_factory=dict)
    """The largest one that was acknowledged."""
    dealt: dict[Generation, list[dict[str, tuple[Partition, ...]]]] = field(default_factory=lambda: defaultdict(list))
    """What leaders wanted their members to have."""
    owned: dict[Generation, dict[str, tuple[Partition, ...]]] = field(default_factory=lambda: defaultdict(dict))
    """What members were given."""
    commits: dict[tuple[str, Partition], int] = field(default_factory=dict)
    """(group, partition) -> the greatest offset of an acknowledged commit; a life only commits upwards."""
    fetched_commits: list[tuple[str, Partition, int, int]] = field(default_factory=list)
    """(group, partition, the acknowledged offset when asked, the offset answered)"""
    commits_by_generation: list[Commit] = field(default_factory=list)
    groups: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = field(default_factory=list)
    """(group, state, its members, the members that live) after a long calm"""
    epochs: list[tuple[Partition, int, int]] = field(default_factory=list)
    """(partition, leader epoch, unclean stops before it was asked), in the order in which one client saw them"""
    epoch_ends: list[tuple[Partition, int, int, int]] = field(default_factory=list)
    """(partition, an epoch that is over, the epoch and the end that were answered)"""
    producer_ids: list[int] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """What was seen to be wrong on the spot: batches with a wrong CRC, answers that do not fit."""
    starts: dict[Partition, int] = field(default_factory=dict)
    """Where the logs began in the end."""

    def newest_generation(self, group: str) -> int:
        return max([generation for name, generation in self.owned if name == group], default=-1)
