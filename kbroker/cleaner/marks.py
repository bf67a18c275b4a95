"""Which transactions of a log were aborted, and which have nothing left but their marker. Pure.

All of it is in the log itself: a producer's transactional batch belongs to the transaction that ends with that
producer's next marker. `survey` is told every marker of the log first; afterwards batches are asked about in the order
of the log. Below the last stable offset no transaction is open, so every batch there has its marker, though perhaps
above that offset.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import islice

from wire.batch import Batch
from wire.errors import MalformedMessage
from wire.records import ABORT, COMMIT, control_type, iterate


class Marks:
    """See the file's story."""

    def __init__(self) -> None:
        self._ends: dict[int, list[int]] = {}
        self._aborts: set[int] = set()
        self._open: set[int] = set()

    def survey(self, batch: Batch) -> None:
        """A batch of the log, in order; only markers matter."""
        if batch.is_control and batch.is_transactional and (kind := marker_of(batch)) is not None:
            self._ends.setdefault(batch.producer_id, []).append(batch.base_offset)
            if kind == ABORT:
                self._aborts.add(batch.base_offset)

    def is_aborted(self, batch: Batch) -> bool:
        """Whether the batch's records were never valid."""
        if not batch.is_transactional or batch.is_control:
            return False
        ends = self._ends.get(batch.producer_id, [])
        at = bisect_right(ends, batch.base_offset)
        return at < len(ends) and ends[at] in self._aborts

    def begin(self) -> None:
        """The log is gone through from its start once more."""
        self._open = set()

    def is_done_with(self, batch: Batch) -> bool:
        """Asked of every batch in order: whether nothing of it is needed any more (Kafka: shouldDiscardBatch). Of
        data: it was aborted. Of a marker: no batch of its transaction was met on the way to it."""
        if not batch.is_transactional:
            return False
        if not batch.is_control:
            self._open.add(batch.producer_id)
            return self.is_aborted(batch)
        if batch.count and marker_of(batch) is None:
            return False
        if batch.producer_id in self._open:
            self._open.discard(batch.producer_id)
            return False
        return True


def marker_of(batch: Batch) -> int | None:
    """ABORT or COMMIT; None for another control batch, or one that is empty."""
    try:
        record = next(islice(iterate(batch), 1), None)
        kind = None if record is None else control_type(record)
    except MalformedMessage:
        return None
    return kind if kind in (ABORT, COMMIT) else None
