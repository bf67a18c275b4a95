"""The states of a classic group: what each request does in each of them, and where each may go.

This table is what the code runs on. `NEXT` is checked at every transition; the answers are looked up.

                        JoinGroup (of a member) SyncGroup              Heartbeat              OffsetCommit
    Empty               UNKNOWN_MEMBER_ID       UNKNOWN_MEMBER_ID      UNKNOWN_MEMBER_ID      of nobody: accepted
    PreparingRebalance  is in the next one      REBALANCE_IN_PROGRESS  REBALANCE_IN_PROGRESS  accepted
    CompletingRebalance new metadata: again     waits for the leader   accepted               REBALANCE_IN_PROGRESS
    Stable              new, or leader: again   the stored assignment  accepted               accepted

In every state: a JoinGroup of somebody new starts a rebalance or joins the one under way; LeaveGroup and an expired
session remove the member and start a rebalance (or bring the one under way nearer to its end). A heartbeat answered
with REBALANCE_IN_PROGRESS still counts as one.

    Empty <-> PreparingRebalance <-> CompletingRebalance -> Stable -> PreparingRebalance         any of them -> Dead

Dead is what DescribeGroups says of a group that is not there; no group stays in it.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from wire.errors import ErrorCode


class State(Enum):
    """The values are what DescribeGroups and ListGroups say."""

    __hash__ = object.__hash__  # there is one of each: the table is looked into without a call of Enum's own

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


class Rejoin(Enum):
    """What a JoinGroup of a member does that the group knows."""

    REFUSED = "the group has nobody: the member starts afresh"
    JOINS = "it is in the next generation"
    AGAIN_IF_CHANGED = "the same metadata: the answer was lost and is given again. Else a rebalance"
    AGAIN_IF_CHANGED_OR_LEADER = "so a leader asks for a new assignment, when it has seen partitions come or go"


class Syncing(Enum):
    """What a SyncGroup of a member of this generation does."""

    REFUSED = "the group has nobody"
    TOO_LATE = "a rebalance has begun: the member joins again"
    WAITS = "the leader's is the assignment; the others wait for it"
    ANSWERED = "the assignment is there"


class Row(NamedTuple):
    meaning: str
    rejoin: Rejoin
    sync: Syncing
    heartbeat: ErrorCode
    commit: ErrorCode
    next: frozenset[State]


_EMPTY, _PREPARING, _COMPLETING, _STABLE, _DEAD = State

STATES = {
    State.EMPTY: Row(
        "No members. Perhaps committed offsets, which expire by and by, and the group with them.",
        Rejoin.REFUSED,
        Syncing.REFUSED,
        ErrorCode.UNKNOWN_MEMBER_ID,
        ErrorCode.NONE,
        frozenset({_PREPARING, _DEAD}),
    ),
    State.PREPARING_REBALANCE: Row(
        "The join phase: waits until every member has joined again, at most for the rebalance timeout.",
        Rejoin.JOINS,
        Syncing.TOO_LATE,
        ErrorCode.REBALANCE_IN_PROGRESS,
        ErrorCode.NONE,
        frozenset({_COMPLETING, _EMPTY, _DEAD}),
    ),
    State.COMPLETING_REBALANCE: Row(
        "The sync phase: the generation has members, a leader and a protocol, and waits for the leader's assignment.",
        Rejoin.AGAIN_IF_CHANGED,
        Syncing.WAITS,
        ErrorCode.NONE,
        ErrorCode.REBALANCE_IN_PROGRESS,
        frozenset({_STABLE, _PREPARING, _DEAD}),
    ),
    State.STABLE: Row(
        "Every member has an assignment of the leader's making, perhaps an empty one.",
        Rejoin.AGAIN_IF_CHANGED_OR_LEADER,
        Syncing.ANSWERED,
        ErrorCode.NONE,
        ErrorCode.NONE,
        frozenset({_PREPARING, _DEAD}),
    ),
    State.DEAD: Row(
        "Not there.",
        Rejoin.REFUSED,
        Syncing.REFUSED,
        ErrorCode.UNKNOWN_MEMBER_ID,
        ErrorCode.UNKNOWN_MEMBER_ID,
        frozenset(),
    ),
}
