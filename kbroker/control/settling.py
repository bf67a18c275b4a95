"""Letting the broker come to rest: everything that has begun is done, as far as it waits for nobody outside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kbroker.transactions.states import PREPARED

if TYPE_CHECKING:
    from kbroker.cluster import Cluster
    from kbroker.runtime import Runtime

QUIET_TURNS = 4  # of the loop: what one step has set off is seen in the next ones
LONGEST_SECONDS = 5.0


def made(cluster: Cluster, name: str) -> Any:
    """A part that is made at its first use, if it has been."""
    return None if name in cluster.late else getattr(cluster, name, None)


def runtimes(cluster: Cluster) -> Iterator[Runtime[Any]]:
    """The coordinators that serve."""
    for name in ("groups", "transactions"):
        part = made(cluster, name)
        if part is not None:
            yield from part.coordinators.serving()


async def settle(cluster: Cluster) -> None:
    """Until nothing moves any more; a disk that takes longer than a few seconds is not waited for."""
    end = cluster.world.loop_time() + LONGEST_SECONDS
    quiet = 0
    while quiet < QUIET_TURNS and cluster.world.loop_time() < end:
        await asyncio.sleep(0)
        quiet = quiet + 1 if _rests(cluster) else 0


def _rests(cluster: Cluster) -> bool:
    cleaner, transactions = made(cluster, "cleaner"), made(cluster, "transactions")
    if cleaner is not None and not cleaner.is_idle:
        return False
    if any(not runtime.is_settled for runtime in runtimes(cluster)):
        return False
    return transactions is None or not any(
        known.state in PREPARED
        for runtime in transactions.coordinators.serving()
        for known in runtime.machine.ids.values()
    )
