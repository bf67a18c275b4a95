"""A member says what became of records that it holds; or holds them no longer, because its session has ended or its
lock has expired.

Everything that one request says of a partition is right, or nothing of it happens. What is below the start of the
window is done already: there is nothing to say of it, and no harm in saying it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from kbroker.shares.states import OUTCOMES, Acknowledge
from kbroker.shares.window import ACQUIRED, ARCHIVED, AVAILABLE, Run, Window
from wire.errors import ErrorCode, KafkaError

KNOWN_TYPES = frozenset(Acknowledge)


class Said(NamedTuple):
    """A range and what became of it: one word for all, or one for each record."""

    first: int
    last: int
    types: Sequence[int]

    def parts(self, start: int) -> Iterator[tuple[int, int, Acknowledge]]:
        """The ranges of which the same was said, without what lies below the start."""
        if len(self.types) == 1:
            yield max(self.first, start), self.last, Acknowledge(self.types[0])
            return
        at = self.first
        for kind, alike in groupby(self.types):
            end = at + len(list(alike))
            if end > start:
                yield max(at, start), end - 1, Acknowledge(kind)
            at = end


class Given(NamedTuple):
    """Records that are given up: nobody could process them."""

    first: int
    last: int
    deliveries: int
    was_rejected: bool


def acknowledge(
    window: Window, member: str, said: Sequence[Said], locked_until: int, deliveries: int
) -> list[Given]:
    """Raises KafkaError, and then nothing has changed. Answers what was given up."""
    last = -1
    for each in said:
        _check(window, member, each)
        if each.first <= last:
            raise _not_held("The offset cannot be acknowledged. The offset is not acquired.")
        last = each.last
    given: list[Given] = []
    for each in said:
        for first, last, kind in each.parts(window.start):
            for run in window.cut(first, last):
                if kind is Acknowledge.RENEW:
                    run.locked_until = locked_until
                    continue
                outcome = OUTCOMES[kind]
                if kind is Acknowledge.REJECT or (outcome is AVAILABLE and run.count >= deliveries):
                    given.append(Given(run.first, run.last, run.count, kind is Acknowledge.REJECT))
                    outcome = ARCHIVED
                window.settle(run, outcome, run.count)
    window.advance()
    return given


def _check(window: Window, member: str, said: Said) -> None:
    if not KNOWN_TYPES.issuperset(said.types):
        types = ", ".join([str(kind) for kind in said.types])
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Invalid acknowledge type: [{types}]")
    if said.last < window.start:
        return
    if not window.runs:
        raise _not_held("Batch record not found. The request batch offsets are not found in the cache.")
    if said.first >= window.end:
        raise _beyond("first")
    if said.last >= window.end:
        raise _beyond("last")
    for run in window.between(max(said.first, window.start), said.last):
        if run.state is not ACQUIRED:
            raise _not_held("The batch cannot be acknowledged. The batch is not in the acquired state.")
        if run.member != member:
            raise _not_held("Member is not the owner of batch record")


def _not_held(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_RECORD_STATE, text)


def _beyond(which: str) -> KafkaError:
    text = f"Batch record not found. The {which} offset in request is past acquired records."
    return KafkaError(ErrorCode.INVALID_REQUEST, text)


def release(window: Window, member: str, deliveries: int) -> list[Given]:
    """The member's session has ended. Answers what was given up."""
    return _let_go(window, lambda run: run.member == member, deliveries)


def expire(window: Window, now: int, deliveries: int) -> list[Given]:
    """Locks whose time is over. Answers what was given up."""
    return _let_go(window, lambda run: run.locked_until <= now, deliveries)


def _let_go(window: Window, which: Callable[[Run], bool], deliveries: int) -> list[Given]:
    given = []
    for run in [run for run in window.runs if run.state is ACQUIRED and which(run)]:
        is_last = run.count >= deliveries
        if is_last:
            given.append(Given(run.first, run.last, run.count, False))
        window.settle(run, ARCHIVED if is_last else AVAILABLE, run.count)
    window.advance()
    return given
