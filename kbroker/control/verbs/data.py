"""The data as a whole: emptied, kept, brought back. Clients are let go of each time; the port stays."""

from __future__ import annotations

from kbroker.control.control import Control
from kbroker.control.table import verb


@verb
async def reset(control: Control, keep: str = "") -> None:
    """Forget everything: topics, records, groups, configs that were set at run time; with keep="topics" the topics stay
    with their configs. Faults and the history go too; a frozen clock stays frozen. Leader epochs, producer ids and the
    like go on upwards."""
    control.forget()
    await control.anew.reset(keep)
    control.forget()


@verb
async def snapshot(control: Control) -> int:
    """Keep everything as it is now. The number to restore it by."""
    return await control.anew.snapshot()


@verb
async def restore(control: Control, snapshot: int) -> None:
    """Bring back what was kept: topics with their ids, records, committed offsets, configs. Nobody is in the groups,
    and transactions that were open are aborted. As often as one likes."""
    await control.anew.restore(snapshot)


@verb
def forget(control: Control, snapshot: int) -> None:
    """Let go of a snapshot."""
    control.anew.forget(snapshot)


@verb
def allow_auto_create(control: Control) -> None:
    """After a reset: let clients that were connected before it make topics again by asking for them."""
    control.guard.lift()
