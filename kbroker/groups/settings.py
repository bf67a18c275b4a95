"""The configs that groups live by, read once: none of them can be changed while the broker runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kbroker.groups.streams.settings import StreamsSettings

NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000
"""How long a member that has never been in a generation may wait for its first one (Kafka's
group.new.member.join.timeout.ms).
"""


@dataclass(frozen=True, slots=True)
class Settings:
    initial_rebalance_delay_ms: int = 0
    min_session_timeout_ms: int = 6_000
    max_session_timeout_ms: int = 1_800_000
    max_size: int = 2_147_483_647
    offset_metadata_max_bytes: int = 4_096
    offsets_retention_ms: int = 10_080 * 60_000
    offsets_check_interval_ms: int = 600_000
    has_consumer_protocol: bool = True
    assignors: tuple[str, ...] = ("uniform", "range")
    assignment_interval_ms: int = 0
    consumer_heartbeat_interval_ms: int = 5_000
    consumer_session_timeout_ms: int = 45_000
    consumer_max_size: int = 2_147_483_647
    share_assignment_interval_ms: int = 0
    share_heartbeat_interval_ms: int = 5_000
    share_session_timeout_ms: int = 45_000
    share_max_size: int = 200
    may_upgrade: bool = True
    may_downgrade: bool = True
    streams: StreamsSettings = field(default_factory=StreamsSettings)

    def of_group(self, overrides: Mapping[str, Any]) -> Settings:
        """With what a consumer group sets for itself."""
        return replace(
            self,
            assignment_interval_ms=overrides["consumer.assignment.interval.ms"],
            consumer_heartbeat_interval_ms=overrides["consumer.heartbeat.interval.ms"],
            consumer_session_timeout_ms=overrides["consumer.session.timeout.ms"],
        )

    def of_share_group(self, overrides: Mapping[str, Any]) -> Settings:
        """With what a share group sets for itself."""
        return replace(
            self,
            share_assignment_interval_ms=overrides["share.assignment.interval.ms"],
            share_heartbeat_interval_ms=overrides["share.heartbeat.interval.ms"],
            share_session_timeout_ms=overrides["share.session.timeout.ms"],
        )

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Settings:
        migration = config["group.consumer.migration.policy"].lower()
        return cls(
            initial_rebalance_delay_ms=config["group.initial.rebalance.delay.ms"],
            min_session_timeout_ms=config["group.min.session.timeout.ms"],
            max_session_timeout_ms=config["group.max.session.timeout.ms"],
            max_size=config["group.max.size"],
            offset_metadata_max_bytes=config["offset.metadata.max.bytes"],
            offsets_retention_ms=config["offsets.retention.minutes"] * 60_000,
            offsets_check_interval_ms=config["offsets.retention.check.interval.ms"],
            has_consumer_protocol="consumer" in config["group.coordinator.rebalance.protocols"],
            assignors=tuple(config["group.consumer.assignors"]),
            assignment_interval_ms=config["group.consumer.assignment.interval.ms"],
            consumer_heartbeat_interval_ms=config["group.consumer.heartbeat.interval.ms"],
            consumer_session_timeout_ms=config["group.consumer.session.timeout.ms"],
            consumer_max_size=config["group.consumer.max.size"],
            share_assignment_interval_ms=config["group.share.assignment.interval.ms"],
            share_heartbeat_interval_ms=config["group.share.heartbeat.interval.ms"],
            share_session_timeout_ms=config["group.share.session.timeout.ms"],
            share_max_size=config["group.share.max.size"],
            may_upgrade=migration in ("upgrade", "bidirectional"),
            may_downgrade=migration in ("downgrade", "bidirectional"),
            streams=StreamsSettings.of(config),
        )
