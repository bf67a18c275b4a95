"""What the handlers of transactions share: how an answer of the coordinator, or its refusal, becomes a response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from kbroker.context import LATER, Context, Later
from kbroker.machine import Ticket
from wire.errors import ErrorCode, KafkaError

R = TypeVar("R")


class _Asking(Generic[R]):
    """The asker of one request, between the coordinator and it."""

    __slots__ = ("_answered", "_ctx", "_refused")

    def __init__(self, ctx: Context, answered: Callable[[Any], R], refused: Callable[[ErrorCode], R]) -> None:
        self._ctx = ctx
        self._answered = answered
        self._refused = refused

    def response(self, found: Any) -> R:
        """Bugs stay exceptions; a KafkaError is an answer like any other."""
        if isinstance(found, KafkaError):
            return self._refused(found.code)
        if isinstance(found, Exception):
            raise found
        return self._answered(found)

    def answer(self, response: Any) -> None:
        try:
            answer: object = self.response(response)
        except Exception as error:
            answer = error
        self._ctx.answer(answer)


def asked(
    ctx: Context,
    transactional_id: str,
    make_event: Callable[[Ticket], object],
    answered: Callable[[Any], R],
    refused: Callable[[ErrorCode], R],
) -> R | Later:
    """The response to a question to the coordinator of that id, now or later."""
    asking = _Asking(ctx, answered, refused)
    try:
        found = ctx.cluster.transactions.serve(ctx, transactional_id, asking, make_event(Ticket(asking)))
    except KafkaError as error:
        return refused(error.code)
    return LATER if found is LATER else asking.response(found)


def fenced(code: ErrorCode, knows_producer_fenced: bool) -> ErrorCode:
    """Clients from before KIP-588 know only one word for it."""
    if code is ErrorCode.PRODUCER_FENCED and not knows_producer_fenced:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    return code
