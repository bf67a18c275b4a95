"""The disk: full, slow, and lost."""

from __future__ import annotations

from kbroker.control.control import Control
from kbroker.control.table import verb


@verb
def full(control: Control, on: bool = True) -> None:
    """Refuse every write as a full disk does, until it is switched off: producers hear KAFKA_STORAGE_ERROR, reads go
    on."""
    control.disk.set(is_full=on)


@verb
def slow(control: Control, delay_ms: int = 0) -> None:
    """Let every write take so much longer; 0 is as fast as it can be."""
    control.disk.set(delay_ms=delay_ms)


@verb
async def crash(control: Control) -> int:
    """Lose the power, and start again: connections break, and what was written but never synced is gone. In memory that
    is everything since the start. How many bytes were lost."""
    return await control.anew.crash()
