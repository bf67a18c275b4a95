"""Transactions as a partition sees them: what is open in it, and what was aborted (KIP-98). Pure.

A producer's transaction begins here with its first transactional batch, and ends with a marker that the coordinator
has written. Readers of committed records see nothing from the first open transaction on: that is the last stable
offset. Of what lies below they are told which stretches were aborted, and skip those themselves.

A batch counts from the moment in which it gets its place, as it does for producers. Nothing is shown too early by
that: what is still on its way lies above the high watermark. But a marker does not free what it ends before the high
watermark has passed it: until then the transaction is `ending`.

A first write needs an admission (KIP-890): whoever is about to write asks the coordinator first whether the partition
is part of the transaction. An admission is lost when a marker comes in between, so that no late answer can open a
transaction that nobody would ever end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from wire.batch import Batch
from wire.errors import ErrorCode, KafkaError
from wire.records import ABORT, COMMIT, control_type, iterate

NOT_ADDED = "Partition was not added to the transaction"  # Kafka's words


class Aborted(NamedTuple):
    """A stretch of one producer that readers of committed records skip: from its first batch to its marker. `stable`
    is the first offset that was still undecided then.
    """

    producer_id: int
    first: int
    last: int
    stable: int


class Ended(NamedTuple):
    """What a marker says, as it stands in its batch."""

    committed: bool
    coordinator_epoch: int


class _Ending(NamedTuple):
    first: int
    marker: int
    producer_id: int


class Admission:
    """A question to the coordinator, or its good answer: the object itself is the proof."""

    __slots__ = ("epoch", "lowest_sequence")

    def __init__(self, epoch: int, lowest_sequence: int) -> None:
        self.epoch = epoch
        self.lowest_sequence = lowest_sequence


class Undecided:
    """`open` has the first offset of every open transaction by producer id, in the order of the log."""

    __slots__ = ("_admissions", "_ending", "aborted", "open")

    def __init__(self, opened: Iterable[tuple[int, int]] = (), aborted: Iterable[Aborted] = ()) -> None:
        self.open: dict[int, int] = dict(opened)
        self.aborted: list[Aborted] = list(aborted)
        self._ending: list[_Ending] = []
        self._admissions: dict[int, Admission] = {}

    # --- admission ----------------------------------------------------------------------------------------------------

    def admission(self, producer_id: int, epoch: int, sequence: int) -> Admission:
        """The coordinator is being asked. Whatever is on its way at the same time shares the admission."""
        found = self._admissions.get(producer_id)
        if found is None:
            found = self._admissions[producer_id] = Admission(epoch, sequence)
        elif epoch > found.epoch or (epoch == found.epoch and sequence < found.lowest_sequence):
            found.epoch, found.lowest_sequence = epoch, sequence
        return found

    def check(self, batch: Batch, admission: Admission) -> None:
        """May this batch be written on the strength of that admission? Raises KafkaError."""
        if self._admissions.get(batch.producer_id) is not admission:
            raise KafkaError(ErrorCode.INVALID_TXN_STATE, NOT_ADDED)
        if batch.base_sequence > admission.lowest_sequence:
            message = f"sequence {admission.lowest_sequence} of producer {batch.producer_id} is still on its way"
            raise KafkaError(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, message)

    # --- what is written ----------------------------------------------------------------------------------------------

    def follow(self, batch: Batch, offset: int) -> Ended | None:
        """A transactional batch has got this place, or was found there. What it says if it is a marker."""
        producer_id = batch.producer_id
        if not batch.is_control:
            if producer_id not in self.open:
                self.open[producer_id] = offset
                self._admissions.pop(producer_id, None)
            return None
        ended = ended_by(batch)
        if ended is not None:
            self._admissions.pop(producer_id, None)
            first = self.open.pop(producer_id, None)
            if first is not None:
                if not ended.committed:
                    stable = min((*self.open.values(), offset + 1))
                    self.aborted.append(Aborted(producer_id, first, offset, stable))
                self._ending.append(_Ending(first, offset, producer_id))
        return ended

    def forget_below(self, start: int) -> None:
        """The log begins at `start` now."""
        self.aborted = [each for each in self.aborted if each.last >= start]

    # --- what readers ask ---------------------------------------------------------------------------------------------

    def stable(self, high_watermark: int, log_start: int) -> int:
        """The last stable offset: up to here everything is decided, and the decision is below the high watermark."""
        if not self.open and not self._ending:
            return high_watermark
        if self._ending:
            self._ending = [each for each in self._ending if each.marker >= high_watermark]
        first = min([high_watermark, *[each.first for each in self._ending]])
        for opened in self.open.values():
            first = min(first, opened)
            break  # the first one is the earliest
        return min(high_watermark, max(first, log_start))

    def aborted_between(self, start: int, end: int) -> list[Aborted]:
        """Every aborted transaction of which something may lie in [start, end)."""
        found = []
        for each in self.aborted[bisect_left(self.aborted, start, key=_last) :]:
            if each.first < end:
                found.append(each)
            if each.stable >= end:
                break  # whatever was aborted later began behind it
        return found

    def at(self, end: int) -> tuple[list[tuple[int, int]], list[Aborted]]:
        """What was open, and what was aborted, when the log ended at `end`."""
        opened = [(each.first, each.producer_id) for each in self._ending if each.marker >= end]
        opened += [(first, producer_id) for producer_id, first in self.open.items()]
        before = [(producer_id, first) for first, producer_id in sorted(opened) if first < end]
        return before, [each for each in self.aborted if each.last < end]

    def is_aborted(self, batch: Batch) -> bool:
        """Whether the batch belongs to a transaction that was aborted; its marker does not."""
        return (
            batch.is_transactional
            and not batch.is_control
            and any(
                each.producer_id == batch.producer_id and each.first <= batch.base_offset <= each.last
                for each in self.aborted_between(batch.base_offset, batch.base_offset + 1)
            )
        )


def _last(aborted: Aborted) -> int:
    return aborted.last


def ended_by(batch: Batch) -> Ended | None:
    """What a control batch says about a transaction."""
    for record in iterate(batch):
        kind = control_type(record)
        if kind in (COMMIT, ABORT):
            return Ended(kind == COMMIT, int.from_bytes((record.value or b"")[2:6], "big", signed=True))
    return None
