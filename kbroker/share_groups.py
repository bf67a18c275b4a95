"""What share partitions need of the rest of the broker (kbroker/shares/coordinator.py: Surroundings): the topic that
keeps their state, a group's configs, and somewhere to put the records that nobody could process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kbroker import group_config
from kbroker.catalog.state import GROUP
from kbroker.shares.coordinator import STATE_TOPIC, Shares
from kbroker.shares.settings import NAMES, GroupSettings

if TYPE_CHECKING:
    from kbroker.cluster import Cluster
    from kbroker.server.connection import Connection
    from kbroker.server.server import Server
    from kbroker.shares.acknowledge import Given
    from kbroker.shares.kept import Key

FEATURE, HAS_DEAD_LETTERS = "share.version", 2
MOST_REMEMBERED = 1000
"""Groups whose settings are kept at hand."""


def make_shares(cluster: Cluster, server: Server) -> Shares:
    """Share partitions at work; they hear of connections that end, and a later broker's take the place of these."""
    shares = Shares(cluster.config, cluster.world, cluster.catalog, cluster.partitions, ShareGroups(cluster))
    server.on_lost[:] = [each for each in server.on_lost if not isinstance(each, _Lost)]
    server.on_lost.append(_Lost(shares))
    return shares


class _Lost:
    """A connection has ended; what its members of share groups held is to be had again."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares

    def __call__(self, connection: Connection) -> None:
        self._shares.disconnected(connection.id)


class ShareGroups:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._settings: dict[str, tuple[Mapping[str, str], GroupSettings]] = {}

    def ensure_state_topic(self) -> asyncio.Future[Any]:
        return self._cluster.catalog.ensure_internal(STATE_TOPIC)

    def prune(self, index: int, before: int) -> object:
        topic = self._cluster.catalog.topic(STATE_TOPIC)
        if topic is None:
            return None
        partition = self._cluster.partitions.open(topic, index)
        return partition.delete_records(before) if partition.log_start < before else None

    def group_settings(self, group_id: str) -> GroupSettings:
        """Kept until the group's configs are others: every fetch asks."""
        overrides = self._cluster.catalog.overrides(GROUP, group_id)
        known = self._settings.get(group_id)
        if known is not None and known[0] == overrides:
            return known[1]
        config = self._cluster.config
        found = GroupSettings.of({name: group_config.typed(name, overrides, config) for name in NAMES})
        if len(self._settings) >= MOST_REMEMBERED:
            self._settings.clear()
        self._settings[group_id] = (dict(overrides), found)
        return found

    def give_up(self, key: Key, given: Sequence[Given], settings: GroupSettings) -> asyncio.Future[None] | None:
        """Records that nobody could process go to the dead letter queue, where the group has one (KIP-1191)."""
        cluster = self._cluster
        if not settings.dead_letters or cluster.catalog.features.levels.get(FEATURE, 0) < HAS_DEAD_LETTERS:
            return None
        from kbroker.dead_letters import DeadLetters

        return cluster.world.spawn(DeadLetters(cluster).write(key, given, settings))
