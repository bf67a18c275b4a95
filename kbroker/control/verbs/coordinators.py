"""Coordinators: who coordinates a group or a transactional id, and moving it elsewhere.

A coordinator is the leader of a partition of `__consumer_offsets` or `__transaction_state`; who moves that leader moves
all groups, or ids, of the partition. The new one reads them from the log; whoever waits hears NOT_COORDINATOR. Where it
only seems to be loading or elsewhere, and nothing has moved, is a matter of `faults.loading`.
"""

from __future__ import annotations

from kbroker.catalog.state import NO_LEADER
from kbroker.control.control import Control, refusal
from kbroker.control.shapes import Partition
from kbroker.control.table import ControlError, verb
from kbroker.control.verbs import leaders
from wire.errors import KafkaError

OFFSETS, TRANSACTION_STATE = "__consumer_offsets", "__transaction_state"


@verb
async def get(control: Control, group: str | None = None, transactional_id: str | None = None) -> Partition:
    """The partition whose leader coordinates this group or transactional id."""
    return await leaders.get(control, *await _place(control, group, transactional_id))


@verb
async def move(
    control: Control, group: str | None = None, transactional_id: str | None = None, node: int | None = None
) -> Partition:
    """Let another broker coordinate this group or transactional id: that one, or some other in-sync replica. Where
    there is no other, it is the same again in a new epoch, and has read its log anew."""
    topic, index = await _place(control, group, transactional_id)
    found = await leaders.get(control, topic, index)
    others = [each for each in found.isr if each != found.leader and each in control.cluster.catalog.nodes]
    wanted = node if node is not None else next(iter(others), found.leader)
    try:
        if wanted == found.leader:
            await leaders.move(control, topic, index, None)
        return await leaders.move(control, topic, index, found.replicas[0] if wanted == NO_LEADER else wanted)
    except KafkaError as error:
        raise refusal(error.code, error.message) from None


@verb
async def lose(control: Control, group: str | None = None, transactional_id: str | None = None) -> Partition:
    """Let nobody coordinate this group or transactional id, until it is moved to somebody: FindCoordinator answers
    COORDINATOR_NOT_AVAILABLE."""
    topic, index = await _place(control, group, transactional_id)
    return await leaders.move(control, topic, index, None)


async def _place(control: Control, group: str | None, transactional_id: str | None) -> tuple[str, int]:
    """The partition. Its topic is made if nobody has asked for a coordinator yet."""
    if (group is None) == (transactional_id is None):
        raise ControlError("argument", "a coordinator is that of a group or of a transactional_id")
    cluster = control.cluster
    if group is not None:
        await cluster.catalog.ensure_internal(OFFSETS)
        return OFFSETS, cluster.groups.coordinator(group)
    assert transactional_id is not None
    await cluster.catalog.ensure_internal(TRANSACTION_STATE)
    return TRANSACTION_STATE, cluster.transactions.coordinator(transactional_id)
