"""The states of a share group (KIP-932), as a table. The state is not kept but seen: `state_of`."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class GroupState(Enum):
    """The values are what ShareGroupDescribe and ListGroups say."""

    EMPTY = "Empty"
    STABLE = "Stable"
    DEAD = "Dead"


class GroupRow(NamedTuple):
    meaning: str
    holds_when: str


GROUP_STATES = {
    GroupState.EMPTY: GroupRow(
        "No members. What became of the records of its partitions is kept: whoever joins reads on. Only an empty group "
        "may be deleted, and its offsets altered.",
        "it has no members",
    ),
    GroupState.STABLE: GroupRow("It has members, and each may go to the target at its next heartbeat.", "otherwise"),
    GroupState.DEAD: GroupRow("Not there.", "the log knows nothing of it"),
}


def state_of(members: int) -> GroupState:
    return GroupState.STABLE if members else GroupState.EMPTY
