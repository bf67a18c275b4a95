"""What clients have sent, and what they were answered: the history of requests, and the ends of connections."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator

from kbroker.control.control import Control
from kbroker.control.history import Seen
from kbroker.control.reading import Filter, exchange_of, read
from kbroker.control.shapes import Connection, Frame, Request
from kbroker.control.table import ControlError, verb


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
    return list(wanted.find(control.recorded.requests))[-limit:]


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
        answered = [seen for seen in control.recorded.requests if seen.is_done]
        done = list(wanted.find(answered))
        return done if len(done) >= count else None

    def seen() -> str:
        everything = Filter(None, client_id, None, since).find(control.recorded.requests)
        others = sorted({each.api for each in everything})
        return f"{len(done)} of {count} requests {api} were answered; seen were {', '.join(others) or 'none'}"

    return await control.watch.until(look, seen, timeout)


@verb
def mark(control: Control) -> int:
    """The number of the newest request: what comes later comes after it (`since`)."""
    return control.recorded.last


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
    """The bytes themselves, both ways, without their size in front, the first 64 KiB of each: base64."""
    return [_frame(seen) for seen in control.recorded.requests if seen.number > since]


@verb
async def tap(control: Control) -> AsyncIterator[Frame]:
    """The bytes of every request from now on, once it has been answered."""
    async for seen in heard(control):
        yield _frame(seen)


def _frame(seen: Seen) -> Frame:
    exchange = exchange_of(seen)
    return Frame(
        number=seen.number,
        at_ms=seen.at_ms,
        took_ms=exchange.took_ms,
        connection=seen.connection,
        request=b64encode(exchange.request).decode(),
        reply=None if exchange.reply is None else b64encode(exchange.reply).decode(),
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
    follower = control.recorded.follow()
    moved = asyncio.Event()
    control.listeners.append(moved.set)
    try:
        while True:
            for chunk in follower.take():
                for seen in chunk.seen:
                    yield seen
            await moved.wait()
            moved.clear()
    finally:
        control.listeners.remove(moved.set)


def find(control: Control, number: int) -> Request:
    """One request by its number."""
    seen = control.recorded.find(number)
    if seen is None:
        raise ControlError("missing", f"request {number} is not remembered")
    return read(seen)
