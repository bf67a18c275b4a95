"""The configs that streams groups live by: the broker's, and what a group sets for itself (`streams.*`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

OVERRIDES = (
    "streams.acceptable.recovery.lag",
    "streams.assignment.interval.ms",
    "streams.heartbeat.interval.ms",
    "streams.initial.rebalance.delay.ms",
    "streams.num.standby.replicas",
    "streams.rack.aware.assignment.tags",
    "streams.session.timeout.ms",
    "streams.task.offset.interval.ms",
)


class StreamsSettings(NamedTuple):
    is_on: bool = True
    max_size: int = 2_147_483_647
    acceptable_recovery_lag: int = 10_000
    assignment_interval_ms: int = 0
    heartbeat_interval_ms: int = 5_000
    initial_rebalance_delay_ms: int = 0
    standby_replicas: int = 0
    rack_aware_tags: tuple[str, ...] = ()
    session_timeout_ms: int = 45_000
    task_offset_interval_ms: int = 60_000

    def of_group(self, overrides: Mapping[str, Any]) -> StreamsSettings:
        """With what holds for one group: a value for each of OVERRIDES."""
        return StreamsSettings(self.is_on, self.max_size, *[overrides[name] for name in OVERRIDES])

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> StreamsSettings:
        return cls(
            "streams" in config["group.coordinator.rebalance.protocols"],
            config["group.streams.max.size"],
            *[config[f"group.{name}"] for name in OVERRIDES],
        )

    def for_assignment(self) -> dict[str, str]:
        """What the target assignment depends on, as it is kept with the group's epoch: another value is a rebalance."""
        configs = {STANDBY_REPLICAS: str(self.standby_replicas)}
        if self.rack_aware_tags:
            configs["rack.aware.assignment.tags"] = ",".join(self.rack_aware_tags)
        return configs


STANDBY_REPLICAS = "num.standby.replicas"
