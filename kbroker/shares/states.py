"""The states of a record in a share group (KIP-932), as a table. The numbers are those of the log."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class RecordState(IntEnum):
    AVAILABLE = 0
    ACQUIRED = 1
    ACKNOWLEDGED = 2
    ARCHIVED = 4


class Acknowledge(IntEnum):
    """What a member says of a record; the numbers are those of the protocol."""

    GAP = 0
    ACCEPT = 1
    RELEASE = 2
    REJECT = 3
    RENEW = 4


class RecordRow(NamedTuple):
    meaning: str
    is_kept: bool
    next: frozenset[RecordState]


_AVAILABLE, _ACQUIRED, _ACKNOWLEDGED, _ARCHIVED = RecordState

RECORD_STATES = {
    _AVAILABLE: RecordRow(
        "Whoever fetches next gets it. It may have been delivered before.",
        True,
        frozenset({_ACQUIRED, _ARCHIVED}),
    ),
    _ACQUIRED: RecordRow(
        "One member has it, until it says what became of it, ends its session, or its lock expires. After a restart it "
        "is Available.",
        False,
        frozenset({_AVAILABLE, _ACKNOWLEDGED, _ARCHIVED}),
    ),
    _ACKNOWLEDGED: RecordRow("It was processed.", True, frozenset()),
    _ARCHIVED: RecordRow(
        "Nobody gets it any more: it was rejected, delivered too often, is gone from the log, or is no record at all.",
        True,
        frozenset(),
    ),
}

TERMINAL = frozenset({_ACKNOWLEDGED, _ARCHIVED})

OUTCOMES = {
    Acknowledge.GAP: _ARCHIVED,
    Acknowledge.ACCEPT: _ACKNOWLEDGED,
    Acknowledge.RELEASE: _AVAILABLE,
    Acknowledge.REJECT: _ARCHIVED,
}
"""What a record becomes. A renewed one stays as it is. One that is released for the last time is Archived."""
