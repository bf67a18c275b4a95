"""The wire by HTTP: requests with their answers as they come, one of them byte by byte, and what several tell together.

    GET /frames/follow?api=Produce&failed=true           live: server-sent events, each with some rows
    GET /frames/list?connection=7                        rows of what is remembered, the newest last
    GET /frames/one?number=1234                          both frames with every byte named (`trace/annotated.py`)
    GET /frames/group?group=readers                      who said what to a group's coordinator, in order
    GET /frames/transaction?transactional_id=payments    a transaction from its producer's id to its markers
    GET /frames/tap                                      the bytes, for programs: `kbroker trace` (`trace/stream.py`)

Nothing here changes anything; nothing is seen before somebody looks, but where control is on. Who looks sees whatever
clients send: with an authorizer `User:console` needs the right to alter the cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from kbroker.control.control import refusal as refused_by_kafka
from kbroker.control.reading import exchange_of
from kbroker.control.table import ControlError, row
from kbroker.http.bodies import refusal
from kbroker.http.kafka import PRINCIPAL, visitor_of
from kbroker.http.looking import Looking
from kbroker.http.rows import EVENTS, JSON, Row, routes_of
from kbroker.http.tapping import BYTES, pause, tapped
from kbroker.http.wanted import Wanted, wanted
from kbroker.trace.annotated import MOST_NOTES, Annotated
from kbroker.trace.exchange import Exchange, Reading, read
from kbroker.trace.rows import row as row_of_exchange
from wire.errors import ErrorCode

if TYPE_CHECKING:
    from starlette.requests import Request

    from kbroker.broker import Broker
    from kbroker.control.control import Control
    from kbroker.control.history import Chunk, Seen
    from kbroker.world import World

ROWS_S = 0.25
"""How often a list of rows has something to say."""
MOST_ROWS = 25
"""So many in each event: more than that nobody reads. The others are counted."""
MOST_LISTED = 500
WORK_S = 0.004
"""So long rows are looked for at a time, before others have a turn."""
NOTES_A_TURN = 250
SILENT_S = 15.0


class Rows(NamedTuple):
    """Rows, oldest first. `others` are answers that were not looked at: more came than anybody reads; `missed` were
    forgotten before their turn came."""

    rows: list[dict[str, Any]]
    others: int
    missed: int


class Explained(NamedTuple):
    """Both frames annotated; `previous` and `next` are the numbers of the neighbours on the connection."""

    row: dict[str, Any]
    request: dict[str, Any]
    reply: dict[str, Any] | None
    previous: int | None
    next: int | None


class Looker(NamedTuple):
    """Who asks: by a row of this table."""

    broker: Broker
    looking: Looking


def frames_routes(broker: Broker, control: Control | None) -> list[BaseRoute]:
    """The paths of one broker."""
    looking = Looking(broker, control)

    def looker(request: Request) -> Looker:
        if control is None:
            _authorize(broker, visitor_of(request).host)
        return Looker(broker, looking)

    async def tap(request: Request) -> Response:
        try:
            return StreamingResponse(_tapped(looker(request).looking), media_type=BYTES)
        except ControlError as error:
            return refusal(error)

    return [Route("/frames/tap", tap), *routes_of(ROWS, looker)]


async def _tapped(looking: Looking) -> AsyncIterator[bytes]:
    with looking.follow() as follower:
        async for said in tapped(follower, looking.world):
            yield said


def _authorize(broker: Broker, host: str) -> None:
    authorizer = broker.cluster.authorizer
    if authorizer is not None:
        (may,) = authorizer.may(PRINCIPAL, host, "ALTER", "CLUSTER", ("kafka-cluster",))
        if not may:
            raise refused_by_kafka(ErrorCode.CLUSTER_AUTHORIZATION_FAILED, f"{PRINCIPAL} may not alter the cluster")


# --- rows -----------------------------------------------------------------------------------------------------------


async def follow(
    looker: Looker,
    api: list[str] | None = None,
    client: str | None = None,
    topic: str | None = None,
    group: str | None = None,
    error: str | None = None,
    failed: bool = False,
    connection: int | None = None,
) -> AsyncIterator[Rows]:
    """Rows of requests that have been answered, as they come: of these APIs, of clients with this in their id, that
    name this topic or group, with this error, with any. Some times a second the newest that fit; the others are
    counted."""
    looking = looker.looking
    choice = wanted(looker.broker, api, client, topic, group, error, failed, connection)
    silent = 0.0
    with looking.follow() as follower:
        yield Rows([], 0, 0)
        while True:
            await pause(looking.world, ROWS_S)
            silent += ROWS_S
            chunks = follower.take()
            lost, follower.missed = follower.missed, 0
            rows, others = newest(chunks, choice, looking.world)
            if rows or others or lost or silent >= SILENT_S:
                silent = 0.0
                yield Rows(rows, others, lost)


def newest(chunks: list[Chunk], choice: Wanted, world: World) -> tuple[list[dict[str, Any]], int]:
    """The newest rows that fit, oldest first, and how many were not looked at: some are always, and then no more than
    can be in a few milliseconds, whatever has come."""
    end = world.work_time() + WORK_S
    rows: list[dict[str, Any]] = []
    looked = others = 0
    for chunk in reversed(chunks):
        if len(rows) == MOST_ROWS or (looked >= MOST_ROWS and world.work_time() > end):
            others += chunk.count
            continue
        seen = chunk.seen
        for index in range(len(seen) - 1, -1, -1):
            looked += 1
            if len(rows) == MOST_ROWS or (looked > MOST_ROWS and world.work_time() > end):
                others += sum(map(choice.may_be, seen[: index + 1]))
                break
            found = _row_of(seen[index], choice)
            if found is not None:
                rows.append(found)
    rows.reverse()
    return rows, others


async def list_(
    looker: Looker,
    api: list[str] | None = None,
    client: str | None = None,
    topic: str | None = None,
    group: str | None = None,
    error: str | None = None,
    failed: bool = False,
    connection: int | None = None,
    correlation_id: int | None = None,
    limit: int = MOST_LISTED,
) -> Rows:
    """Rows of what is remembered, the newest that fit, in the order in which they came; chosen as in `follow`, or by
    their correlation id."""
    if not 1 <= limit <= MOST_LISTED:
        raise ControlError("argument", f"limit is 1 to {MOST_LISTED}")
    world = looker.looking.world
    choice = wanted(looker.broker, api, client, topic, group, error, failed, connection, correlation_id)
    rows: list[dict[str, Any]] = []
    remembered = looker.looking.history.requests
    left, end = len(remembered), world.work_time() + WORK_S
    for seen in reversed(remembered):
        if len(rows) == limit:
            break
        left -= 1
        found = _row_of(seen, choice)
        if found is not None:
            rows.append(found)
        if world.work_time() > end:
            await asyncio.sleep(0)
            end = world.work_time() + WORK_S
    rows.reverse()
    return Rows(rows, left, 0)


def _row_of(seen: Seen, choice: Wanted) -> dict[str, Any] | None:
    """The row of an exchange, if it is one that is wanted."""
    if not choice.may_be(seen):
        return None
    exchange = exchange_of(seen)
    reading = read(exchange.request, exchange.reply, fields_of_reply=choice.choice.needs_fields)
    return row_of(seen, exchange, reading) if choice.choice.takes(reading) else None


def row_of(seen: Seen, exchange: Exchange, reading: Reading) -> dict[str, Any]:
    """A row of a list, with what only the broker knows."""
    told = row_of_exchange(exchange, reading)
    told["connection"], told["broker"] = seen.connection, seen.node
    told["refused"], told["faults"], told["is_done"] = seen.refused, seen.faults, seen.is_done
    return told


# --- one ------------------------------------------------------------------------------------------------------------


async def one(looker: Looker, number: int, notes: int = MOST_NOTES) -> Explained:
    """One exchange: both frames, each byte with the field that it belongs to, its type, versions, value and meaning;
    so many `notes` of each at most."""
    seen = looker.looking.history.find(number)
    if seen is None:
        raise ControlError("missing", f"request {number} is not remembered any more")
    exchange = exchange_of(seen)
    reading = read(exchange.request, exchange.reply, fields_of_reply=False)
    annotated = Annotated(exchange, reading.key, reading.version, max(1, min(notes, MOST_NOTES)))
    for count, _ in enumerate(annotated.steps(), 1):
        if count % NOTES_A_TURN == 0:
            await asyncio.sleep(0)
    same = [each.number for each in looker.looking.history.requests if each.connection == seen.connection]
    return Explained(
        row=row_of(seen, exchange, reading),
        request=annotated.request,
        reply=annotated.reply,
        previous=max((each for each in same if each < number), default=None),
        next=min((each for each in same if each > number), default=None),
    )


# --- what several tell ----------------------------------------------------------------------------------------------


async def group(looker: Looker, group: str) -> dict[str, Any]:
    """Who said what to a group's coordinator, as far as it is remembered: requests and answers in the order in which
    they went, between them what happened to the group; heartbeats by which nothing changes are counted."""
    from kbroker.http.stories import group_story

    return await group_story(looker.broker, looker.looking, group)


async def transaction(looker: Looker, transactional_id: str) -> dict[str, Any]:
    """What a transactional id has done, as far as it is remembered: its requests, its states as its log has them, and
    the batches and markers in the partitions."""
    from kbroker.http.stories import transaction_story

    return await transaction_story(looker.broker, looker.looking, transactional_id)


def frames_paths() -> dict[str, Any]:
    """What the OpenAPI document says of the one path that is no row."""
    answer = {"description": "a stream", "content": {BYTES: {"schema": {"type": "string"}}}}
    summary = "Every request with its answer from now on, as bytes: what `kbroker trace` reads."
    return {"/frames/tap": {"get": {"operationId": "frames.tap", "summary": summary, "responses": {"200": answer}}}}


def _row(function: Any, media: str = JSON) -> Row:
    word = function.__name__.rstrip("_")
    return Row(f"/frames/{word}", "GET", row(f"frames.{word}", function), media)


ROWS = (_row(follow, EVENTS), _row(list_), _row(one), _row(group), _row(transaction))
