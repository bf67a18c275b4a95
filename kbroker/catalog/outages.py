"""What becomes of partitions when a node goes away and comes back (Kafka's `PartitionChangeBuilder`). Pure.

    goes     it leaves the in-sync replicas, unless it is the last of them; what it led gets the first live one of them
    comes    it is in sync again where somebody leads; where nobody does it leads, if it is in sync

Where none of the live replicas is in sync there is no leader, but for topics with unclean.leader.election.enable: then
any live replica leads, and what only the others had is lost. Each change of leader is a new epoch; in-sync replicas
come and go within one.
"""

from __future__ import annotations

from collections.abc import Collection

from kbroker.catalog.state import NO_LEADER, PartitionState
from wire.errors import ErrorCode, KafkaError


def new(replicas: list[int], leader_epoch: int, live: Collection[int]) -> PartitionState:
    """A partition that nobody has written to: all live replicas are in sync, or the first, if none is live."""
    isr = [replica for replica in replicas if replica in live]
    return PartitionState(isr[0] if isr else NO_LEADER, leader_epoch, replicas, isr or replicas[:1])


def gone(state: PartitionState, node_id: int, live: Collection[int], *, may_be_unclean: bool) -> PartitionState:
    """The partition without a node; `live` are the others."""
    isr = [replica for replica in state.isr if replica != node_id] or list(state.isr)
    return _led(state, isr, live, may_be_unclean)


def back(state: PartitionState, node_id: int, live: Collection[int], *, may_be_unclean: bool) -> PartitionState:
    """The partition with a node again, which is one of `live`."""
    if node_id == state.leader:  # nobody was elected meanwhile: it leads on, as another life of itself
        return PartitionState(node_id, state.leader_epoch + 1, state.replicas, state.isr)
    found = _led(state, list(state.isr), live, may_be_unclean)
    if found.leader in live and node_id in state.replicas and node_id not in found.isr:
        return PartitionState(found.leader, found.leader_epoch, found.replicas, [*found.isr, node_id])
    return found


def _led(state: PartitionState, isr: list[int], live: Collection[int], may_be_unclean: bool) -> PartitionState:
    if state.leader in live:
        return PartitionState(state.leader, state.leader_epoch, state.replicas, isr)
    clean = [replica for replica in state.replicas if replica in isr and replica in live]
    unclean = [replica for replica in state.replicas if replica in live] if may_be_unclean else []
    if clean:
        return PartitionState(clean[0], state.leader_epoch + 1, state.replicas, isr)
    if unclean:
        return PartitionState(unclean[0], state.leader_epoch + 1, state.replicas, unclean[:1])
    epoch = state.leader_epoch + (state.leader != NO_LEADER)
    return PartitionState(NO_LEADER, epoch, state.replicas, isr)


def led_by(state: PartitionState, leader: int, live: Collection[int]) -> PartitionState:
    """The partition under that leader, or (-1) under none."""
    if leader != NO_LEADER and (leader not in state.isr or leader not in live):
        raise KafkaError(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE)
    if leader == state.leader:
        raise KafkaError(ErrorCode.ELECTION_NOT_NEEDED)
    return PartitionState(leader, state.leader_epoch + 1, state.replicas, state.isr)


def in_sync(state: PartitionState, isr: Collection[int]) -> PartitionState:
    """The partition with these in-sync replicas; the leader is always one of them."""
    unknown = [node_id for node_id in isr if node_id not in state.replicas]
    if unknown or not isr:
        what = f"broker {unknown[0]} is no replica" if unknown else "there must be at least one"
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"These cannot be the in-sync replicas: {what}.")
    if state.leader != NO_LEADER and state.leader not in isr:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"The leader, broker {state.leader}, is always in sync.")
    found = [node_id for node_id in state.replicas if node_id in isr]
    return PartitionState(state.leader, state.leader_epoch, state.replicas, found)
