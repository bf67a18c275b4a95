"""Where each leader epoch of a partition begins (KIP-101, KIP-279). Pure.

Every change of the leader, and every start after an unclean stop, raises the epoch; each batch carries the one in
which it was written. A consumer that has read in epoch 3 and finds epoch 5 asks where 3 ended (OffsetForLeaderEpoch),
and takes a wrong answer for a truncated log. So the table must be the same after a restart: an epoch in which nothing
was written leaves no trace (the next one begins at the same offset and replaces it), and what was written says its
epoch itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

UNKNOWN = (-1, -1)


class EpochTable:
    """Pairs of epoch and first offset, both ascending. As Kafka's LeaderEpochFileCache."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Iterable[tuple[int, int]] = ()) -> None:
        self._entries = list(entries)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._entries)

    def assign(self, epoch: int, start: int) -> None:
        """Batches from `start` on are of this epoch. What says otherwise is dropped."""
        entries = self._entries
        if entries and entries[-1][0] == epoch and entries[-1][1] <= start:
            return
        while entries and (entries[-1][0] >= epoch or entries[-1][1] >= start):
            entries.pop()
        entries.append((epoch, start))

    def latest(self) -> int:
        return self._entries[-1][0] if self._entries else -1

    def latest_start(self) -> int:
        """Where the latest epoch began."""
        return self._entries[-1][1] if self._entries else 0

    def at(self, offset: int) -> int:
        """The epoch of the batch at an offset, -1 where the log has forgotten it."""
        return next((epoch for epoch, start in reversed(self._entries) if start <= offset), -1)

    def end_for(self, epoch: int, log_end: int) -> tuple[int, int]:
        """The largest epoch that is not above the asked one, and where it ended. UNKNOWN for one that is yet to
        come."""
        entries = self._entries
        if epoch < 0 or not entries or epoch > entries[-1][0]:
            return UNKNOWN
        if epoch == entries[-1][0]:
            return epoch, log_end
        found, end = epoch, log_end
        for candidate, start in reversed(entries):
            if candidate <= epoch:
                found = candidate
                break
            end = start
        return found, end

    def forget_below(self, start: int) -> None:
        """The log begins at `start` now; the epoch in which that offset lies begins there too."""
        entries = self._entries
        kept = [entry for entry in entries if entry[1] > start]
        below = len(entries) - len(kept)
        if below:
            kept.insert(0, (entries[below - 1][0], start))
        self._entries = kept

    def forget_from(self, end: int) -> None:
        """The log ends at `end` now."""
        self._entries = [entry for entry in self._entries if entry[1] < end]
