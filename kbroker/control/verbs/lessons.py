"""What is wrong with the frames that clients send, and how far somebody has come with the exercises of docs/learn/."""

from __future__ import annotations

from collections.abc import AsyncIterator

from kbroker.control.control import Control
from kbroker.control.history import Seen
from kbroker.control.table import ControlError, verb
from kbroker.control.verbs.requests import heard
from kbroker.learn.exercises import Sent, check, seen, told
from kbroker.learn.hearing import exchange_of
from kbroker.learn.lessons import EXERCISES
from kbroker.learn.shapes import Checked, Told


def _exchanges(control: Control, since: int = 0) -> list[Sent]:
    found = [exchange_of(each, "") for each in control.recorded.requests if each.number > since and _is_over(each)]
    return seen(found, {})


def _is_over(each: Seen) -> bool:
    return each.reply is not None or bool(each.refused)


@verb
def wrong(control: Control, since: int = 0) -> list[Told]:
    """The requests after number `since` that something is wrong with, to the byte: also what Kafka lets pass."""
    return [found for each in _exchanges(control, since) if (found := told(each)) is not None]


@verb
async def follow(control: Control) -> AsyncIterator[Told]:
    """Each request from now on that something is wrong with."""
    async for each in heard(control):
        found = told(Sent(exchange_of(each, "")))
        if found is not None:
            yield found


@verb
def check_(control: Control, number: int) -> Checked:
    """How far the clients of this broker have come with an exercise."""
    exercise = next((each for each in EXERCISES if each.number == number), None)
    if exercise is None:
        raise ControlError("missing", f"there is no exercise {number}; there are 1 to {len(EXERCISES)}")
    return check(exercise, _exchanges(control))
