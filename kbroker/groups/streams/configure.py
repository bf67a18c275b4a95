"""The topology meets the topics that there are: how many tasks each subtopology has, which internal topics are missing,
and what is wrong. A pure function.

    1. every source topic must be there                                              MISSING_SOURCE_TOPICS
    2. a repartition topic has the partitions that the application says, else as many as the largest input of whoever
       writes it: from subtopology to subtopology, until all are known
    3. topics that are read side by side have one number of partitions; repartition topics that say none of their own
       take that of the others                                                       INCORRECTLY_PARTITIONED_TOPICS
    4. a subtopology has a task for each partition of its largest input, and its changelogs as many partitions
    5. an internal topic that is there must have that number                         INCORRECTLY_PARTITIONED_TOPICS
    6. those that are not there are to be made                                       MISSING_INTERNAL_TOPICS

What no topic could mend is STREAMS_INVALID_TOPOLOGY (Kafka's `InternalTopicManager` and what it calls).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kbroker.groups.consumer.metadata import Metadata
from kbroker.groups.streams.states import Status
from kbroker.groups.streams.topology import InternalTopic, Subtopology, Topology
from wire.errors import ErrorCode, KafkaError

_MOST_NAMED = 3


class Problem(NamedTuple):
    """Why the members cannot have tasks now."""

    status: Status
    text: str


class ConfiguredSubtopology(NamedTuple):
    """With the number of tasks, and internal topics with the partitions that they have or are to have."""

    tasks: int
    topology: Subtopology
    repartition_sources: tuple[InternalTopic, ...]
    changelogs: tuple[InternalTopic, ...]


class Configured(NamedTuple):
    """`subtopologies` are in order, and None where their tasks cannot be told. `missing` is to be made."""

    epoch: int
    subtopologies: Mapping[str, ConfiguredSubtopology] | None
    missing: tuple[InternalTopic, ...] = ()
    problem: Problem | None = None

    @property
    def is_ready(self) -> bool:
        return self.problem is None


class _Unfit(Exception):
    """The topics that are there do not do."""

    def __init__(self, status: Status, text: str) -> None:
        self.problem = Problem(status, text)


def configure(topology: Topology, metadata: Metadata) -> Configured:
    """Raises KafkaError(STREAMS_INVALID_TOPOLOGY)."""
    try:
        counts = _Counts(topology, metadata)
        counts.decide()
        subtopologies = {name: counts.configured(each) for name, each in sorted(topology.subtopologies.items())}
        missing = _missing(subtopologies.values(), metadata)
    except _Unfit as unfit:
        return Configured(topology.epoch, None, (), unfit.problem)
    problem = None
    if missing:
        text = f"Internal topics are missing: {_named(topic.name for topic in missing)}"
        problem = Problem(Status.MISSING_INTERNAL_TOPICS, text)
    return Configured(topology.epoch, subtopologies, missing, problem)


def check(topology: Topology) -> None:
    """What is wrong with it whatever topics there are. Raises KafkaError."""
    if topology.epoch < 0:
        raise KafkaError(ErrorCode.STREAMS_INVALID_TOPOLOGY_EPOCH, "Topology epoch must be non-negative.")
    for each in topology.subtopologies.values():
        for changelog in each.changelogs:
            if changelog.partitions:
                raise _invalid(
                    f"Changelog topic {changelog.name} must have an undefined partition count, but it is set to "
                    f"{changelog.partitions}."
                )
        for topic in each.repartition_sources:
            if topic.partitions < 0:
                raise _invalid(f"Repartition topic {topic.name} cannot have {topic.partitions} partitions.")
        for sources, others in each.copartition_groups:
            if not all(0 <= at < len(each.sources) for at in sources) or not all(
                0 <= at < len(each.repartition_sources) for at in others
            ):
                raise _invalid(f"Subtopology {each.id} has a copartition group of topics that it does not have.")


class _Counts:
    """How many partitions each topic has, or is to have."""

    def __init__(self, topology: Topology, metadata: Metadata) -> None:
        self._subtopologies = [each for _, each in sorted(topology.subtopologies.items())]
        self._metadata = metadata
        self._decided: dict[str, int] = {}

    def _find(self, topic: str) -> int | None:
        there = self._metadata.by_name.get(topic)
        return self._decided.get(topic) if there is None else there.partitions

    def _of(self, topic: str) -> int:
        found = self._find(topic)
        if found is None:
            raise _invalid(f"Number of partitions is not set for topic: {topic}")
        return found

    def decide(self) -> None:
        sources = {topic for each in self._subtopologies for topic in each.sources}
        absent = sorted(topic for topic in sources if topic not in self._metadata.by_name)
        if absent:
            raise _Unfit(Status.MISSING_SOURCE_TOPICS, f"Source topics {_named(absent)} are missing.")
        self._decide_repartition_topics()
        self._copartition()
        for each in self._subtopologies:
            tasks = self._tasks(each)
            self._decided.update({topic.name: tasks for topic in each.changelogs})

    def _decide_repartition_topics(self) -> None:
        read = [topic for each in self._subtopologies for topic in each.repartition_sources]
        counts = {topic.name: topic.partitions for topic in read if topic.partitions}
        undecided = {sink: each for each in self._subtopologies for sink in each.repartition_sinks}
        while True:
            undecided = {sink: each for sink, each in undecided.items() if sink not in counts}
            if not undecided:
                break
            found = {sink: self._largest_input(each, counts) for sink, each in undecided.items()}
            known = {sink: count for sink, count in found.items() if count}
            if not known:
                raise _invalid(
                    "Failed to compute number of partitions for all repartition topics. There may be loops in the "
                    "topology that cannot be resolved."
                )
            counts.update(known)
        if any(topic.name not in counts for topic in read):
            raise _invalid(
                "Failed to compute number of partitions for all repartition topics, because a repartition source topic "
                "is never used as a sink topic."
            )
        self._decided.update(counts)

    def _largest_input(self, each: Subtopology, counts: Mapping[str, int]) -> int:
        """Of those inputs that are known; 0 for none."""
        sources = [self._find(topic) or 0 for topic in each.sources]
        return max(sources + [counts.get(topic.name, 0) for topic in each.repartition_sources], default=0)

    def _copartition(self) -> None:
        topics = [topic for each in self._subtopologies for topic in each.repartition_sources]
        fixed = {topic.name for topic in topics if topic.partitions}
        flexible = {topic.name for topic in topics if not topic.partitions}
        for each in self._subtopologies:
            for group in each.copartitioned():
                self._make_equal(group, fixed, flexible)

    def _make_equal(self, group: frozenset[str], fixed: set[str], flexible: set[str]) -> None:
        """That of the topics that the broker does not make decides; else that of those with a number of their own; else
        the largest.
        """
        made = {topic: self._of(topic) for topic in sorted(group & (fixed | flexible))}
        others = {topic: self._of(topic) for topic in sorted(group - made.keys())}
        if not group:
            return
        if others:
            count = _same(others, others)
        elif fixed:
            count = _same({topic: self._of(topic) for topic in sorted(fixed)}, made)
        else:
            count = max(made.values())
        for topic, partitions in made.items():
            if topic in fixed and partitions != count:
                raise _Unfit(
                    Status.INCORRECTLY_PARTITIONED_TOPICS,
                    f"Number of partitions [{partitions}] of repartition topic [{topic}] doesn't match number of "
                    f"partitions [{count}] of the source topic.",
                )
            self._decided[topic] = count

    def _tasks(self, each: Subtopology) -> int:
        if not each.inputs:
            raise _invalid(f"No source topics found for subtopology {each.id}")
        return max([self._of(topic) for topic in each.inputs])

    def configured(self, each: Subtopology) -> ConfiguredSubtopology:
        return ConfiguredSubtopology(
            self._tasks(each),
            each,
            tuple([self._sized(topic) for topic in each.repartition_sources]),
            tuple([self._sized(topic) for topic in each.changelogs]),
        )

    def _sized(self, topic: InternalTopic) -> InternalTopic:
        return topic if topic.partitions else topic._replace(partitions=self._decided[topic.name])


def _missing(subtopologies: Iterable[ConfiguredSubtopology], metadata: Metadata) -> tuple[InternalTopic, ...]:
    wanted = {topic.name: topic for each in subtopologies for topic in (*each.repartition_sources, *each.changelogs)}
    for name, topic in sorted(wanted.items()):
        there = metadata.by_name.get(name)
        if there is not None and there.partitions != topic.partitions:
            raise _Unfit(
                Status.INCORRECTLY_PARTITIONED_TOPICS,
                f"Existing topic {name} has different number of partitions: expected {topic.partitions}, found "
                f"{there.partitions}",
            )
    return tuple([topic for name, topic in sorted(wanted.items()) if name not in metadata.by_name])


def _same(counts: Mapping[str, int], shown: Mapping[str, int]) -> int:
    if len(set(counts.values())) > 1:
        listed = ", ".join([f"{topic}={partitions}" for topic, partitions in sorted(shown.items())])
        raise _Unfit(
            Status.INCORRECTLY_PARTITIONED_TOPICS,
            f"Following topics do not have the same number of partitions: [{{{listed}}}]",
        )
    return next(iter(counts.values()))


def _named(topics: Iterable[str]) -> str:
    names = list(topics)
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} additional topics" if more > 0 else "")


def _invalid(text: str) -> KafkaError:
    return KafkaError(ErrorCode.STREAMS_INVALID_TOPOLOGY, text)
