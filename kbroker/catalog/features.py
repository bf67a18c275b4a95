"""Finalized features and how UpdateFeatures changes them (KIP-584), in the words of Kafka's `FeatureControlManager`.

A level of 0 takes a feature away. What the broker brings is finalized when it first starts on its data; from then on
the levels are the user's, until a broker comes that brings another level. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wire.errors import ErrorCode, KafkaError

UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE = 1, 2, 3
# What Apache Kafka 4.4 supports: a client acts on what is finalized.
SUPPORTED: Mapping[str, tuple[int, int]] = {
    "group.version": (0, 1),
    "kraft.version": (0, 1),
    "metadata.version": (7, 33),
    "share.version": (0, 2),
    "streams.version": (0, 1),
    "transaction.version": (0, 2),
    "eligible.leader.replicas.version": (0, 1),
}
METADATA = "metadata.version"
KRAFT = "kraft.version"


class FeatureUpdate(NamedTuple):
    name: str
    level: int
    upgrade_type: int


def updated(
    updates: Sequence[FeatureUpdate], levels: Mapping[str, int], supported: Mapping[str, tuple[int, int]], node_id: int
) -> dict[str, int]:
    """All levels after the updates, or a KafkaError: one that fails is the end of all."""
    after = dict(levels)
    for update in updates:
        reason = _fault(update, levels.get(update.name, 0), supported.get(update.name), node_id)
        if reason is not None:
            raise KafkaError(
                ErrorCode.INVALID_UPDATE_VERSION,
                f"The update failed for all features since the following feature had an error: {reason}",
            )
        after[update.name] = update.level
    return after


def _fault(update: FeatureUpdate, present: int, supported: tuple[int, int] | None, node_id: int) -> str | None:
    name, level, upgrade_type = update
    start = f"Invalid update version {level} for feature {name}. "
    if upgrade_type not in (UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE):
        return start + "The controller does not support the given upgrade type."
    if level < 0:
        return start + "A feature version cannot be less than 0."
    if supported is None:
        return start + f"Local controller {node_id} does not support this feature."
    low, high = supported
    if not low <= level <= high:
        return start + f"Local controller {node_id} only supports versions {low}-{high}"
    if level >= present:
        return None
    if name == KRAFT:
        return start + "Can't downgrade the version of this feature."
    if upgrade_type == UPGRADE:
        return start + (
            "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe "
            "downgrade."
        )
    if name == METADATA:
        return f"Unsupported metadata.version downgrade from {present} to {level}. " + (
            "Refusing to perform the requested downgrade because it might delete metadata information."
            if upgrade_type == SAFE_DOWNGRADE
            else "Unsafe metadata downgrade is not supported in this version."
        )
    return None
