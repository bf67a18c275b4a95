"""Authorized operations: which operations a principal may do with a resource, as one bit each (KIP-430).

A bit is 1 << the operation's number in Kafka's AclOperation. Which operations make sense differs by the kind of
resource; who may do all of them on a topic gets 3576, on the cluster 8096, on a group 3400.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kbroker.acls import CLUSTER_NAME, OPERATIONS

if TYPE_CHECKING:
    from kbroker.context import Context

SENSIBLE = {
    "TOPIC": ("READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"),
    "CLUSTER": (
        "CREATE",
        "ALTER",
        "DESCRIBE",
        "CLUSTER_ACTION",
        "DESCRIBE_CONFIGS",
        "ALTER_CONFIGS",
        "IDEMPOTENT_WRITE",
    ),
    "GROUP": ("READ", "DELETE", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"),
}


def authorized_operations(ctx: Context, resource_type: str, names: Sequence[str]) -> list[int]:
    """One set of bits for each name."""
    bits = [0] * len(names)
    for operation in SENSIBLE[resource_type]:
        bit = 1 << OPERATIONS[operation]
        for at, allowed in enumerate(ctx.authorize(operation, resource_type, names)):
            if allowed:
                bits[at] |= bit
    return bits


def authorized_on_cluster(ctx: Context) -> int:
    """What the principal may do with the cluster; nothing is told to those who may not describe it."""
    if not ctx.authorize("DESCRIBE", "CLUSTER", (CLUSTER_NAME,))[0]:
        return 0
    return authorized_operations(ctx, "CLUSTER", (CLUSTER_NAME,))[0]


__all__ = ["CLUSTER_NAME", "SENSIBLE", "authorized_on_cluster", "authorized_operations"]
