"""What can be asked of the catalog's machine, and what it tells others once it is durable.

A list asked is a list answered: item i is what came of item i, the topic or a `KafkaError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kbroker.catalog.state import NewPartitions, NewTopic, Topic
from kbroker.machine import Ticket

# --- questions --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """This process begins to serve, with these nodes (and their racks) and finalized features. Answered with None."""

    ticket: Ticket
    cluster_id: str
    racks: Mapping[int, str | None]
    features: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stop:
    """This process ends in good order: the next start is not an unclean one. Answered with None."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class CreateTopics:
    """Answered with a list of Topic or KafkaError; validated ones are topics that are nowhere else."""

    ticket: Ticket
    topics: Sequence[NewTopic]
    validate_only: bool = False


@dataclass(frozen=True, slots=True)
class EnsureTopic:
    """Answered with the topic of that name, made now if there is none."""

    ticket: Ticket
    topic: NewTopic


@dataclass(frozen=True, slots=True)
class DeleteTopics:
    """Answered with a list of Topic (as it was) or KafkaError."""

    ticket: Ticket
    topic_ids: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class CreatePartitions:
    """Answered with a list of Topic or KafkaError."""

    ticket: Ticket
    topics: Sequence[NewPartitions]
    validate_only: bool = False


@dataclass(frozen=True, slots=True)
class AlterTopicConfigs:
    """Overrides to set, or to take away (None); all or none. Answered with the topic."""

    ticket: Ticket
    name: str
    changes: Mapping[str, str | None]
    validate_only: bool = False


@dataclass(frozen=True, slots=True)
class MoveLeader:
    """Another replica becomes leader, in a new epoch. Answered with the topic."""

    ticket: Ticket
    name: str
    index: int
    leader: int


@dataclass(frozen=True, slots=True)
class NextProducerId:
    """Answered with an id that nobody has had before."""

    ticket: Ticket


# --- changes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TopicCreated:
    topic: Topic


@dataclass(frozen=True, slots=True)
class TopicDeleted:
    topic: Topic


@dataclass(frozen=True, slots=True)
class TopicGrown:
    """Partitions from `first` on are new."""

    topic: Topic
    first: int


@dataclass(frozen=True, slots=True)
class TopicConfigured:
    topic: Topic


@dataclass(frozen=True, slots=True)
class LeaderChanged:
    topic: Topic
    index: int


Change = TopicCreated | TopicDeleted | TopicGrown | TopicConfigured | LeaderChanged
