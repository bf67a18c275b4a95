"""What can be asked of the catalog's machine, and what it tells others once it is durable.

A list asked is a list answered: item i is what came of item i, the topic or a `KafkaError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kbroker.acls import Acl, AclFilter
    from kbroker.catalog.configs import Alteration
    from kbroker.catalog.delegation import Lifetimes, NewToken
    from kbroker.catalog.features import FeatureUpdate
    from kbroker.catalog.quotas import QuotaAlteration
    from kbroker.catalog.state import NewPartitions, NewTopic, Topic
    from kbroker.catalog.users import Deletion, Upsertion
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


class AlterConfigs(NamedTuple):
    """Answered with None or a KafkaError for each alteration."""

    ticket: Ticket
    alterations: Sequence[Alteration]
    validate_only: bool = False


class RunNode(NamedTuple):
    """A node of this process goes away or comes back. Without an election it goes unnoticed: what it leads has nobody
    who answers for it, until this is asked again with one. Answered with None."""

    ticket: Ticket
    node_id: int
    running: bool
    elects: bool = True


class SetInSync(NamedTuple):
    """These replicas are in sync from now on. Answered with the topic."""

    ticket: Ticket
    name: str
    partition: int
    in_sync: Sequence[int]


class MoveLeader(NamedTuple):
    """Another replica becomes leader, or (-1) none, in a new epoch. Answered with the topic."""

    ticket: Ticket
    name: str
    partition: int
    leader: int


class Reassign(NamedTuple):
    """(topic, partition, replicas); None calls a reassignment off. Answered with None or a KafkaError for each."""

    ticket: Ticket
    moves: Sequence[tuple[str, int, Sequence[int] | None]]
    may_change_count: bool = True


class Elect(NamedTuple):
    """(topic, partition) to elect leaders for. Answered with None or a KafkaError for each."""

    ticket: Ticket
    partitions: Sequence[tuple[str, int]]
    election_type: int


class UpdateFeatures(NamedTuple):
    """All or none, within what is supported: (least, most) by name. Answered with None."""

    ticket: Ticket
    updates: Sequence[FeatureUpdate]
    supported: Mapping[str, tuple[int, int]]
    validate_only: bool = False


class UnregisterNode(NamedTuple):
    """Answered with None."""

    ticket: Ticket
    node_id: int


class AlterUsers(NamedTuple):
    """Answered with None or a KafkaError by user."""

    ticket: Ticket
    deletions: Sequence[Deletion]
    upsertions: Sequence[Upsertion]


class AlterQuotas(NamedTuple):
    """Answered with None or a KafkaError for each alteration."""

    ticket: Ticket
    alterations: Sequence[QuotaAlteration]
    validate_only: bool = False


class CreateAcls(NamedTuple):
    """Answered with None or a KafkaError for each rule."""

    ticket: Ticket
    acls: Sequence[Acl]


class DeleteAcls(NamedTuple):
    """Answered with the rules that each filter has found, or a KafkaError."""

    ticket: Ticket
    filters: Sequence[AclFilter]


class CreateToken(NamedTuple):
    """Answered with the delegation token."""

    ticket: Ticket
    token: NewToken
    limits: Lifetimes
    now_ms: int


class RenewToken(NamedTuple):
    """Answered with the new end of the delegation token, in milliseconds since the epoch."""

    ticket: Ticket
    token_id: str
    principal: str
    period_ms: int
    limits: Lifetimes
    now_ms: int


class ExpireToken(NamedTuple):
    """Answered with the new end of the delegation token, in milliseconds since the epoch."""

    ticket: Ticket
    token_id: str
    principal: str
    period_ms: int
    now_ms: int


class SweepTokens(NamedTuple):
    """Forget the delegation tokens that are over. Answered with None."""

    ticket: Ticket
    now_ms: int


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
    """Another leader, or other replicas."""

    topic: Topic
    partition: int


class NodesChanged(NamedTuple):
    """These nodes are live now."""

    live: Sequence[int]


class BrokersConfigured(NamedTuple):
    """Broker configs are others now; of topics that this concerns, a TopicConfigured goes before."""


class RulesChanged(NamedTuple):
    """Access rules or quotas are others now."""


class LogsOrphaned(NamedTuple):
    """These topics were deleted, maybe by a process that ended before it could drop their logs."""

    topic_ids: Sequence[bytes]


Change = TopicCreated | TopicDeleted | TopicGrown | TopicConfigured | LeaderChanged
