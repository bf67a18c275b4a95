"""Reading from a near follower (KIP-392). A leader that has `replica.selector.class` tells a client that names its rack
which in-sync replica stands there, and reads nothing for it; a follower answers from what it has copied.

As Kafka's `RackAwareReplicaSelector`: a leader in the rack is near enough, and of several followers the one that has
copied most is taken. Any follower answers clients of v11 and later, whether somebody has sent them or not.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._fetched import Slot
from kbroker.partitions import Partition
from wire.errors import ErrorCode
from wire.messages.fetch import FetchRequest

NOBODY = -1
SELECTOR = "RackAwareReplicaSelector"


def rack_of(request: FetchRequest, ctx: Context) -> str:
    """The client's rack, if anybody is to look for a replica there; else empty."""
    selector: str | None = ctx.cluster.config["replica.selector.class"]
    return request.rack_id if selector is not None and selector.endswith(SELECTOR) else ""


def examine(slot: Slot, partition: Partition, ctx: Context, rack: str) -> None:
    """What is told of a partition that was examined as its leader sees it: by whoever only follows, and by a leader
    that a client of this rack has asked."""
    if slot.is_final:
        return
    offset = slot.interest.fetch_offset
    if partition.replicas.leader != ctx.node.id:
        mark = partition.replicas.mark(ctx.node.id)
        if offset > mark:
            slot.refuse(ErrorCode.OFFSET_OUT_OF_RANGE)
            return
        slot.bound = min(slot.bound, mark)
        slot.high_watermark = min(slot.high_watermark, mark)
        slot.last_stable_offset = min(slot.last_stable_offset, mark)
    elif rack and (nearer := _nearer(ctx, partition, offset, rack)) != NOBODY:
        slot.preferred_read_replica = nearer  # nothing is read: the client goes there
        slot.is_final = True


def _nearer(ctx: Context, partition: Partition, offset: int, rack: str) -> int:
    """The in-sync follower of that rack that has the offset; -1 where the leader is as good."""
    nodes, replicas = ctx.cluster.catalog.nodes, partition.replicas
    if ctx.node.rack == rack:
        return NOBODY
    there = [
        node_id
        for node_id in replicas.in_sync
        if (node := nodes.get(node_id)) is not None and node.rack == rack and replicas.mark(node_id) >= offset
    ]
    return max(there, key=lambda node_id: (replicas.mark(node_id), -node_id), default=NOBODY)
