"""Transactions: how they stand, ending one by force, and waiting for the end of one."""

from __future__ import annotations

from kbroker.control import views
from kbroker.control.control import Control, accept, refusal
from kbroker.control.shapes import Transaction
from kbroker.control.table import ControlError, verb
from kbroker.transactions.events import UseUp
from kbroker.transactions.transaction import LAST_EPOCH
from wire.errors import KafkaError
from wire.messages.init_producer_id import InitProducerIdRequest

TRANSACTION_STATE = "__transaction_state"


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
async def use_up(control: Control, transactional_id: str, left: int = 0) -> Transaction:
    """Let the epochs of a transactional id be used up but for so many: with none left the next InitProducerId, or the
    next end of a transaction of version 2, gives a new producer id. It is made if it is not there; a producer that is
    at it is fenced, so this comes before one begins."""
    await _load(control)
    if _find(control, transactional_id) is None:
        wish = InitProducerIdRequest(transactional_id=transactional_id, transaction_timeout_ms=60_000)
        await control.cluster.catalog.ensure_internal(TRANSACTION_STATE)
        index = control.cluster.transactions.coordinator(transactional_id)
        leader = views.coordinator_of(control.cluster, TRANSACTION_STATE, index)
        accept((await control.ask(wish, leader)).error_code)
    coordinator = control.cluster.transactions.coordinators.of(transactional_id)
    try:
        await coordinator.ask(lambda ticket: UseUp(ticket, transactional_id, LAST_EPOCH - left))
    except KafkaError as error:
        raise refusal(error.code, error.message) from None
    return await get(control, transactional_id)


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
