"""Where a partition goes when somebody moves it: other replicas (KIP-455), another leader (KIP-183, KIP-460).

There is one log whoever holds it, so a replica that is added has all of it at once, and a reassignment is complete
when it is answered: there is never one to list or to cancel. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kbroker.catalog import placement
from kbroker.catalog.state import PartitionState
from wire.errors import ErrorCode, KafkaError

PREFERRED, UNCLEAN = 0, 1


def reassigned(
    state: PartitionState, replicas: Sequence[int] | None, live: Collection[int], *, may_change_count: bool
) -> PartitionState:
    """The partition on other replicas. None calls a reassignment off."""
    if replicas is None:
        raise KafkaError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
    placement.check_replicas(replicas, live, None)
    if len(replicas) != len(state.replicas) and not may_change_count:
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"The replication factor is changed from {len(state.replicas)} to {len(replicas)}",
        )
    in_sync = [replica for replica in replicas if replica in state.isr or replica not in state.replicas]
    if not in_sync:
        raise KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, "None of the replicas is in sync.")
    if state.leader in in_sync:
        return PartitionState(state.leader, state.leader_epoch, list(replicas), in_sync)
    return PartitionState(in_sync[0], state.leader_epoch + 1, list(replicas), in_sync)


def elected(state: PartitionState, election_type: int, live: Collection[int]) -> PartitionState:
    """The partition under the leader that an election brings; raises when there is none to be had or to be made."""
    if election_type == PREFERRED:
        preferred = state.replicas[0]
        if state.leader == preferred and preferred in live:
            raise _not_needed()
        if preferred not in live or preferred not in state.isr:
            raise KafkaError(
                ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE.message
            )
        return PartitionState(preferred, state.leader_epoch + 1, state.replicas, state.isr)
    if state.leader in live:
        raise _not_needed()
    candidates = [replica for replica in state.replicas if replica in live]
    if not candidates:
        raise KafkaError(
            ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE.message
        )
    clean = [replica for replica in candidates if replica in state.isr]
    leader = (clean or candidates)[0]
    return PartitionState(leader, state.leader_epoch + 1, state.replicas, state.isr if clean else [leader])


def _not_needed() -> KafkaError:
    return KafkaError(ErrorCode.ELECTION_NOT_NEEDED, "Leader election not needed for topic partition.")
