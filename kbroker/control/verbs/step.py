"""Step mode: the clock stands, requests wait and go on one by one, with the broker's state before and after."""

from __future__ import annotations

from collections.abc import AsyncIterator

from kbroker.control.control import Control
from kbroker.control.shapes import Step, Steps
from kbroker.control.table import verb


@verb
def begin(control: Control) -> Steps:
    """Freeze the clock and hold every request from now on. Requests that wait already, as a Fetch does for records,
    go on waiting."""
    return control.stepping.begin()


@verb
def state(control: Control) -> Steps:
    """Whether step mode is on, and the requests that wait, the oldest first."""
    return control.stepping.steps()


@verb
async def follow(control: Control) -> AsyncIterator[Steps]:
    """The same, now and whenever it changes."""
    async for steps in control.stepping.follow():
        yield steps


@verb
async def next_(control: Control, id: int | None = None) -> Step:
    """Let one request go on, the oldest or the one of this id, and wait until the broker has come to rest: what the
    groups, transactions and logs were before, and what they are then."""
    return await control.stepping.next(id)


@verb
def end(control: Control) -> Steps:
    """Let all requests go, and time run again if it ran before."""
    return control.stepping.end()
