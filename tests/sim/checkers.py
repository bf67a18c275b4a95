"""What must never be seen, in Maelstrom's words. A checker reads the history of a life and the log as it was at last.

Values are unique: producer, partition and a number that counts up, so that a record tells where it came from. A write
is *acknowledged* with its offset, or *unknown* (the connection went, or the broker did) - an unknown one may be there
or not, but once at most.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

Partition = tuple[str, int]
Value = tuple[str, int, int]
"""(producer, partition, number)"""


@dataclass
class History:
    """What the clients of one life saw, in the order in which they saw it."""

    sent: set[Value] = field(default_factory=set)
    acknowledged: dict[Value, tuple[Partition, int]] = field(default_factory=dict)
    reads: dict[str, list[tuple[Partition, int, Value]]] = field(default_factory=lambda: defaultdict(list))
    """Per consumer, which never seeks backwards within one name."""
    owned: dict[tuple[str, int], dict[str, tuple[Partition, ...]]] = field(default_factory=lambda: defaultdict(dict))
    """(group, generation) -> member -> what it was assigned."""
    commits: dict[tuple[str, Partition], int] = field(default_factory=dict)
    """(group, partition) -> the greatest offset of an acknowledged commit; a life only commits upwards."""
    fetched_commits: list[tuple[str, Partition, int, int]] = field(default_factory=list)
    """(group, partition, the acknowledged offset when asked, the offset answered)"""
    epochs: list[tuple[Partition, int]] = field(default_factory=list)
    """Leader epochs in the order in which one client saw them."""
    producer_ids: list[int] = field(default_factory=list)


Log = dict[Partition, list[tuple[int, Value]]]
"""Everything that was in the log in the end: (offset, value), in order."""


def lost_writes(history: History, log: Log) -> list[str]:
    there = {(partition, offset, value) for partition, rows in log.items() for offset, value in rows}
    return [
        f"{value} was acknowledged at {partition} offset {offset}"
        for value, (partition, offset) in history.acknowledged.items()
        if (partition, offset, value) not in there
    ]


def duplicates(history: History, log: Log) -> list[str]:
    counts = Counter(value for rows in log.values() for _, value in rows)
    return [f"{value} is there {count} times" for value, count in counts.items() if count > 1]


def phantoms(history: History, log: Log) -> list[str]:
    return [f"{value} was never sent" for rows in log.values() for _, value in rows if value not in history.sent]


def reorderings(history: History, log: Log) -> list[str]:
    """A producer's records stand in the order in which it sent them, and without a gap before an acknowledged one."""
    found = []
    for partition, rows in log.items():
        last: dict[str, int] = {}
        for offset, (producer, _, number) in rows:
            if number <= last.get(producer, -1):
                found.append(f"{producer}'s {number} at {partition} offset {offset} stands behind its {last[producer]}")
            last[producer] = number
    return found


def holes(history: History, log: Log) -> list[str]:
    """Offsets of a log that nothing was removed from follow each other without a gap."""
    return [
        f"{partition}: offset {after} follows {before}"
        for partition, rows in log.items()
        for (before, _), (after, _) in pairwise(rows)
        if after != before + 1
    ]


def nonmonotonic_reads(history: History, log: Log) -> list[str]:
    found = []
    for consumer, reads in history.reads.items():
        last: dict[Partition, int] = {}
        for partition, offset, _ in reads:
            if offset <= last.get(partition, -1):
                found.append(f"{consumer} read {partition} offset {offset} after {last[partition]}")
            last[partition] = offset
    return found


def skipped_reads(history: History, log: Log) -> list[str]:
    """A consumer that reads on sees every record between the first and the last that it saw."""
    found = []
    for consumer, reads in history.reads.items():
        seen: dict[Partition, list[int]] = defaultdict(list)
        for partition, offset, _ in reads:
            seen[partition].append(offset)
        for partition, offsets in seen.items():
            between = {offset for offset, _ in log.get(partition, []) if offsets[0] <= offset <= offsets[-1]}
            found += [f"{consumer} skipped {partition} offset {offset}" for offset in sorted(between - set(offsets))]
    return found


def dirty_reads(history: History, log: Log) -> list[str]:
    """What was read at an offset is what is there in the end: nothing was seen that went away or changed."""
    there = {(partition, offset): value for partition, rows in log.items() for offset, value in rows}
    return [
        f"{consumer} read {value} at {partition} offset {offset}, where {there.get((partition, offset))} is"
        for consumer, reads in history.reads.items()
        for partition, offset, value in reads
        if there.get((partition, offset)) != value
    ]


def double_owners(history: History, log: Log) -> list[str]:
    found = []
    for (group, generation), members in history.owned.items():
        owners: dict[Partition, str] = {}
        for member, partitions in members.items():
            for partition in partitions:
                if partition in owners:
                    found.append(f"{group} generation {generation}: {partition} has {owners[partition]} and {member}")
                owners[partition] = member
    return found


def lost_commits(history: History, log: Log) -> list[str]:
    return [
        f"{group} {partition}: {acknowledged} was acknowledged, {answered} was answered"
        for group, partition, acknowledged, answered in history.fetched_commits
        if answered < acknowledged
    ]


def epochs_going_back(history: History, log: Log) -> list[str]:
    found = []
    last: dict[Partition, int] = {}
    for partition, epoch in history.epochs:
        if epoch < last.get(partition, -1):
            found.append(f"{partition}: leader epoch {epoch} after {last[partition]}")
        last[partition] = epoch
    return found


def producer_ids_given_twice(history: History, log: Log) -> list[str]:
    return [f"producer id {id} was given {n} times" for id, n in Counter(history.producer_ids).items() if n > 1]


CHECKERS = (
    lost_writes,
    duplicates,
    phantoms,
    reorderings,
    holes,
    nonmonotonic_reads,
    skipped_reads,
    dirty_reads,
    double_owners,
    lost_commits,
    epochs_going_back,
    producer_ids_given_twice,
)


def violations(history: History, log: Log) -> list[str]:
    """Every violation, each with its checker's name."""
    return [f"{checker.__name__}: {what}" for checker in CHECKERS for what in checker(history, log)]
