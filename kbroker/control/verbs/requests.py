"""What clients have sent, and what they were answered: the history of requests, and the ends of connections."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator

from kbroker.control.control import Control
from kbroker.control.history import Seen
from kbroker.control.reading import Filter, bare, read
from kbroker.control.shapes import Connection, Frame, Request
from kbroker.control.table import ControlError, verb

MOST_WAITING = 10_000


@verb
def list_(
    control: Control,
    api: str | None = None,
    client_id: str | None = None,
    connection: int | None = None,
    since: int = 0,
    failed: bool = False,
    limit: int = 10_000,
) -> list[Request]:
    """Requests with their responses, decoded, in the order in which they came: of one API, client id or connection;
    those after the number `since`; those that met an error. The newest, if there are more than `limit`."""
    wanted = Filter(api, client_id, connection, since, failed)
    return list(wanted.find(list(control.recorded.requests)))[-limit:]


@verb
async def wait(
    control: Control,
    api: str,
    count: int = 1,
    client_id: str | None = None,
    since: int = 0,
    failed: bool = False,
    timeout: float = 10.0,
) -> list[Request]:
    """Wait until so many such requests have been answered."""
    wanted = Filter(api, client_id, None, since, failed)
    done: list[Request] = []

    async def look() -> list[Request] | None:
        nonlocal done
        answered = [seen for seen in control.recorded.requests if seen.reply is not None or seen.refused]
        done = list(wanted.find(answered))
        return done if len(done) >= count else None

    def seen() -> str:
        everything = Filter(None, client_id, None, since).find(list(control.recorded.requests))
        others = sorted({each.api for each in everything})
        return f"{len(done)} of {count} requests {api} were answered; seen were {', '.join(others) or 'none'}"

    return await control.watch.until(look, seen, timeout)


@verb
def mark(control: Control) -> int:
    """The number of the newest request: what comes later comes after it (`since`)."""
    requests = control.recorded.requests
    return requests[-1].number if requests else 0


@verb
def clear(control: Control) -> None:
    """Forget what was seen."""
    control.recorded.clear()


@verb
def disconnects(control: Control) -> list[Connection]:
    """The connections that have ended, each with the reason."""
    return list(control.recorded.ended)


@verb
def frames(control: Control, since: int = 0) -> list[Frame]:
    """The bytes themselves, both ways, without their size in front: base64."""
    return [_frame(seen) for seen in control.recorded.requests if seen.number > since]


@verb
async def tap(control: Control) -> AsyncIterator[Frame]:
    """The bytes of every request from now on, once it has been answered."""
    async for seen in heard(control):
        yield _frame(seen)


def _frame(seen: Seen) -> Frame:
    request, reply = bare(seen)
    return Frame(
        number=seen.number,
        at_ms=seen.at_ms,
        took_ms=round(seen.took_s * 1000, 3),
        connection=seen.connection,
        request=b64encode(request).decode(),
        reply=None if reply is None else b64encode(reply).decode(),
    )


@verb
async def follow(control: Control, api: str | None = None, client_id: str | None = None) -> AsyncIterator[Request]:
    """Every request from now on, once it has been answered."""
    wanted = Filter(api, client_id)
    async for seen in heard(control):
        for found in wanted.find([seen]):
            yield found


async def heard(control: Control) -> AsyncIterator[Seen]:
    """Who listens too slowly misses the oldest."""
    queue: asyncio.Queue[Seen] = asyncio.Queue(MOST_WAITING)

    def hear(news: object) -> None:
        if isinstance(news, Seen):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(news)

    control.listeners.append(hear)
    try:
        while True:
            yield await queue.get()
    finally:
        control.listeners.remove(hear)


def find(control: Control, number: int) -> Request:
    """One request by its number."""
    seen = next((each for each in control.recorded.requests if each.number == number), None)
    if seen is None:
        raise ControlError("missing", f"request {number} is not remembered")
    return read(seen)
