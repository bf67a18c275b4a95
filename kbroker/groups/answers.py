"""Answers that come now or later: how a handler goes on with them, without a task.

What is done already is answered at once, and no further future is made: that is so for most requests of a broker in
memory, and for those that write nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from wire.errors import KafkaError

if TYPE_CHECKING:
    from kbroker.world import World

R = TypeVar("R")


def then(world: World, asked: asyncio.Future[Any], answer: Callable[[Any], R]) -> R | asyncio.Future[R]:
    """`answer` of what was asked. Whatever went wrong goes wrong here too."""
    if asked.done():
        return answer(asked.result())
    answered: asyncio.Future[R] = world.future()

    def done(_: asyncio.Future[Any]) -> None:
        if answered.done():
            return
        try:
            answered.set_result(answer(asked.result()))
        except Exception as error:
            answered.set_exception(error)

    asked.add_done_callback(done)
    return answered


def gather(world: World, questions: Sequence[Callable[[], asyncio.Future[Any]]]) -> asyncio.Future[list[Any]]:
    """The answers to all questions, in their order. A `KafkaError`, raised or answered, stands in its place."""
    answers: list[Any] = [None] * len(questions)
    everything: asyncio.Future[list[Any]] = world.future()
    missing = len(questions)

    def done(at: int, asked: asyncio.Future[Any]) -> None:
        nonlocal missing
        missing -= 1
        if everything.done():
            return
        try:
            answers[at] = asked.result()
        except KafkaError as error:
            answers[at] = error
        except Exception as error:
            everything.set_exception(error)
            return
        if not missing:
            everything.set_result(answers)

    for at, ask in enumerate(questions):
        try:
            asked = ask()
        except KafkaError as error:
            asked = world.future()
            asked.set_exception(error)
        if asked.done():
            done(at, asked)
        else:
            asked.add_done_callback(partial(done, at))
    if not questions:
        everything.set_result(answers)
    return everything
