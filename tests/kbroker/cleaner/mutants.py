"""Planted bugs: the lives of the cleaner are believed because they catch every one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from kbroker.cleaner import cleaner, keys, marks, outside, sieve, work
from storage import retention
from storage.disk import log as disk_log
from storage.disk import replacement
from storage.engine import Extent
from wire.batch import DELETE_HORIZON, Batch, stamp, write_crc

Plant = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, Plant] = {}


def mutant(plant: Plant) -> Plant:
    MUTANTS[plant.__name__] = plant
    return plant


@mutant
def the_last_value_of_a_key_is_lost(patch: pytest.MonkeyPatch) -> None:
    learn = keys.Keys.learn
    patch.setattr(keys.Keys, "learn", lambda self, key, offset: learn(self, key, offset + 1))


@mutant
def the_first_value_of_a_key_wins(patch: pytest.MonkeyPatch) -> None:
    def first(self: keys.Keys, key: bytes, offset: int) -> None:
        self._last.setdefault(self._hash(key), offset)

    def last(self: keys.Keys, key: bytes) -> int:
        return self._last.get(self._hash(key), -1)

    def stay(batch: Any, records: Any, kept: list[Any], table: keys.Keys, rules: Any) -> Any:
        kept += [one for one in records if one.offset >= rules.end or last(table, one.key) in (-1, one.offset)]
        yield

    patch.setattr(keys.Keys, "learn", first)
    patch.setattr(sieve, "_stay", stay)


@mutant
def what_was_aborted_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(marks.Marks, "is_aborted", lambda self, batch: False)


@mutant
def decisions_are_looked_for_below_the_stable_offset_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cleaner._PartitionSource, "written_end", cleaner._PartitionSource.stable_end)


@mutant
def open_transactions_are_compacted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cleaner._PartitionSource, "stable_end", lambda self: self._partition.high_watermark)


@mutant
def a_tombstone_goes_too_early(patch: pytest.MonkeyPatch) -> None:
    sift = sieve.sift

    def hasty(batch: Batch, table: Any, known: Any, rules: sieve.Rules) -> Any:
        return sift(batch, table, known, rules._replace(delete_retention_ms=0))

    patch.setattr(work, "sift", hasty)


@mutant
def a_tombstone_goes_at_once(patch: pytest.MonkeyPatch) -> None:
    stay = sieve._stay

    def without(batch: Any, records: Any, kept: list[Any], table: Any, rules: Any) -> Any:
        yield from stay(batch, (one for one in records if one.has_value), kept, table, rules)

    patch.setattr(sieve, "_stay", without)


@mutant
def offsets_are_shifted(patch: pytest.MonkeyPatch) -> None:
    rebuilt = sieve.rebuilt

    def shifted(batch: Batch, body: bytes, kept: list[Any], horizon: int | None) -> bytearray:
        new = rebuilt(batch, body, kept, horizon)
        delta = int.from_bytes(new[23:27], "big")
        if delta:  # the batch moves up, and ends where it ended
            stamp(new, batch.base_offset + 1, batch.leader_epoch)
            new[23:27] = (delta - 1).to_bytes(4, "big")
            write_crc(new)
        return new

    patch.setattr(sieve, "rebuilt", shifted)


@mutant
def the_end_of_a_batch_is_that_of_its_last_record(patch: pytest.MonkeyPatch) -> None:
    rebuilt = sieve.rebuilt

    def shrunk(batch: Batch, body: bytes, kept: list[Any], horizon: int | None) -> bytearray:
        new = rebuilt(batch, body, kept, horizon)
        new[23:27] = (kept[-1].offset - batch.base_offset).to_bytes(4, "big")
        write_crc(new)
        return new

    patch.setattr(sieve, "rebuilt", shrunk)


@mutant
def times_move_with_the_delete_horizon(patch: pytest.MonkeyPatch) -> None:
    rebuilt = sieve.rebuilt

    def late(batch: Batch, body: bytes, kept: list[Any], horizon: int | None) -> bytearray:
        new = rebuilt(batch, body, kept, None)
        if horizon is not None:
            new[27:35] = horizon.to_bytes(8, "big")
            new[21:23] = (batch.attributes | DELETE_HORIZON).to_bytes(2, "big")
            write_crc(new)
        return new

    patch.setattr(sieve, "rebuilt", late)


@mutant
def a_producer_is_forgotten_with_its_records(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sieve, "_is_last_of_its_producer", lambda batch, last: False)


@mutant
def a_bare_header_forgets_its_producer(patch: pytest.MonkeyPatch) -> None:
    emptied = sieve.emptied

    def nameless(batch: Batch) -> bytearray:
        new = emptied(batch)
        new[53:57] = b"\xff" * 4
        write_crc(new)
        return new

    patch.setattr(sieve, "emptied", nameless)


@mutant
def a_marker_goes_before_its_records(patch: pytest.MonkeyPatch) -> None:
    is_done_with = marks.Marks.is_done_with

    def eager(self: marks.Marks, batch: Batch) -> bool:
        return is_done_with(self, batch) or batch.is_control

    patch.setattr(marks.Marks, "is_done_with", eager)


@mutant
def half_a_swap(patch: pytest.MonkeyPatch) -> None:
    """What is replaced goes first."""

    def replace(self: disk_log.DiskLog, old: list[Any], new: replacement.Replacement) -> None:
        at = self.segments.index(old[0])
        self._supersede(old)
        self.segments.insert(at, new.publish())

    patch.setattr(disk_log.DiskLog, "replace", replace)


@mutant
def a_piece_is_swapped_for_what_is_left_of_its_front(patch: pytest.MonkeyPatch) -> None:
    batches = work.Work._batches

    async def short(self: work.Work, start: int, end: int, checked: bool = True) -> Any:
        seen = 0
        async for batch in batches(self, start, end, checked):
            seen += batch.length
            if seen <= 600 or batch.next_offset == end:
                yield batch

    patch.setattr(work.Work, "_batches", short)


@mutant
def another_process_does_not_hear_of_producers(patch: pytest.MonkeyPatch) -> None:
    begin = outside.Outside.begin

    async def silent(self: outside.Outside, rules: sieve.Rules) -> None:
        await begin(self, rules._replace(last={}))

    patch.setattr(outside.Outside, "begin", silent)


@mutant
def another_process_surveys_no_transactions(patch: pytest.MonkeyPatch) -> None:
    async def nothing(self: outside.Outside, start: int, end: int) -> None:
        return

    patch.setattr(outside.Outside, "survey", nothing)


@mutant
def retention_takes_one_piece_too_many(patch: pytest.MonkeyPatch) -> None:
    by_age = retention.by_age

    def generous(extents: list[Extent], start: int, limit: int, keep_ms: int, now: int) -> int:
        new = by_age(extents, start, limit, keep_ms, now)
        following = next((e.end for e in extents if e.end > new and e.end <= limit), new)
        return following if new > start else new

    patch.setattr(cleaner.retention, "by_age", generous)


@mutant
def retention_forgets_what_is_compacted_only(patch: pytest.MonkeyPatch) -> None:
    of = cleaner.Policy.of

    def careless(config: Mapping[str, Any]) -> Any:
        return of(config)._replace(delete=True)

    patch.setattr(cleaner.Policy, "of", careless)
