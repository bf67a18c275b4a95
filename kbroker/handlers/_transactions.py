"""What the handlers of transactions share: how an answer of the coordinator, or its refusal, becomes a response."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from kbroker.context import Context
from wire.errors import ErrorCode, KafkaError

R = TypeVar("R")


def asked(
    ctx: Context,
    ask: Callable[[], asyncio.Future[Any]],
    answer: Callable[[Any], R],
    refuse: Callable[[ErrorCode], R],
) -> R | asyncio.Future[R]:
    """The response to a question, now or later. Bugs stay exceptions; a KafkaError is an answer like any other."""
    try:
        question = ask()
    except KafkaError as error:
        return refuse(error.code)

    def settled() -> R:
        try:
            found = question.result()
        except KafkaError as error:
            return refuse(error.code)
        return answer(found)

    if question.done():
        return settled()
    response: asyncio.Future[R] = ctx.cluster.world.future()

    def done(_: asyncio.Future[Any]) -> None:
        if response.done():
            return
        try:
            response.set_result(settled())
        except Exception as error:
            response.set_exception(error)

    question.add_done_callback(done)
    return response


def fenced(code: ErrorCode, knows_producer_fenced: bool) -> ErrorCode:
    """Clients from before KIP-588 know only one word for it."""
    if code is ErrorCode.PRODUCER_FENCED and not knows_producer_fenced:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    return code
