"""A rebalance that nobody in the group has asked for. Clients see one like any other.

    classic             members hear REBALANCE_IN_PROGRESS and join again; what their leader assigns is replaced by the
                        targets, if there are any
    consumer, share     the next epoch, with the targets as its target assignment; without, the assignor decides again
    streams             the next epoch; which tasks there are is a matter of the topology, so nobody chooses them here

Targets hold until something else makes the next epoch: a member that comes or goes, another subscription, other topics.
"""

from __future__ import annotations

from collections.abc import Mapping

from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.classic.rebalance import rebalance
from kbroker.groups.consumer.assignment import NOTHING, Assignment
from kbroker.groups.consumer.change import Change as ConsumerChange
from kbroker.groups.consumer.group import ConsumerGroup
from kbroker.groups.history import What
from kbroker.groups.share.change import Change as ShareChange
from kbroker.groups.share.group import ShareGroup
from kbroker.groups.streams.change import Change as StreamsChange
from kbroker.groups.streams.group import StreamsGroup
from kbroker.groups.subscription import CONSUMER, write_assignment
from kbroker.groups.turn import Turn
from wire.errors import ErrorCode, KafkaError

Targets = Mapping[str, Mapping[tuple[str, bytes], frozenset[int]]]
"""Partitions by topic name and id, by member id."""

ASSIGNMENT_VERSION = 0
WHY = "somebody asked for a rebalance"


def force(group: ClassicGroup | ConsumerGroup | StreamsGroup | ShareGroup, targets: Targets | None, turn: Turn) -> None:
    """Raises KafkaError where the group cannot do so, and then nothing has happened."""
    unknown = [member_id for member_id in targets or () if member_id not in group.members]
    if unknown:
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, f"{unknown[0]} is not a member of group {group.id}.")
    if not group.members:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Nobody is in group {group.id}.")
    if isinstance(group, ClassicGroup):
        _force_classic(group, targets, turn)
    elif isinstance(group, StreamsGroup):
        if targets is not None:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "The tasks of a streams group are assigned by its topology.")
        change = StreamsChange(group, turn, set())
        change.put_epoch(group.fingerprint, group.validated_epoch, group.configs)
        turn.tell(group.id, What.EPOCH, f"{change.epoch}: {WHY}")
    else:
        _force_targets(ConsumerChange(group, turn) if isinstance(group, ConsumerGroup) else ShareChange(group, turn),
                       targets, turn)  # fmt: skip


def _force_classic(group: ClassicGroup, targets: Targets | None, turn: Turn) -> None:
    if targets is not None:
        if group.protocol_type != CONSUMER:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"The members of group {group.id} are no consumers.")
        group.forced = {
            member_id: write_assignment(
                [(name, sorted(indexes)) for (name, _), indexes in targets.get(member_id, {}).items()],
                ASSIGNMENT_VERSION,
            )
            for member_id in group.members
        }
    turn.tell(group.id, What.REBALANCE, WHY)
    rebalance(group, turn)


def _force_targets(change: ConsumerChange | ShareChange, targets: Targets | None, turn: Turn) -> None:
    change.put_epoch(change.epoch + 1, change.fingerprint)
    turn.tell(change.id, What.EPOCH, f"{change.epoch}: {WHY}")
    if targets is None:
        return
    wanted: dict[str, Assignment] = {
        member_id: {topic_id: indexes for (_, topic_id), indexes in targets.get(member_id, NOTHING_NAMED).items()}
        or NOTHING
        for member_id in change.members
    }
    change.put_targets(wanted)
    change.put_target_epoch(change.epoch, turn.now)
    turn.tell(change.id, What.ASSIGNED, f"epoch {change.epoch}, as somebody wanted it")


NOTHING_NAMED: Mapping[tuple[str, bytes], frozenset[int]] = {}
