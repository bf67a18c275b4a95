"""The states of a streams group and of its members, and what a heartbeat may warn of (KIP-1071), as tables.

The state of a group is not kept but seen: `state_of`. That of a member is in the log, by its number.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import NamedTuple


class GroupState(Enum):
    """The values are what StreamsGroupDescribe and ListGroups say."""

    EMPTY = "Empty"
    NOT_READY = "NotReady"
    ASSIGNING = "Assigning"
    RECONCILING = "Reconciling"
    STABLE = "Stable"
    DEAD = "Dead"


class MemberState(IntEnum):
    """The numbers are those of the log."""

    STABLE = 0
    UNREVOKED_TASKS = 1
    UNRELEASED_TASKS = 2


class Status(IntEnum):
    """The numbers are those of StreamsGroupHeartbeat."""

    STALE_TOPOLOGY = 0
    MISSING_SOURCE_TOPICS = 1
    INCORRECTLY_PARTITIONED_TOPICS = 2
    MISSING_INTERNAL_TOPICS = 3
    SHUTDOWN_APPLICATION = 4
    ASSIGNMENT_DELAYED = 5
    MISSING_CLIENT_TAGS = 6


class GroupRow(NamedTuple):
    meaning: str
    holds_when: str


class MemberRow(NamedTuple):
    meaning: str
    epoch: str
    waits_for: str
    next: frozenset[MemberState]


class StatusRow(NamedTuple):
    meaning: str
    ends_when: str


GROUP_STATES = {
    GroupState.EMPTY: GroupRow(
        "No members. Perhaps committed offsets, which expire by and by, and the group with them.",
        "it has no members",
    ),
    GroupState.NOT_READY: GroupRow(
        "The topology needs topics that are not there, or not as it needs them: nobody has tasks.",
        "the topology of this epoch has not been found in order",
    ),
    GroupState.ASSIGNING: GroupRow(
        "Something has changed, and the target assignment has not followed yet.",
        "the group epoch is above the assignment epoch",
    ),
    GroupState.RECONCILING: GroupRow(
        "There is a target for everyone, and some are still on their way to it.",
        "a member is in another epoch than the target, or not Stable",
    ),
    GroupState.STABLE: GroupRow("Everyone has what the target gives them.", "otherwise"),
    GroupState.DEAD: GroupRow("Not there.", "the log knows nothing of it"),
}

_STABLE, _UNREVOKED, _UNRELEASED = MemberState

MEMBER_STATES = {
    _STABLE: MemberRow(
        "The member has the tasks that it was told to have.",
        "that of the target which it has been led to",
        "a newer target",
        frozenset({_STABLE, _UNREVOKED, _UNRELEASED}),
    ),
    _UNREVOKED: MemberRow(
        "The member has been told to give tasks up. Until it says what it has, and they are not among it, they stay "
        "its own. The rebalance timeout runs.",
        "the one before; the next one where it has given up what it had to, and there is more by now",
        "the member's own list",
        frozenset({_STABLE, _UNREVOKED, _UNRELEASED}),
    ),
    _UNRELEASED: MemberRow(
        "The member has given up all that it had to, and is to get tasks that others still have, or other members of "
        "its own process in another role.",
        "that of the target",
        "other members to give tasks up",
        frozenset({_STABLE, _UNREVOKED, _UNRELEASED}),
    ),
}

STATUSES = {
    Status.STALE_TOPOLOGY: StatusRow(
        "The member's topology is of an earlier epoch than the group's.", "the member joins with the group's topology"
    ),
    Status.MISSING_SOURCE_TOPICS: StatusRow("Topics that the topology reads are not there.", "they are made"),
    Status.INCORRECTLY_PARTITIONED_TOPICS: StatusRow(
        "Topics that are read side by side differ in their partitions, or an internal topic has not as many as it "
        "must.",
        "they are made anew",
    ),
    Status.MISSING_INTERNAL_TOPICS: StatusRow(
        "Repartition or changelog topics are not there. The broker is making them.", "they are made"
    ),
    Status.SHUTDOWN_APPLICATION: StatusRow(
        "A member has asked all members of the application to stop.", "the group is empty"
    ),
    Status.ASSIGNMENT_DELAYED: StatusRow(
        "The target assignment waits for `group.streams.initial.rebalance.delay.ms` or for "
        "`group.streams.assignment.interval.ms`.",
        "the time is over",
    ),
    Status.MISSING_CLIENT_TAGS: StatusRow(
        "The member lacks tags that `group.streams.rack.aware.assignment.tags` names. Told from version 1 on.",
        "the member joins with them",
    ),
}


def state_of(epoch: int, target_epoch: int, is_ready: bool, members: int, reconciled: int) -> GroupState:
    if not members:
        return GroupState.EMPTY
    if not is_ready:
        return GroupState.NOT_READY
    if epoch > target_epoch:
        return GroupState.ASSIGNING
    return GroupState.STABLE if reconciled == members else GroupState.RECONCILING
