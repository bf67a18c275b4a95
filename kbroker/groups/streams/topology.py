"""The topology of an application, as its members bring it: subtopologies with their topics. A value; in the log as it
came (record type 23).

Which topics there are, and with how many partitions, is another matter (configure.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from wire.durable.streams import (
    CopartitionGroup as RecordedGroup,
)
from wire.durable.streams import (
    StreamsGroupTopologyValue,
    TopicConfig,
    TopicInfo,
)
from wire.durable.streams import (
    Subtopology as RecordedSubtopology,
)


class InternalTopic(NamedTuple):
    """A repartition or changelog topic that the application wants. 0 partitions: as many as what is read; 0 replicas:
    the broker's default.
    """

    name: str
    partitions: int
    replication_factor: int
    configs: tuple[tuple[str, str], ...]


class Subtopology(NamedTuple):
    id: str
    sources: tuple[str, ...]
    repartition_sinks: tuple[str, ...]
    repartition_sources: tuple[InternalTopic, ...]
    changelogs: tuple[InternalTopic, ...]
    copartition_groups: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]  # indexes into sources, repartition_sources

    @property
    def inputs(self) -> tuple[str, ...]:
        """All topics that its tasks read."""
        return self.sources + tuple([topic.name for topic in self.repartition_sources])

    def copartitioned(self) -> list[frozenset[str]]:
        """The topics that are read side by side: each group must have one number of partitions."""
        return [
            frozenset(
                [self.sources[at] for at in sources] + [self.repartition_sources[at].name for at in repartition_sources]
            )
            for sources, repartition_sources in self.copartition_groups
        ]


class Topology(NamedTuple):
    epoch: int
    subtopologies: Mapping[str, Subtopology]

    def __eq__(self, other: object) -> bool:
        """Without regard to the order of subtopologies."""
        return isinstance(other, Topology) and self.epoch == other.epoch and self.subtopologies == other.subtopologies

    def required_topics(self) -> set[str]:
        """What must be there, or be made."""
        return {
            name
            for each in self.subtopologies.values()
            for name in (*each.inputs, *[topic.name for topic in each.changelogs])
        }

    def readers(self) -> dict[str, str]:
        """Which subtopology reads each topic: its tasks commit the offsets there."""
        return {topic: each.id for each in self.subtopologies.values() for topic in each.inputs}

    @classmethod
    def of_wire(cls, topology: Any) -> Topology:
        """Of a request's topology or of the log's, which look alike."""
        return cls(topology.epoch, {each.subtopology_id: _subtopology(each) for each in topology.subtopologies})

    def value(self) -> StreamsGroupTopologyValue:
        return StreamsGroupTopologyValue(
            epoch=self.epoch,
            subtopologies=[
                RecordedSubtopology(
                    subtopology_id=each.id,
                    source_topics=list(each.sources),
                    source_topic_regex=[],
                    state_changelog_topics=_recorded(each.changelogs),
                    repartition_sink_topics=list(each.repartition_sinks),
                    repartition_source_topics=_recorded(each.repartition_sources),
                    copartition_groups=[
                        RecordedGroup(
                            source_topics=list(sources), source_topic_regex=[], repartition_source_topics=list(others)
                        )
                        for sources, others in each.copartition_groups
                    ],
                )
                for each in self.subtopologies.values()
            ],
        )


def _subtopology(said: Any) -> Subtopology:
    return Subtopology(
        said.subtopology_id,
        tuple(said.source_topics),
        tuple(said.repartition_sink_topics),
        _topics(said.repartition_source_topics),
        _topics(said.state_changelog_topics),
        tuple([(tuple(each.source_topics), tuple(each.repartition_source_topics)) for each in said.copartition_groups]),
    )


def _topics(said: Iterable[Any]) -> tuple[InternalTopic, ...]:
    return tuple(
        [
            InternalTopic(
                each.name,
                each.partitions,
                each.replication_factor,
                tuple([(config.key, config.value) for config in each.topic_configs]),
            )
            for each in said
        ]
    )


def _recorded(topics: Iterable[InternalTopic]) -> list[TopicInfo]:
    return [
        TopicInfo(
            name=topic.name,
            partitions=topic.partitions,
            replication_factor=topic.replication_factor,
            topic_configs=[TopicConfig(key=key, value=value) for key, value in topic.configs],
        )
        for topic in topics
    ]
