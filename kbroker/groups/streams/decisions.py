"""Who may do what in a streams group: checks as pure functions, refusals in Kafka's words."""

from __future__ import annotations

from collections.abc import Mapping

from kbroker.groups.streams.configure import Configured
from kbroker.groups.streams.reconcile import Current
from kbroker.groups.streams.tasks import Tasks
from kbroker.groups.streams.topology import Topology
from wire.errors import ErrorCode, KafkaError


def check_epoch(current: Current, epoch: int, owned: Tasks | None) -> None:
    """A heartbeat comes with the member's epoch; or with the one before, when the answer that told it the new one was
    lost. Then it must say what it has, and have nothing that is not its own.
    """
    if epoch == current.epoch:
        return
    if epoch > current.epoch:
        raise _fenced("greater", epoch, current.epoch)
    assigned = current.assigned
    is_its_own = owned is not None and (
        owned.active <= assigned.active.keys() and owned.standby <= assigned.standby and owned.warmup <= assigned.warmup
    )
    if epoch != current.previous_epoch or not is_its_own:
        raise _fenced("smaller", epoch, current.epoch)


def _fenced(which: str, epoch: int, known: int) -> KafkaError:
    return KafkaError(
        ErrorCode.FENCED_MEMBER_EPOCH,
        f"The streams group member has a {which} member epoch ({epoch}) than the one known by the group coordinator "
        f"({known}). The member must abandon all its partitions and rejoin.",
    )


def check_room(members: Mapping[str, object], member_id: str, most: int) -> None:
    if len(members) >= most and member_id not in members:
        text = f"The streams group has reached its maximum capacity of {most} members."
        raise KafkaError(ErrorCode.GROUP_MAX_SIZE_REACHED, text)


def choose_topology(known: Topology | None, brought: Topology | None) -> Topology:
    """The group's is that of its first member. Who brings an older one is told so, but stays."""
    if brought is None or (known is not None and known.epoch > brought.epoch):
        if known is None:
            raise KafkaError(ErrorCode.STREAMS_INVALID_TOPOLOGY, "The group has no topology, and none was sent.")
        return known
    if known is not None and known != brought:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Topology updates are not supported yet.")
    return brought if known is None else known


def check_tasks(owned: Tasks | None, configured: Configured) -> None:
    """A member can only have tasks that there are."""
    if owned is None or not configured.is_ready:
        return
    assert configured.subtopologies is not None
    for subtopology_id, index in sorted(owned.active) + sorted(owned.standby) + sorted(owned.warmup):
        subtopology = configured.subtopologies.get(subtopology_id)
        if subtopology is None:
            raise _invalid(f"Subtopology {subtopology_id} does not exist in the topology.")
        if not 0 <= index < subtopology.tasks:
            raise _invalid(
                f"Task {index} for subtopology {subtopology_id} is invalid. Number of tasks for this subtopology: "
                f"{subtopology.tasks}"
            )


def _invalid(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, text)
