"""A mix of faults that a correct client survives: nothing in it loses what was acknowledged, or changes what is read.

    of a hundred requests, at level 1
    delayed, by up to 50 ms                                    10
    their connection drops, before or after they are handled    1 and 1
    Produce, Fetch, ListOffsets refused: another leader         2
    group and transaction requests refused: no coordinator,     1 and 1
        or it is loading
    Metadata comes late, by up to 100 ms                        5

Level 2 is three times as much, level 3 eight times. Every part has dice of its own, made of the seed: the same requests
meet the same faults.
"""

from __future__ import annotations

from collections.abc import Iterator

from kbroker.control.shapes import Effect, Match, When
from kbroker.control.table import ControlError

_TIMES = {1: 1.0, 2: 3.0, 3: 8.0}
_LED = ["Produce", "Fetch", "ListOffsets"]
_COORDINATED = [
    "JoinGroup", "SyncGroup", "Heartbeat", "OffsetCommit", "OffsetFetch", "ConsumerGroupHeartbeat", "InitProducerId",
    "AddPartitionsToTxn", "AddOffsetsToTxn", "EndTxn",
]  # fmt: skip


def mix(seed: int, level: int) -> Iterator[tuple[str, Match, When, Effect]]:
    """Name, which, when and what of every part."""
    if level not in _TIMES:
        raise ControlError("argument", f"chaos has the levels 1, 2 and 3, not {level}")
    parts = (
        ("delay", 0.10, None, Effect(jitter_ms=50)),
        ("drop before", 0.01, None, Effect(drop="before")),
        ("drop after", 0.01, None, Effect(drop="after")),
        ("another leader", 0.02, _LED, Effect(errors=["NOT_LEADER_OR_FOLLOWER"])),
        ("no coordinator", 0.01, _COORDINATED, Effect(errors=["COORDINATOR_NOT_AVAILABLE"])),
        ("loading", 0.01, _COORDINATED, Effect(errors=["COORDINATOR_LOAD_IN_PROGRESS"])),
        ("late metadata", 0.05, ["Metadata"], Effect(jitter_ms=100)),
    )
    for number, (name, share, apis, effect) in enumerate(parts):
        when = When(probability=min(0.5, share * _TIMES[level]), seed=seed * len(parts) + number)
        yield f"chaos: {name}", Match(api=apis), when, effect
