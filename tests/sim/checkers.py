"""What must never be seen, in Maelstrom's words. A checker reads the history of a life and the log as it was at last,
and says what is wrong, in a sentence for each case.
"""

from collections import Counter, defaultdict
from itertools import pairwise

from .history import History, Log, Partition

LATE_SECONDS = 1.0


def lost_writes(history: History, log: Log) -> list[str]:
    """What was acknowledged is there, unless it was deleted."""
    there = {(partition, offset, value) for partition, rows in log.items() for offset, value in rows}
    return [
        f"{value} was acknowledged at {partition} offset {offset}"
        for value, (partition, offset) in history.acknowledged.items()
        if (partition, offset, value) not in there and offset >= history.deleting.get(partition, 0)
    ]


def duplicates(history: History, log: Log) -> list[str]:
    counts = Counter(value for rows in log.values() for _, value in rows)
    return [f"{value} is there {count} times" for value, count in counts.items() if count > 1]


def phantoms(history: History, log: Log) -> list[str]:
    return [f"{value} was never sent" for rows in log.values() for _, value in rows if value not in history.sent]


def reorderings(history: History, log: Log) -> list[str]:
    """An idempotent producer's records stand in the order in which it sent them, without a gap."""
    found = []
    for partition, rows in log.items():
        last: dict[str, int] = {}
        for offset, (producer, _, number) in rows:
            if producer not in history.ordered:
                continue
            before = last.get(producer, number - 1 if history.starts.get(partition) else -1)
            if number != before + 1:
                found.append(f"{producer}'s {number} at {partition} offset {offset} stands behind its {before}")
            last[producer] = number
    return found


def holes(history: History, log: Log) -> list[str]:
    """Offsets of a log follow each other without a gap."""
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
    """A consumer that reads on sees every record between the first and the last that it saw, but what was deleted."""
    found = []
    for consumer, reads in history.reads.items():
        seen: dict[Partition, dict[int, None]] = defaultdict(dict)
        for partition, offset, _ in reads:
            seen[partition][offset] = None
        for partition, offsets in seen.items():
            kept = history.deleting.get(partition, 0)
            first, last = min(offsets), max(offsets)
            between = [offset for offset, _ in log.get(partition, []) if max(first, kept) <= offset <= last]
            found += [f"{consumer} skipped {partition} offset {at}" for at in between if at not in offsets]
    return found


def dirty_reads(history: History, log: Log) -> list[str]:
    """What was read at an offset is what is there in the end: nothing was seen that went away or changed."""
    there = {(partition, offset): value for partition, rows in log.items() for offset, value in rows}
    return [
        f"{consumer} read {value} at {partition} offset {offset}, where {there.get((partition, offset))} is"
        for consumer, reads in history.reads.items()
        for partition, offset, value in reads
        if there.get((partition, offset)) != value and offset >= history.starts.get(partition, 0)
    ]


def hung_reads(history: History, log: Log) -> list[str]:
    """A consumer that has the time comes to the end of the log."""
    return [
        f"{reader} was at {partition} offset {position} and never came to {end}"
        for reader, partition, position, end in history.caught_up
        if position < end
    ]


def late_reads(history: History, log: Log) -> list[str]:
    """Who waits for records is given them when they are there, not when its time is over."""
    return [
        f"{reader} asked at {asked:.3f} s and was given {value} of {partition} at {came:.3f} s, it was acknowledged at "
        f"{history.acknowledged_at[value]:.3f} s"
        for reader, partition, value, asked, came in history.waited
        if asked < history.acknowledged_at.get(value, -1) < came - LATE_SECONDS
    ]


def reads_beyond_the_high_watermark(history: History, log: Log) -> list[str]:
    return [
        f"{answer.reader} was given {answer.partition} offset {answer.last_offset} with {answer.high_watermark}"
        for answer in history.answers
        if answer.last_offset >= answer.high_watermark
    ]


def high_watermarks_too_high(history: History, log: Log) -> list[str]:
    """A high watermark is a promise: up to there the log will always reach."""
    ends = {partition: rows[-1][0] + 1 if rows else history.starts.get(partition, 0) for partition, rows in log.items()}
    return [
        f"{answer.reader} was told {answer.high_watermark} for {answer.partition}, which ends at {ends[partition]}"
        for partition in ends
        for answer in history.answers
        if answer.partition == partition and answer.high_watermark > ends[partition]
    ][:10]


def deletions_undone(history: History, log: Log) -> list[str]:
    return [
        f"{answer.reader} was told that {answer.partition} begins at {answer.log_start}, it was deleted up to "
        f"{answer.deleted_to}"
        for answer in history.answers
        if answer.log_start < answer.deleted_to
    ][:10] + [
        f"{partition} begins at {history.starts[partition]}, it was deleted up to {end}"
        for partition, end in history.deleted.items()
        if history.starts.get(partition, end) < end
    ]


def deletions_too_far(history: History, log: Log) -> list[str]:
    return [
        f"{partition} begins at {start}, nobody deleted beyond {history.deleting.get(partition, 0)}"
        for partition, start in history.starts.items()
        if start > history.deleting.get(partition, 0)
    ]


def ghosts(history: History, log: Log) -> list[str]:
    """In a topic that was deleted and made again there is nothing of before."""
    return [
        f"{value} was read in life {number} of the topic, where it was not written"
        for number, visit in enumerate(history.visits)
        for value in visit.read or ()
        if value not in visit.written and all(value not in other.unknown for other in history.visits)
    ]


def lost_visits(history: History, log: Log) -> list[str]:
    return [
        f"{value} was acknowledged in life {number} of the topic, and not read there"
        for number, visit in enumerate(history.visits)
        for value in visit.acknowledged
        if visit.read is not None and value not in visit.read
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


def wrong_assignments(history: History, log: Log) -> list[str]:
    """A member is given what a leader of that very generation wanted it to have."""
    return [
        f"{group} generation {generation}: {member} was given {given}"
        for (group, generation), members in history.owned.items()
        for member, given in members.items()
        if all(deal.get(member, ()) != given for deal in history.dealt.get((group, generation), []))
    ]


def lost_commits(history: History, log: Log) -> list[str]:
    return [
        f"{group} {partition}: {acknowledged} was acknowledged, {answered} was answered"
        for group, partition, acknowledged, answered in history.fetched_commits
        if answered < acknowledged
    ]


def zombie_commits(history: History, log: Log) -> list[str]:
    """Nobody commits in a generation that is over."""
    return [
        f"{commit.member} committed in generation {commit.generation} of {commit.group}, {commit.newest} had begun"
        for commit in history.commits_by_generation
        if commit.generation < commit.newest
    ]


def dead_members(history: History, log: Log) -> list[str]:
    """After a long calm a group has its living members, and is stable."""
    return [
        f"{group} is {state} with {members}, {living} live"
        for group, state, members, living in history.groups
        if state != "Stable" or sorted(members) != sorted(living)
    ]


def stale_epochs(history: History, log: Log) -> list[str]:
    """A leader epoch never goes back, and an unclean stop raises it."""
    found = []
    last: dict[Partition, tuple[int, int]] = {}
    for partition, epoch, stops in history.epochs:
        before, stops_before = last.get(partition, (-1, stops))
        if epoch < before or (stops > stops_before and epoch == before):
            found.append(f"{partition}: leader epoch {epoch} after {before}, {stops - stops_before} crashes later")
        last[partition] = epoch, stops
    return found


def epochs_rewritten(history: History, log: Log) -> list[str]:
    """Where an epoch that is over has ended is the same whenever it is asked for, unless that was deleted."""
    found = []
    said: dict[tuple[Partition, int], tuple[int, int]] = {}
    for partition, asked, epoch, end in history.epoch_ends:
        if end <= history.deleting.get(partition, 0):
            continue
        known = said.setdefault((partition, asked), (epoch, end))
        if known != (epoch, end):
            found.append(f"{partition}: epoch {asked} ended at {known} (epoch, offset), and later at {(epoch, end)}")
    return found


def producer_ids_given_twice(history: History, log: Log) -> list[str]:
    return [f"producer id {id} was given {n} times" for id, n in Counter(history.producer_ids).items() if n > 1]


def broken_answers(history: History, log: Log) -> list[str]:
    return history.broken[:10]


OF_THE_LOG = (
    lost_writes,
    duplicates,
    phantoms,
    reorderings,
    holes,
    skipped_reads,
    dirty_reads,
    high_watermarks_too_high,
    deletions_too_far,
)
"""These need the log as it was in the end."""

OF_THE_HISTORY = (
    nonmonotonic_reads,
    hung_reads,
    late_reads,
    reads_beyond_the_high_watermark,
    deletions_undone,
    ghosts,
    lost_visits,
    double_owners,
    wrong_assignments,
    lost_commits,
    zombie_commits,
    dead_members,
    stale_epochs,
    epochs_rewritten,
    producer_ids_given_twice,
    broken_answers,
)


def violations(history: History, log: Log | None) -> list[str]:
    """Every violation, each with its checker's name. A life that was broken off has no log."""
    checkers = OF_THE_HISTORY if log is None else OF_THE_LOG + OF_THE_HISTORY
    return [f"{checker.__name__}: {what}" for checker in checkers for what in checker(history, log or {})]
