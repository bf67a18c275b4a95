"""Planted bugs: the crash suite is believed because it catches every one of them.

A mutant is a name and a function that plants it, by replacing one method for the length of a test. Each is the kind of
mistake that the disk engine could really make.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from storage import answers
from storage.disk import checkpoints, deleted, engine, journal, log, recovery, replacement, segment
from storage.engine import Appended, Write

Plant = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, Plant] = {}


def mutant(plant: Plant) -> Plant:
    MUTANTS[plant.__name__] = plant
    return plant


def _nothing(*_: Any, **__: Any) -> None:
    """In place of something."""


@mutant
def acknowledge_before_the_write(patch: pytest.MonkeyPatch) -> None:
    queue, answer = log.DiskLog.queue, answers.Call.answer

    def early(self: log.DiskLog, write: Write) -> bool:
        is_first = queue(self, write)
        write.answered(Appended(write.expected_end, write.end))
        return is_first

    def once(self: answers.Call, slot: int, outcome: Any) -> None:
        if self.left:
            answer(self, slot, outcome)

    patch.setattr(log.DiskLog, "queue", early)
    patch.setattr(answers.Call, "answer", once)


@mutant
def acknowledge_before_the_sync(patch: pytest.MonkeyPatch) -> None:
    landed = log.DiskLog._landed

    def early(self: log.DiskLog, into: segment.Segment, run: list[Write]) -> None:
        landed(self, into, run)
        for write in self._waiting:
            write.answered(Appended(write.expected_end, write.end))
        self._waiting = []

    patch.setattr(log.DiskLog, "_landed", early)


@mutant
def a_sync_answers_writes_that_came_after_it_began(patch: pytest.MonkeyPatch) -> None:
    finish = log.DiskLog.finish

    def generous(self: log.DiskLog, error: OSError | None) -> None:
        self._covered, self._waiting = self._covered + self._waiting, []
        finish(self, error)

    patch.setattr(log.DiskLog, "finish", generous)


@mutant
def no_directory_is_synced_for_a_new_file(patch: pytest.MonkeyPatch) -> None:
    landed = log.DiskLog._landed

    def forgetful(self: log.DiskLog, into: segment.Segment, run: list[Write]) -> None:
        self._new_names = False
        landed(self, into, run)

    patch.setattr(log.DiskLog, "_landed", forgetful)


@mutant
def a_torn_batch_is_accepted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recovery, "verify_crc", lambda batch: True)


@mutant
def what_lies_behind_a_tear_is_kept(patch: pytest.MonkeyPatch) -> None:
    settle = recovery._Recovery._settle

    def keep(self: Any, segments: Any, doomed: Any, torn: Any, end: int) -> None:
        settle(self, segments, [], torn, end)

    patch.setattr(recovery._Recovery, "_settle", keep)


@mutant
def a_torn_tail_is_not_taken_off(patch: pytest.MonkeyPatch) -> None:
    settle = recovery._Recovery._settle

    def keep(self: Any, segments: Any, doomed: Any, torn: Any, end: int) -> None:
        settle(self, segments, doomed, None, end)

    patch.setattr(recovery._Recovery, "_settle", keep)


@mutant
def a_cut_keeps_checkpoints_beyond_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(checkpoints.Checkpoints, "drop_above", _nothing)


@mutant
def a_cut_does_not_wait_until_its_checkpoints_are_gone(patch: pytest.MonkeyPatch) -> None:
    def hasty(self: checkpoints.Checkpoints, end: int) -> None:
        for name, kept in self._kept.items():
            for at in [at for at in kept if at > end]:
                kept.remove(at)
                self._disk.files.unlink(self.path(at, name))

    patch.setattr(checkpoints.Checkpoints, "drop_above", hasty)
    cut = log.DiskLog.cut

    def without_sync(self: log.DiskLog, end: int) -> Any:
        sync, self._disk.files.fsync_dir = self._disk.files.fsync_dir, _nothing  # type: ignore[method-assign]
        try:
            return cut(self, end)
        finally:
            self._disk.files.fsync_dir = sync  # type: ignore[method-assign]

    patch.setattr(log.DiskLog, "cut", without_sync)


@mutant
def a_cut_begins_at_the_front(patch: pytest.MonkeyPatch) -> None:
    cut = log.DiskLog.cut

    def forward(self: log.DiskLog, end: int) -> Any:
        self.flush()
        beyond = [s for s in self.segments if s.base >= end > self.entry.start]
        for victim in beyond[:-1]:
            self._remove(victim)
            self._disk.files.fsync_dir(self.folder)
        return cut(self, end)

    patch.setattr(log.DiskLog, "cut", forward)


@mutant
def a_cut_seals_its_front_over_an_unsynced_log(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(log.DiskLog, "_sync_now", _nothing)


@mutant
def a_segment_is_sealed_before_it_is_synced(patch: pytest.MonkeyPatch) -> None:
    def begin(self: replacement.Seal) -> Callable[[], None]:
        victim, files = self._segment, self._disk.files
        if victim.dead:
            return _nothing
        self._size = victim.size
        data = victim.encode_index(victim.sealed)
        return lambda: replacement.write_index(files, victim.index_path, data, victim.path.rpartition("/")[0])

    patch.setattr(replacement.Seal, "begin", begin)


@mutant
def a_rewrite_is_published_before_it_is_synced(patch: pytest.MonkeyPatch) -> None:
    prepare = replacement.Replacement.prepare

    def hasty(self: replacement.Replacement, end: int) -> Callable[[], None]:
        prepare(self, end)
        index = self.segment.encode_index(sealed=True)
        return lambda: replacement.write_index(self._files, self.segment.index_path, index, self._folder)

    patch.setattr(replacement.Replacement, "prepare", hasty)


@mutant
def what_a_rewrite_replaced_is_believed_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recovery, "_covers", lambda candidate, other, summary: False)


@mutant
def the_journal_is_not_synced(patch: pytest.MonkeyPatch) -> None:
    write = journal.Journal.write

    def hasty(self: journal.Journal, changes: Sequence[journal.Change], doomed: Any = ()) -> Any:
        future = write(self, changes, doomed)
        future.set_result(None)
        return future

    patch.setattr(journal.Journal, "write", hasty)


@mutant
def files_are_put_away_before_the_journal_is_synced(patch: pytest.MonkeyPatch) -> None:
    write = journal.Journal.write

    def hasty(self: journal.Journal, changes: Sequence[journal.Change], doomed: Any = ()) -> Any:
        doomed = list(doomed)
        future = write(self, changes, doomed)
        for one in doomed:
            one.put_away(self._disk.files)
        return future

    patch.setattr(journal.Journal, "write", hasty)


@mutant
def with_a_deleted_segment_all_files_of_its_log_go(patch: pytest.MonkeyPatch) -> None:
    keep = deleted.Deleted.keep

    def greedy(self: deleted.Deleted, paths: Sequence[str], doomed: deleted.Doomed) -> None:
        logs = {path.rpartition("@")[0] for path in paths}
        there = [
            f"{log.rpartition('/')[0]}/{name}"
            for log in logs
            for name, _ in self._files.list_dir(log.rpartition("/")[0])
        ]
        keep(self, [path for path in there if path.rpartition("@")[0] in logs], doomed)

    patch.setattr(deleted.Deleted, "keep", greedy)


@mutant
def several_logs_are_deleted_one_by_one(patch: pytest.MonkeyPatch) -> None:
    write = journal.Journal.write

    def single(self: journal.Journal, changes: Sequence[journal.Change], doomed: Any = ()) -> Any:
        for change in changes[:-1]:
            write(self, [change])
        return write(self, changes[-1:], doomed)

    patch.setattr(journal.Journal, "write", single)


@mutant
def a_log_gets_the_file_names_of_an_earlier_one(patch: pytest.MonkeyPatch) -> None:
    create = engine.DiskEngine.create

    def again(self: engine.DiskEngine, logs: Any) -> Any:
        self._journal.next_id = 1
        return create(self, logs)

    patch.setattr(engine.DiskEngine, "create", again)


@mutant
def a_refused_write_is_not_taken_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(segment.Segment, "take_back", _nothing)


@mutant
def a_short_write_is_taken_for_a_whole_one(patch: pytest.MonkeyPatch) -> None:
    def careless(files: Any, handle: int, buffers: Sequence[Any], position: int) -> None:
        files.pwritev(handle, list(buffers), position)

    patch.setattr(segment, "write_all", careless)


@mutant
def what_recovery_shows_is_not_synced(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recovery._Recovery, "_sync", _nothing)


@mutant
def an_old_index_is_believed_for_a_longer_file(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recovery._Recovery, "_scan", lambda self, into, handle, size, gaps: None)
