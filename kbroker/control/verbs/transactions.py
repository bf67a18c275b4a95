"""Transactions: how they stand, ending one by force, and waiting for the end of one."""

from __future__ import annotations

from kbroker.control import views
from kbroker.control.control import Control
from kbroker.control.shapes import Transaction
from kbroker.control.table import ControlError, verb


async def _load(control: Control) -> None:
    for runtime in list(control.cluster.transactions.coordinators.all()):
        await runtime.load()


@verb
async def list_(control: Control) -> list[Transaction]:
    """All transactional ids: state, producer id and epoch, partitions of the transaction that is open."""
    await _load(control)
    return views.transactions(control.cluster)


@verb
async def get(control: Control, transactional_id: str) -> Transaction:
    """One transactional id."""
    await _load(control)
    found = _find(control, transactional_id)
    if found is None:
        raise ControlError("missing", f"there is no transactional id {transactional_id}")
    return found


@verb
async def wait(
    control: Control, transactional_id: str, state: str = "CompleteCommit", timeout: float = 10.0
) -> Transaction:
    """Wait until a transactional id is in a state, by the names of ListTransactions: Empty, Ongoing, PrepareCommit,
    PrepareAbort, CompleteCommit, CompleteAbort."""
    await _load(control)

    async def look() -> Transaction | None:
        found = _find(control, transactional_id)
        return found if found is not None and found.state == state else None

    def seen() -> str:
        found = _find(control, transactional_id)
        if found is None:
            known = ", ".join(each.transactional_id for each in views.transactions(control.cluster)) or "none"
            return f"there is no transactional id {transactional_id}; there are {known}"
        return f"{transactional_id} is {found.state} in epoch {found.epoch} (wanted: {state})"

    return await control.watch.until(look, seen, timeout)


def _find(control: Control, transactional_id: str) -> Transaction | None:
    return next((e for e in views.transactions(control.cluster) if e.transactional_id == transactional_id), None)
