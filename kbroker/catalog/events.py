"""What can be asked of the catalog's machine, and what it tells others once it is durable.

A list asked is a list answered: item i is what came of item i, the topic or a `KafkaError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kbroker.catalog.state import NewPartitions, NewTopic, Topic
from kbroker.machine import Ticket

# --- questions --------------------------------------------------------------------------------------------------------


class Start(NamedTuple):
    """This process begins to serve, with these nodes (and their racks) and finalized features. Answered with None."""

    ticket: Ticket
    cluster_id: str
    racks: Mapping[int, str | None]
    features: Mapping[str, int]


class Stop(NamedTuple):
    """This process ends in good order: the next start is not an unclean one. Answered with None."""

    ticket: Ticket


class CreateTopics(NamedTuple):
    """Answered with a list of Topic or KafkaError; validated ones are topics that are nowhere else."""

    ticket: Ticket
    topics: Sequence[NewTopic]
    validate_only: bool = False


class EnsureTopic(NamedTuple):
    """Answered with the topic of that name, made now if there is none."""

    ticket: Ticket
    topic: NewTopic


class DeleteTopics(NamedTuple):
    """Answered with a list of Topic (as it was) or KafkaError."""

    ticket: Ticket
    topic_ids: Sequence[bytes]


class CreatePartitions(NamedTuple):
    """Answered with a list of Topic or KafkaError."""

    ticket: Ticket
    topics: Sequence[NewPartitions]
    validate_only: bool = False


class AlterTopicConfigs(NamedTuple):
    """Overrides to set, or to take away (None); all or none. Answered with the topic."""

    ticket: Ticket
    name: str
    changes: Mapping[str, str | None]
    validate_only: bool = False


class MoveLeader(NamedTuple):
    """Another replica becomes leader, in a new epoch. Answered with the topic."""

    ticket: Ticket
    name: str
    partition: int
    leader: int


class NextProducerId(NamedTuple):
    """Answered with an id that nobody has had before."""

    ticket: Ticket


# --- changes ----------------------------------------------------------------------------------------------------------


class TopicCreated(NamedTuple):
    topic: Topic


class TopicDeleted(NamedTuple):
    topic: Topic


class TopicGrown(NamedTuple):
    """Partitions from `first` on are new."""

    topic: Topic
    first: int


class TopicConfigured(NamedTuple):
    topic: Topic


class LeaderChanged(NamedTuple):
    topic: Topic
    partition: int


class LogsOrphaned(NamedTuple):
    """These topics were deleted, maybe by a process that ended before it could drop their logs."""

    topic_ids: Sequence[bytes]


Change = TopicCreated | TopicDeleted | TopicGrown | TopicConfigured | LeaderChanged
