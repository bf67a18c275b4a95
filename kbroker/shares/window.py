"""The window of a share partition: the records between its start and its end, and the state of each (Kafka's
SharePartition). Pure: time comes as an argument, and what is to be kept comes back as ranges.

      forgotten   |  Acked   Archived   Acquired by m1   Available   Acquired by m2  |   not yet looked at
                start                                                               end

    everything below the start is done: the start moves over what is done, and nowhere else, and never back
    everything from the end on has never been delivered: the end moves when a member takes records behind it

Records that are alike are one `Run`, as a batch of the log gives them, and stay one until something is said of a part
of it: so nothing here is per record. Runs lie side by side without holes from start to end.

Nobody holds a record that another holds. A count says how often a record was delivered; it grows by one with each time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from kbroker.shares.kept import Range
from kbroker.shares.states import TERMINAL, RecordState

AVAILABLE, ACQUIRED, ACKNOWLEDGED, ARCHIVED = RecordState
NOBODY = ""


class Run:
    """Records in one state, both ends included. `batch` is how many were first delivered together."""

    __slots__ = ("batch", "count", "first", "last", "locked_until", "member", "state")

    def __init__(
        self, first: int, last: int, state: RecordState, count: int, member: str = NOBODY, locked_until: int = 0,
        batch: int = 0,
    ) -> None:  # fmt: skip
        self.first = first
        self.last = last
        self.state = state
        self.count = count
        self.member = member
        self.locked_until = locked_until
        self.batch = batch or last - first + 1

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    def __repr__(self) -> str:
        return f"<Run {self.first}..{self.last} {self.state.name} count={self.count} member={self.member!r}>"


class Window:
    """`acquire.py` and `acknowledge.py` work on it. `changed` are the ranges to be kept, as they gather in one step:
    whoever steps takes them.
    """

    __slots__ = ("_hint", "changed", "end", "runs", "start")

    def __init__(self, start: int, ranges: Iterable[Range] = ()) -> None:
        """As it was kept. What nobody said anything of, between what was said, has not been delivered."""
        self.start = self.end = max(start, 0)
        self.runs: list[Run] = []
        self.changed: list[Range] = []
        self._hint = self.start  # nothing below is available
        for each in ranges:
            if each.last < self.start:
                continue
            self.skip_to(each.first, AVAILABLE)
            self.runs.append(Run(max(each.first, self.start), each.last, RecordState(each.state), each.deliveries))
            self.end = each.last + 1
        self.advance()

    # --- reading ----------------------------------------------------------------------------------------------------

    def begin(self, start: int) -> None:
        """Where a window begins of which nothing is known."""
        self.start = self.end = self._hint = start

    @property
    def size(self) -> int:
        """How many records are on their way: none of them may be forgotten yet."""
        return self.end - self.start

    @property
    def done(self) -> int:
        """How many of them need not be delivered any more."""
        return sum([run.size for run in self.runs if run.state in TERMINAL])

    def next_offset(self) -> int:
        """Where to fetch: the first record that may be had again, else the first that was never delivered."""
        for at in range(self.index(self._hint), len(self.runs)):
            if self.runs[at].state is AVAILABLE:
                self._hint = self.runs[at].first
                return self._hint
        self._hint = self.end
        return self.end

    def room(self, limit: int) -> bool:
        """May anything be taken now? What comes back may always, new records while there is room for them."""
        return self.size < limit or self.next_offset() < self.end

    def index(self, offset: int) -> int:
        """Which run holds this offset, or the first one behind it."""
        at = bisect_right(self.runs, offset, key=_first) - 1
        return at + 1 if at < 0 or self.runs[at].last < offset else at

    def between(self, first: int, last: int) -> Iterator[Run]:
        """The runs of which something lies in that range."""
        for at in range(self.index(first), len(self.runs)):
            if self.runs[at].first > last:
                return
            yield self.runs[at]

    def next_expiry(self) -> int | None:
        """When the next lock expires."""
        return min([run.locked_until for run in self.runs if run.state is ACQUIRED], default=None)

    # --- changing ---------------------------------------------------------------------------------------------------

    def split(self, offset: int) -> None:
        """From now on a run begins at this offset, if any holds it."""
        at = self.index(offset)
        if at < len(self.runs) and self.runs[at].first < offset:
            run = self.runs[at]
            rest = Run(offset, run.last, run.state, run.count, run.member, run.locked_until, run.batch)
            run.last = offset - 1
            self.runs.insert(at + 1, rest)

    def cut(self, first: int, last: int) -> Sequence[Run]:
        """The runs of exactly that range."""
        self.split(first)
        self.split(last + 1)
        return list(self.between(first, last))

    def skip_to(self, offset: int, state: RecordState) -> None:
        """The window grows up to this offset, with records that nobody has been given."""
        if offset > self.end:
            self.runs.append(Run(self.end, offset - 1, state, 0))
            self.end = offset

    def settle(self, run: Run, state: RecordState, count: int) -> None:
        """A run that nobody holds any more, to be kept as it is now."""
        run.state, run.count, run.member = state, count, NOBODY
        if state is AVAILABLE:
            self._hint = min(self._hint, run.first)
        self.changed.append(Range(run.first, run.last, state, count))

    def advance(self) -> None:
        """The start moves over what is done."""
        done = 0
        for run in self.runs:
            if run.state not in TERMINAL:
                break
            done += 1
        if done:
            self.start = self.runs[done - 1].last + 1
            del self.runs[:done]
            self._hint = max(self._hint, self.start)

    def forget_below(self, log_start: int) -> None:
        """The log begins at `log_start` now: what lay before it is gone, whoever had it."""
        if log_start <= self.start:
            return
        self.split(log_start)
        del self.runs[: self.index(log_start)]
        self.start = log_start
        self.end = max(self.end, log_start)
        self._hint = max(self._hint, log_start)
        self.advance()


def _first(run: Run) -> int:
    return run.first
