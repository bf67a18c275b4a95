"""What can happen to the groups of one partition of `__consumer_offsets`.

A request comes with the ticket of its asker, whom the machine answers at once or later. What a version of an API
means is decided in the handler; here it has a name (`requires_known_member_id`), so no version number comes this far.
A timer comes back as the event it was set with. What comes tens of thousands of times a second is a NamedTuple, made in
a third of a frozen dataclass's time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kbroker.groups.consumer.metadata import Metadata
from kbroker.groups.settings import Settings
from kbroker.groups.share.group import Kept
from kbroker.groups.streams.settings import StreamsSettings
from kbroker.machine import Marker, Producer, Ticket
from wire.errors import ErrorCode
from wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from wire.messages.heartbeat import HeartbeatRequest
from wire.messages.join_group import JoinGroupRequest
from wire.messages.leave_group import LeaveGroupRequest
from wire.messages.offset_commit import OffsetCommitRequest
from wire.messages.offset_delete import OffsetDeleteRequest
from wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest
from wire.messages.streams_group_heartbeat import StreamsGroupHeartbeatRequest
from wire.messages.sync_group import SyncGroupRequest


@dataclass(frozen=True, slots=True)
class Join:
    """A member wants to be in the next generation. Answered when the join phase ends."""

    ticket: Ticket
    request: JoinGroupRequest
    client_id: str
    client_host: str
    requires_known_member_id: bool = False  # KIP-394: a new dynamic member first gets its id, and joins again with it
    supports_skipping_assignment: bool = False  # KIP-814: a returning static leader may be told not to assign


@dataclass(frozen=True, slots=True)
class Sync:
    """A member asks for its assignment; the leader brings everyone's. Answered when the leader's has come."""

    ticket: Ticket
    request: SyncGroupRequest


class Heartbeat(NamedTuple):
    ticket: Ticket
    request: HeartbeatRequest


class ConsumerHeartbeat(NamedTuple):
    """A member of the new protocol joins, stays or leaves (KIP-848). The request is well formed. `settings` are the
    group's own, where it has any.
    """

    ticket: Ticket
    request: ConsumerGroupHeartbeatRequest
    client_id: str
    client_host: str
    settings: Settings | None = None


@dataclass(frozen=True, slots=True)
class DescribeConsumers:
    ticket: Ticket
    group_id: str


@dataclass(frozen=True, slots=True)
class StreamsHeartbeat:
    """A member of a streams group joins, stays or leaves (KIP-1071). The request is well formed. `settings` are the
    group's own, where it has any.
    """

    ticket: Ticket
    request: StreamsGroupHeartbeatRequest
    client_id: str
    client_host: str
    knows_tags: bool = True  # it may be told that it lacks client tags
    settings: StreamsSettings | None = None


@dataclass(frozen=True, slots=True)
class DescribeStreams:
    ticket: Ticket
    group_id: str


@dataclass(frozen=True, slots=True)
class StreamsDelayOver:
    """The first assignment of a streams group has waited for company."""

    group_id: str


class ShareHeartbeat(NamedTuple):
    """A member of a share group joins, stays or leaves (KIP-932). As `ConsumerHeartbeat`."""

    ticket: Ticket
    request: ShareGroupHeartbeatRequest
    client_id: str
    client_host: str
    settings: Settings | None = None


@dataclass(frozen=True, slots=True)
class DescribeShares:
    ticket: Ticket
    group_id: str


@dataclass(frozen=True, slots=True)
class ShareTopics:
    """Of which partitions is the state kept? Answered with `Kept` by topic id."""

    ticket: Ticket
    group_id: str


@dataclass(frozen=True, slots=True)
class AlterShares:
    """An administrator says from where an empty group reads on: `starts` has an offset for each partition. Answered
    with an error code when it is so.
    """

    ticket: Ticket
    group_id: str
    topics: Mapping[bytes, Kept]
    starts: Mapping[bytes, Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class ForgetShareTopics:
    """An empty group is to know nothing of these topics any more. Answered with the ids of those that it knew."""

    ticket: Ticket
    group_id: str
    topic_ids: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class InitializeShares:
    """A task: have the state of these partitions kept from now on, from `starts` on; offset -1 leaves it to the first
    fetch. With a ticket it is an administrator's wish.
    """

    group_id: str
    epoch: int
    starts: Mapping[bytes, Mapping[int, int]]
    topics: Mapping[bytes, Kept]
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class SharesInitialized:
    """What came of it."""

    group_id: str
    topics: Mapping[bytes, Kept]
    error: ErrorCode


@dataclass(frozen=True, slots=True)
class SharesAltered:
    """What came of an administrator's wish."""

    ticket: Ticket
    error: ErrorCode


@dataclass(frozen=True, slots=True)
class ForgetShares:
    """A task: nothing of these partitions need be kept any more. It may fail: what is left is begun anew if the group
    ever comes back to them.
    """

    group_id: str
    topics: Mapping[bytes, Kept]


@dataclass(frozen=True, slots=True)
class TopicsSeen:
    """This is what the topics look like from now on. What it means for a group is seen at its next heartbeat."""

    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Leave:
    """Members leave, or an administrator removes them (KIP-345)."""

    ticket: Ticket
    request: LeaveGroupRequest


@dataclass(frozen=True, slots=True)
class Rebalance:
    """Somebody who has the broker in hand wants the group to rebalance now; with `targets`, so that each member gets
    these partitions by topic name and id, and who is not named nothing. Answered with None.
    """

    ticket: Ticket
    group_id: str
    targets: Mapping[str, Mapping[tuple[str, bytes], frozenset[int]]] | None = None


@dataclass(frozen=True, slots=True)
class Describe:
    ticket: Ticket
    group_id: str


@dataclass(frozen=True, slots=True)
class ListAll:
    """Filters are compared without regard to case; an empty one lets everything through."""

    ticket: Ticket
    states: Sequence[str] = ()
    types: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    ticket: Ticket
    group_id: str


class CommitOffsets(NamedTuple):
    """The request holds only topics that exist, each with its name and id. `unknown_group` is what a member of no
    group hears; `knows_epochs` is whether a member of the new protocol may commit with this version.
    """

    ticket: Ticket
    request: OffsetCommitRequest
    unknown_group: ErrorCode = ErrorCode.GROUP_ID_NOT_FOUND
    knows_epochs: bool = True  # KIP-848


@dataclass(frozen=True, slots=True)
class CommitInTransaction:
    """Offsets that are part of a transaction. The request is that of a plain commit, as above. `raises_epochs` is
    transaction version 2, `not_added` what a client of this version hears when the group is not part of the
    transaction.
    """

    ticket: Ticket
    request: OffsetCommitRequest
    transactional_id: str
    producer: Producer
    raises_epochs: bool = False
    not_added: ErrorCode = ErrorCode.TRANSACTION_ABORTABLE
    unknown_group: ErrorCode = ErrorCode.ILLEGAL_GENERATION

    @property
    def group_id(self) -> str:
        return self.request.group_id


@dataclass(frozen=True, slots=True)
class Admit:
    """A task: ask the transaction coordinator whether the group is part of that transaction (KIP-890)."""

    question: int
    transactional_id: str
    producer: Producer
    group_id: str
    raises_epochs: bool


@dataclass(frozen=True, slots=True)
class Admitted:
    """Its answer."""

    question: int
    error: ErrorCode


@dataclass(frozen=True, slots=True)
class EndTransaction:
    """A producer's transaction has ended so: here, too. Answered with None when the marker is written."""

    ticket: Ticket
    marker: Marker


@dataclass(frozen=True, slots=True)
class Wanted:
    """Partitions of one topic whose offsets are asked for. Without an id any incarnation of the topic will do."""

    topic: str
    partitions: Sequence[int]
    topic_id: bytes


class FetchOffsets(NamedTuple):
    """`topics` None asks for all that the group has committed."""

    ticket: Ticket
    group_id: str
    topics: Sequence[Wanted] | None
    require_stable: bool = False  # KIP-447: an offset with an undecided transaction is an error, not the one before
    member_id: str | None = None  # KIP-848: who asks, and in which epoch it believes to be
    member_epoch: int = -1


@dataclass(frozen=True, slots=True)
class DeleteOffsets:
    """The request holds only partitions that exist."""

    ticket: Ticket
    request: OffsetDeleteRequest


@dataclass(frozen=True, slots=True)
class TopicsDeleted:
    """Topics are gone, and so are the offsets committed in them. Each name comes with the id of the topic that bears it
    now, whose offsets stay, or None.
    """

    successors: Mapping[str, bytes | None]


class SessionExpired(NamedTuple):
    """The time is up that a member, or a member id that was given out and not used yet, had to show itself again. How
    long that was, a member of a classic group knows itself.
    """

    group_id: str
    member_id: str
    timeout_ms: int = -1


@dataclass(frozen=True, slots=True)
class RebalanceExpired:
    """The time is up that a member had to give up partitions, or a classic member to join again. It matters only if the
    member is still in that epoch.
    """

    group_id: str
    member_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class InitialDelayOver:
    """The first generation has waited for company. `remaining_ms` is how much longer it may, if more members keep
    coming.
    """

    group_id: str
    delay_ms: int
    remaining_ms: int


@dataclass(frozen=True, slots=True)
class JoinPhaseOver:
    """The members had the rebalance timeout to join again."""

    group_id: str


@dataclass(frozen=True, slots=True)
class SyncPhaseOver:
    """The members of this generation had the rebalance timeout to ask for their assignment."""

    group_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class OffsetsCheck:
    """Look for offsets that have expired."""
