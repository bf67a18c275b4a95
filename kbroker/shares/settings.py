"""What a share group lives by: its own configs, or the broker's behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

LATEST, EARLIEST, BY_DURATION = "latest", "earliest", "by_duration:"
READ_COMMITTED = "read_committed"
DEAD_LETTERS = "errors.deadletterqueue."


class GroupSettings(NamedTuple):
    lock_ms: int
    locks: int
    deliveries: int
    read_committed: bool
    renews: bool
    reset: str
    dead_letters: str
    copies_dead_letters: bool

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> GroupSettings:
        return cls(
            values["share.record.lock.duration.ms"],
            values["share.partition.max.record.locks"],
            values["share.delivery.count.limit"],
            values["share.isolation.level"] == READ_COMMITTED,
            values["share.renew.acknowledge.enable"],
            values["share.auto.offset.reset"],
            values[DEAD_LETTERS + "topic.name"],
            values[DEAD_LETTERS + "copy.record.enable"],
        )


NAMES = (
    "share.record.lock.duration.ms",
    "share.partition.max.record.locks",
    "share.delivery.count.limit",
    "share.isolation.level",
    "share.renew.acknowledge.enable",
    "share.auto.offset.reset",
    DEAD_LETTERS + "topic.name",
    DEAD_LETTERS + "copy.record.enable",
)

_UNITS = {"D": 86_400_000, "H": 3_600_000, "M": 60_000, "S": 1_000}


def duration_ms(text: str) -> int:
    """Of an ISO 8601 duration of days, hours, minutes and seconds, as `by_duration:` has it: PT1H30M."""
    total, number = 0.0, ""
    for letter in text:
        if letter in _UNITS:
            total += float(number) * _UNITS[letter]
            number = ""
        elif letter not in "PT":
            number += letter
    return int(total)
