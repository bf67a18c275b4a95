"""A member takes records: of what the log has given, everything that nobody holds and that is not done.

What comes back for another delivery goes first, as it lies in the window. What was never delivered is taken batch by
batch of the log, and told in ranges of at least `batch_size` records, so that an acknowledgement can name them in few
words.

    batch_optimized   whole batches, even if that is more than was asked for (KIP-932)
    record_limit      never more than was asked for (KIP-1206)

A record that was delivered often may be what breaks its consumers, and with it all that is delivered together. So from
half of the allowed deliveries on a batch is delivered alone and in ever smaller parts, and each record by itself when
it is for the last time: only the bad one is given up.

The log says which offsets there are. Offsets that it skips are no records, and records of aborted transactions are none
for who reads committed ones: both are Archived in passing, which need not be kept, since the log says it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kbroker.shares.window import ACQUIRED, ARCHIVED, AVAILABLE, Run, Window

BATCH_OPTIMIZED, RECORD_LIMIT = 0, 1


class Span(NamedTuple):
    """A batch of the log, both ends included; `skip` if its records were aborted."""

    first: int
    last: int
    skip: bool = False


class Acquired(NamedTuple):
    first: int
    last: int
    deliveries: int


class Taking(NamedTuple):
    """Who takes how much. `locks` is how many records of a partition may be on their way, `deliveries` how often a
    record is delivered at most.
    """

    member: str
    locked_until: int
    max_records: int
    batch_size: int
    mode: int = BATCH_OPTIMIZED
    locks: int = 2000
    deliveries: int = 5

    @property
    def is_strict(self) -> bool:
        return self.mode == RECORD_LIMIT

    @property
    def suspicious(self) -> int:
        """The count from which on a record is delivered with few others."""
        return max(2, (self.deliveries + 1) // 2)


def acquire(window: Window, offset: int, spans: Sequence[Span], taking: Taking) -> list[Acquired]:
    """`spans` are what the log has from `offset` on, in order; the first may begin before it."""
    if not spans or taking.max_records <= 0:
        return []
    first, last = max(spans[0].first, window.start), spans[-1].last
    room = taking.locks - window.size
    if room <= 0:  # only what comes back may be taken
        last = min(last, window.end - 1)
        room = window.end - offset
    left = min(taking.max_records, room)
    if left <= 0:
        return []
    _drop(window, offset, first - 1)
    for span in spans:
        if span.skip:
            _drop(window, max(span.first, first), span.last)
    taken: list[Acquired] = []
    for run in list(window.between(first, min(last, window.end - 1))):
        if run.state is not AVAILABLE:
            continue
        if left <= 0 or (run.count >= taking.suspicious and taken):
            break
        part = _part(window, run, first, last, left, taking)
        left -= part.size
        taken.append(_take(part, taking))
        if part.count > taking.suspicious:
            break
    else:
        if left > 0 and window.end <= last:
            taken += _acquire_new(window, spans, left, taking)
    window.advance()
    return taken


def _part(window: Window, run: Run, first: int, last: int, left: int, taking: Taking) -> Run:
    """As much of an available run as may be taken now."""
    at = max(run.first, first)
    size = min(run.last, last) - at + 1
    if taking.is_strict:
        size = min(size, left)
    if run.count >= taking.suspicious:
        size = min(size, max(1, run.batch >> (run.count - taking.suspicious + 1)))
    if taking.deliveries > 2 and run.count == taking.deliveries - 1:
        size = 1
    return window.cut(at, at + size - 1)[0]


def _take(run: Run, taking: Taking) -> Acquired:
    run.state, run.member, run.locked_until = ACQUIRED, taking.member, taking.locked_until
    run.count += 1
    return Acquired(run.first, run.last, run.count)


def _acquire_new(window: Window, spans: Sequence[Span], left: int, taking: Taking) -> list[Acquired]:
    """Records that were never delivered, in batches of the log. What is being gathered into one range begins at `first`
    and ends at the window's end.
    """
    taken: list[Acquired] = []
    first: int | None = None
    for span in spans:
        if span.last < window.end:
            continue
        if first is not None and not taking.is_strict and span.first - first >= taking.batch_size:
            window.end = max(window.end, span.first)
            taken.append(_grow(window, first, taking))
            first = None
        elif first is not None and span.skip:
            taken.append(_grow(window, first, taking))
            first = None
        if left <= 0:
            break
        if span.skip:
            window.skip_to(span.last + 1, ARCHIVED)
            continue
        if first is None:
            window.skip_to(span.first, ARCHIVED)
            first = window.end
        end = min(span.last + 1, window.end + left) if taking.is_strict else span.last + 1
        left -= end - window.end
        window.end = end
    if first is not None:
        taken.append(_grow(window, first, taking))
    return taken


def _grow(window: Window, first: int, taking: Taking) -> Acquired:
    run = Run(first, window.end - 1, AVAILABLE, 0)
    window.runs.append(run)
    return _take(run, taking)


def _drop(window: Window, first: int, last: int) -> None:
    """What was to be had of this range is no record."""
    for run in list(window.between(first, last)):
        if run.state is AVAILABLE:
            for part in window.cut(max(run.first, first), min(run.last, last)):
                part.state = ARCHIVED
