"""Partitions that are still reading their log after a start: a handler waits for them before it looks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from kbroker.context import Context
from kbroker.partitions import Partition
from wire.errors import KafkaError

R = TypeVar("R")


def when_open(ctx: Context, asked: Iterable[tuple[str, int]], answer: Callable[[], R]) -> R | Awaitable[R]:
    """The answer, now or when the named partitions (topic, index) are open or have failed to open."""
    catalog, lookup = ctx.cluster.catalog, ctx.cluster.partitions.lookup
    loading = []
    for name, index in asked:
        try:
            partition = lookup(ctx.node.id, catalog.topic(name), index)
        except KafkaError:
            continue
        if partition.is_loading:
            loading.append(partition)
    return _later(loading, answer) if loading else answer()


async def _later(loading: Iterable[Partition], answer: Callable[[], R]) -> R:
    for partition in loading:
        try:
            await partition.ready()
        except KafkaError:
            continue  # it says so again when it is asked
    return answer()
