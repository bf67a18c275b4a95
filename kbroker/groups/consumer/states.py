"""The states of a consumer group and of its members (KIP-848), as tables.

The state of a group is not kept but seen: `state_of`. That of a member is in the log, by its number.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import NamedTuple


class GroupState(Enum):
    """The values are what ConsumerGroupDescribe and ListGroups say."""

    EMPTY = "Empty"
    ASSIGNING = "Assigning"
    RECONCILING = "Reconciling"
    STABLE = "Stable"
    DEAD = "Dead"


class MemberState(IntEnum):
    """The numbers are those of the log."""

    STABLE = 0
    UNREVOKED_PARTITIONS = 1
    UNRELEASED_PARTITIONS = 2


class GroupRow(NamedTuple):
    meaning: str
    holds_when: str


class MemberRow(NamedTuple):
    meaning: str
    epoch: str
    waits_for: str
    next: frozenset[MemberState]


GROUP_STATES = {
    GroupState.EMPTY: GroupRow(
        "No members. Perhaps committed offsets, which expire by and by, and the group with them.",
        "it has no members",
    ),
    GroupState.ASSIGNING: GroupRow(
        "Something has changed, and the target assignment has not followed yet.",
        "the group epoch is above the assignment epoch",
    ),
    GroupState.RECONCILING: GroupRow(
        "There is a target for everyone, and some are still on their way to it.",
        "a member is in another epoch than the target, or not Stable",
    ),
    GroupState.STABLE: GroupRow(
        "Everyone has what the target gives them.",
        "otherwise",
    ),
    GroupState.DEAD: GroupRow("Not there.", "the log knows nothing of it"),
}

_STABLE, _UNREVOKED, _UNRELEASED = MemberState

MEMBER_STATES = {
    _STABLE: MemberRow(
        "The member has what it was told to have.",
        "that of the target which it has been led to",
        "a newer target",
        frozenset({_STABLE, _UNREVOKED, _UNRELEASED}),
    ),
    _UNREVOKED: MemberRow(
        "The member has been told to give partitions up. Until it says what it owns, and they are not among it, they "
        "stay its own. The rebalance timeout runs.",
        "the one before: it stays until the partitions are given up",
        "the member's own list",
        frozenset({_STABLE, _UNREVOKED, _UNRELEASED}),
    ),
    _UNRELEASED: MemberRow(
        "The member has given up all that it had to, and is to get partitions that others still have.",
        "that of the target",
        "other members to give partitions up",
        frozenset({_STABLE, _UNREVOKED, _UNRELEASED}),
    ),
}


def state_of(epoch: int, target_epoch: int, members: int, reconciled: int) -> GroupState:
    if not members:
        return GroupState.EMPTY
    if epoch > target_epoch:
        return GroupState.ASSIGNING
    return GroupState.STABLE if reconciled == members else GroupState.RECONCILING
