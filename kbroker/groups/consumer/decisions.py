"""Who may do what in a consumer group: checks as pure functions, refusals in Kafka's words."""

from __future__ import annotations

from collections.abc import Mapping

from kbroker.groups.consumer.assignment import Assignment, is_within
from kbroker.groups.consumer.reconcile import Current
from wire.errors import ErrorCode, KafkaError


def check_epoch(current: Current, epoch: int, owned: Assignment | None) -> None:
    """A heartbeat comes with the member's epoch; or with the one before, when the answer that told it the new one was
    lost. Then it must say what it owns, and own nothing that is not its own.
    """
    if epoch == current.epoch:
        return
    if epoch > current.epoch:
        raise _fenced("greater", epoch, current.epoch)
    if epoch != current.previous_epoch or owned is None or not is_within(owned, current.assigned):
        raise _fenced("smaller", epoch, current.epoch)


def _fenced(which: str, epoch: int, known: int) -> KafkaError:
    return KafkaError(
        ErrorCode.FENCED_MEMBER_EPOCH,
        f"The consumer group member has a {which} member epoch ({epoch}) than the one known by the group coordinator "
        f"({known}). The member must abandon all its partitions and rejoin.",
    )


def check_room(members: Mapping[str, object], member_id: str, most: int) -> None:
    if len(members) >= most and member_id not in members:
        text = f"The consumer group has reached its maximum capacity of {most} members."
        raise KafkaError(ErrorCode.GROUP_MAX_SIZE_REACHED, text)


def may_commit(current: Current, epoch: int, topic_id: bytes, index: int) -> bool:
    """A member commits in its epoch; or in an earlier one, if it has had the partition since then (KIP-1251). So a
    commit that crosses a heartbeat on its way is not lost.
    """
    if epoch == current.epoch:
        return True
    given = current.assigned.get(topic_id, {}).get(index)
    if given is None:
        given = current.revoking.get(topic_id, {}).get(index)
    return given is not None and given <= epoch < current.epoch


def unknown_member(member_id: str, group_id: str) -> KafkaError:
    return KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, f"Member {member_id} is not a member of group {group_id}.")


def unknown_instance(instance_id: str) -> KafkaError:
    return KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, f"Instance id {instance_id} is unknown.")


def fenced_instance(member_id: str, instance_id: str, holder: str) -> KafkaError:
    return KafkaError(
        ErrorCode.FENCED_INSTANCE_ID,
        f"Static member {member_id} with instance id {instance_id} was fenced by member {holder}.",
    )


def unreleased_instance(member_id: str, instance_id: str, holder: str) -> KafkaError:
    return KafkaError(
        ErrorCode.UNRELEASED_INSTANCE_ID,
        f"Static member {member_id} with instance id {instance_id} cannot join the group because the instance id is "
        f"owned by {holder} member.",
    )
