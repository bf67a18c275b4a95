"""What the handlers of streams groups have in common: whether there are any."""

from __future__ import annotations

from kbroker.context import Context


def streams_groups_are_on(ctx: Context) -> bool:
    """By the config, and by the finalized feature (KIP-584)."""
    cluster = ctx.cluster
    return cluster.groups.settings.streams.is_on and cluster.catalog.features.levels.get("streams.version", 0) > 0
