"""ListTransactions: the transactional ids that this node coordinates (KIP-664).

    state_filters  names that nobody knows come back as unknown_state_filters, and match nothing
    v1  duration_filter: open, or ended, longer than so many ms ago since it began; -1 for all (KIP-994)
    v2  transactional_id_pattern: a regular expression of RE2's syntax that the whole id has to match; null or empty
        for all, INVALID_REGULAR_EXPRESSION (128) (KIP-1152)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kbroker.context import Context
from kbroker.groups.answers import gather, then
from kbroker.transactions.events import ListAll
from kbroker.transactions.states import BY_TITLE
from kbroker.transactions.transaction import Transaction
from wire.errors import ErrorCode, KafkaError
from wire.messages.list_transactions import ListTransactionsRequest, ListTransactionsResponse, TransactionState


def list_transactions(
    request: ListTransactionsRequest, ctx: Context
) -> ListTransactionsResponse | asyncio.Future[ListTransactionsResponse]:
    unknown = [name for name in request.state_filters if name not in BY_TITLE]
    matches = _pattern(request.transactional_id_pattern)
    questions = ctx.cluster.transactions.ask_all(
        ctx,
        lambda ticket: ListAll(
            ticket, request.state_filters, request.producer_id_filters, request.duration_filter, matches
        ),
    )

    def answer(found: list[list[tuple[str, Transaction]] | KafkaError]) -> ListTransactionsResponse:
        listed = []
        for each in found:
            if isinstance(each, KafkaError):
                return ListTransactionsResponse(
                    error_code=ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, unknown_state_filters=[], transaction_states=[]
                )
            listed += each
        allowed = ctx.authorize("DESCRIBE", "TRANSACTIONAL_ID", [name for name, _ in listed])
        return ListTransactionsResponse(
            error_code=ErrorCode.NONE,
            unknown_state_filters=unknown,
            transaction_states=[
                TransactionState(
                    transactional_id=name,
                    producer_id=transaction.producer_id,
                    transaction_state=transaction.state.title,
                )
                for (name, transaction), may in zip(listed, allowed, strict=True)
                if may
            ],
        )

    world = ctx.cluster.world
    return then(world, gather(world, questions), answer)


def _pattern(text: str | None) -> Callable[[str], object] | None:
    if not text:
        return None
    from kbroker.patterns import InvalidPattern, Pattern

    try:
        return Pattern(text).matches
    except InvalidPattern as error:
        raise KafkaError(ErrorCode.INVALID_REGULAR_EXPRESSION, str(error)) from None
