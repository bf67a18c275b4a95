"""The configs that transactions live by, read once: none of them can be changed while the broker runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Settings:
    max_timeout_ms: int = 900_000
    expiration_ms: int = 604_800_000
    expiry_check_interval_ms: int = 3_600_000

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Settings:
        return cls(
            max_timeout_ms=config["transaction.max.timeout.ms"],
            expiration_ms=config["transactional.id.expiration.ms"],
            expiry_check_interval_ms=config["transaction.remove.expired.transaction.cleanup.interval.ms"],
        )
