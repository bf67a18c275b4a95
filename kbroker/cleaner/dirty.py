"""How far a log was compacted, and what is still too young for it.

"Clean up to here" is kept as a checkpoint of the log: the engine forgets it when a cut makes it false, and if it is
lost in a crash, some pieces are compacted once more.
"""

from __future__ import annotations

from storage.engine import Engine

from .settings import FOREVER_MS, Policy

CHECKPOINT = "cleaner"


def first_dirty(engine: Engine, log: str) -> int:
    """Up to where earlier runs have come."""
    start, end = engine.bounds(log)
    notes = engine.checkpoints(log, CHECKPOINT)
    return max(start, notes[0].at) if notes and notes[0].at <= end else start


def young(policy: Policy, now: int) -> int:
    """Pieces with a greater timestamp are too young."""
    return now - policy.min_lag_ms if policy.min_lag_ms else FOREVER_MS
