"""Records by HTTP: looked through, looked at, written, copied. What the message browser of the console stands on.

    GET  /records/search?topic=orders&regex=paid     server-sent events: hits as they are found, and how far it is
    GET  /records/export?topic=orders&start=1h       all that fit as JSON lines, as `kbroker consume --json` prints them
    GET  /records/one?topic=orders&partition=0&offset=7    one record as a whole, with its batch
    GET  /records/batches?topic=orders&partition=0   how the batches lie in the log, from an offset on
    POST /records/produce                            {"topic": "orders", "records": [{"key": "k", "value": "v"}]}
    POST /records/copy                               a selection to another topic (dead letters back to work); a dry run
                                                     unless "execute" is true

Rows of this file are verbs like those of control (`control/table.py`): typed, checked, and all in /openapi.json. Who
asks is `User:console`, and with an authorizer may read and write what its access rules say.

Where a search begins and ends is written as for `kbroker consume --from`: earliest, latest, an offset, -N, a time, 15m.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from kbroker.control.table import ControlError, row
from kbroker.http.redrive import copy, produce
from kbroker.http.rows import EVENTS, JSON, LINES, Row
from kbroker.http.scanning import Asked, Found, Scan, Span
from kbroker.http.shown import shown_batch, shown_control, shown_record, shown_trouble
from kbroker.http.visiting import Visit
from kbroker.records.filters import Filter, containing, having, in_bounded_time, matching
from kbroker.records.places import is_offset, milliseconds, numbers
from kbroker.records.read import NotUnderstood, Read
from wire.batch import batches
from wire.compression import UnsupportedCompression
from wire.errors import MalformedMessage
from wire.records import iterate, plain_body

if TYPE_CHECKING:
    from kbroker.partitions.partition import Partition
    from wire.batch import Batch

MOST_HITS = 5000
LONGEST_PREVIEW = 4096
LONGEST_FILTER = 1000
READ_BYTES = 256 << 10
MOST_BATCHES = 500


class Whole(NamedTuple):
    """A record with the batch that it came in. `size` is that of the batch's records before compression."""

    record: Any
    batch: Any
    size: int


async def search(
    visit: Visit,
    topic: str,
    partitions: str | None = None,
    start: str = "earliest",
    end: str | None = None,
    text: list[str] | None = None,
    regex: list[str] | None = None,
    path: list[str] | None = None,
    order: str = "oldest",
    limit: int = 100,
    committed: bool = False,
    control: bool = False,
    preview: int = 1024,
    follow: bool = False,
    next: dict[str, int] | None = None,
) -> AsyncIterator[Found]:
    """Records that fit every text, regular expression (RE2's syntax) and JSON path, as they are found. Each filter may
    begin with key:, value: or header.NAME:. `end` is not included. `next` goes on where an earlier search has stopped;
    with `follow` it does not stop at the end. Of a key, value or header `preview` bytes are told."""
    if order not in ("oldest", "newest"):
        raise ControlError("argument", f"order is oldest or newest, not {order!r}")
    if not 1 <= limit <= MOST_HITS or not 1 <= preview <= LONGEST_PREVIEW:
        raise ControlError("argument", f"limit is 1 to {MOST_HITS}, preview 1 to {LONGEST_PREVIEW}")
    if follow and order == "newest":
        raise ControlError("argument", "what comes is followed from the oldest on")
    filters = filters_of(text, regex, path)
    spans = await spans_of(visit, topic, partitions, start, end, committed)
    for span in spans:
        at = (next or {}).get(str(span.index))
        if at is not None and order == "newest":
            span.end = min(span.end, at)
        elif at is not None:
            span.first = max(span.first, at)
    asked = Asked(topic, filters, order == "newest", limit, committed, control, preview)
    scan = Scan(visit.cluster.world, spans, asked)
    async with aclosing(scan.follow() if follow else scan.search()) as found:
        async for news in found:
            yield news


async def export(
    visit: Visit,
    topic: str,
    partitions: str | None = None,
    start: str = "earliest",
    end: str | None = None,
    text: list[str] | None = None,
    regex: list[str] | None = None,
    path: list[str] | None = None,
    committed: bool = False,
) -> AsyncIterator[Any]:
    """All records that fit, one partition after the other, each as the line that `kbroker produce --json` takes."""
    filters = filters_of(text, regex, path)
    for span in await spans_of(visit, topic, partitions, start, end, committed):
        asked = Asked(topic, filters, limit=MOST_HITS, committed=committed)
        while span.left:
            async with aclosing(Scan(visit.cluster.world, [span], asked._replace(limit=100)).search()) as found:
                async for news in found:
                    for record in news.records:
                        if "unreadable" not in record:
                            yield record


async def one(visit: Visit, topic: str, partition: int, offset: int) -> Whole:
    """One record as a whole, and the header of the batch that it came in; ControlError("missing") where there is
    none."""
    log = await visit.partition(topic, partition)
    if log.log_start <= offset < log.high_watermark:
        chunk = await log.read(offset, 1, log.high_watermark)
        for buffer in chunk.buffers:
            for batch in batches(buffer):
                if batch.base_offset <= offset <= batch.last_offset and (
                    found := _whole(log, topic, partition, batch, offset)
                ):
                    return found
    bounds = f"there are {log.log_start} to {log.high_watermark - 1}" if log.high_watermark else "there is none"
    raise ControlError("missing", f"{topic}-{partition} has no record {offset}; {bounds}")


def _whole(log: Partition, topic: str, index: int, batch: Batch, offset: int) -> Whole | None:
    shown = shown_batch(batch, outcome_of(log, batch))
    most = log.rules.max_decompressed_bytes
    if batch.is_control:
        return Whole(shown_control(topic, index, batch), shown, len(batch.body))
    try:
        size = len(plain_body(batch, most))
        for record in iterate(batch, most):
            if record.offset == offset:
                key, value, headers, timestamp, _ = record
                return Whole(shown_record(Read(topic, index, offset, timestamp, key, value, headers)), shown, size)
    except (MalformedMessage, UnsupportedCompression) as error:
        return Whole(shown_trouble(topic, index, batch, str(error)), shown, -1)
    return None


async def batches_(visit: Visit, topic: str, partition: int, offset: int = 0, limit: int = 50) -> list[Any]:
    """The headers of the batches in a log, from the one with that offset on: codec, producer, sequences, transaction,
    control records."""
    if not 1 <= limit <= MOST_BATCHES:
        raise ControlError("argument", f"limit is 1 to {MOST_BATCHES}")
    log = await visit.partition(topic, partition)
    at, found = max(offset, log.log_start), list[Any]()
    while at < log.high_watermark and len(found) < limit:
        chunk = await log.read(at, READ_BYTES, log.high_watermark)
        found += [shown_batch(each, outcome_of(log, each)) for buffer in chunk.buffers for each in batches(buffer)]
        if chunk.next_offset <= at:
            break
        at = chunk.next_offset
    return found[:limit]


def outcome_of(log: Partition, batch: Batch) -> str:
    """What became of the transaction that a batch belongs to."""
    if not batch.is_transactional or batch.is_control:
        return "none"
    if log.undecided.is_aborted(batch):
        return "aborted"
    began = log.undecided.open.get(batch.producer_id)
    return "open" if began is not None and batch.base_offset >= began else "committed"


def filters_of(text: list[str] | None, regex: list[str] | None, path: list[str] | None) -> list[Filter]:
    """All of them; ControlError where one means nothing."""
    if any(len(each) > LONGEST_FILTER for each in (*(text or ()), *(regex or ()), *(path or ()))):
        raise ControlError("argument", f"a filter has {LONGEST_FILTER} characters at most")
    try:
        expressions = [matching(each, in_bounded_time) for each in regex or ()]
        return [*map(containing, text or ()), *expressions, *map(having, path or ())]
    except NotUnderstood as error:
        raise ControlError("argument", str(error)) from None


async def spans_of(
    visit: Visit, topic: str, partitions: str | None, start: str, end: str | None, committed: bool
) -> list[Span]:
    """Where each partition is read, in a moment: what comes later is not part of it."""
    found = visit.topic(topic, "READ")
    try:
        indexes = range(len(found.partitions)) if not partitions else numbers(partitions)
    except NotUnderstood as error:
        raise ControlError("argument", str(error)) from None
    spans = []
    for index in indexes:
        log = await visit.partition(topic, index)
        high = log.bound(committed)
        first = await _offset_of(visit, log, start, high)
        last = high if not end else await _offset_of(visit, log, end, high)
        spans.append(Span(log, index, first, max(first, last)))
    return spans


async def _offset_of(visit: Visit, log: Partition, text: str, high: int) -> int:
    if text == "earliest":
        return log.log_start
    if text == "latest":
        return high
    if text.startswith("-") and text[1:].isdecimal():
        return max(high - int(text[1:]), log.log_start)
    if is_offset(text):
        return min(max(int(text), log.log_start), high)
    try:
        now = datetime.fromtimestamp(visit.cluster.world.time_ms() / 1000, UTC)
        at_ms = milliseconds(text, now=now)
    except NotUnderstood as error:
        raise ControlError("argument", str(error)) from None
    found = await log.offset_for_time(at_ms, high)
    return high if found is None else found.offset


def _row(method: str, function: Any, media: str = JSON) -> Row:
    word = function.__name__.rstrip("_")
    return Row(f"/records/{word}", method, row(f"records.{word}", function), media)


ROWS = (
    _row("GET", search, EVENTS),
    _row("GET", export, LINES),
    _row("GET", one),
    _row("GET", batches_),
    _row("POST", produce),
    _row("POST", copy),
)
