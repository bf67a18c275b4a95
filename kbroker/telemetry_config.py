"""Client metrics subscriptions (KIP-714): which clients push which metrics, and how often.

A subscription is a resource of these three configs. `match` holds patterns for what is known of a client, as
`client_id=reader-.*`; a client has to match all of them.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import NamedTuple

from kbroker.config import ConfigError, canonical
from wire.errors import ErrorCode, KafkaError


class Entry(NamedTuple):
    name: str
    type: str
    default: str
    valid: str | None = None
    doc: str = ""


TABLE = {
    entry.name: entry
    for entry in (
        Entry("interval.ms", "INT", "300000", doc="How often clients push their metrics."),
        Entry("match", "LIST", "", doc="Which clients: what=regular expression, all of which must match."),
        Entry("metrics", "LIST", "", doc="Which metrics, by prefixes of their names; * for all."),
    )
}
LEAST_INTERVAL_MS, MOST_INTERVAL_MS = 100, 3_600_000
KNOWN_OF_CLIENTS = (
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
)


def check(texts: Mapping[str, str]) -> dict[str, str]:
    """A subscription as it is kept, or a KafkaError in Kafka's words."""
    kept = {}
    for name, text in texts.items():
        if name not in TABLE:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown client metrics configuration: {name}")
        try:
            kept[name] = canonical(TABLE[name], text)
        except ConfigError as error:
            raise KafkaError(ErrorCode.INVALID_CONFIG, str(error)) from None
    interval = kept.get("interval.ms")
    if interval is not None and not LEAST_INTERVAL_MS <= int(interval) <= MOST_INTERVAL_MS:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"Invalid value {interval} for interval.ms, interval must be between 100 and 3600000 (1 hour)",
        )
    for pattern in filter(None, kept.get("match", "").split(",")):
        if not _holds(pattern):
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Illegal client matching pattern: {pattern}")
    return kept


def _holds(pattern: str) -> bool:
    what, equals, expression = pattern.partition("=")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # [[ may mean something else one day
            re.compile(expression)
    except re.error:
        return False
    return bool(equals) and what.strip() in KNOWN_OF_CLIENTS
