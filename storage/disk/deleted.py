"""Segments that were deleted: kept for a while under another name, as Apache Kafka does (`file.delete.delay.ms`).

    <segment>.log  ->  <segment>.log.deleted  ->  nothing, so many milliseconds later

Nobody in this process needs the delay: whoever reads a file has its map or its handle. It is for people and tools
beside it: who has just deleted too much still finds the bytes. And a segment of a gigabyte is renamed in no time, where
unlinking it takes long; that is left to the disk thread.

To recovery the new name is rubbish: what a stop or a crash leaves behind goes at the next open. A rename that a power
failure undoes is an unlink that it undoes: the argument in `recovery.py` is the same for both. Where a disk is full
all that waits here goes at once.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from ..engine import Files, Now
from .syncer import Syncer

SUFFIX = ".deleted"
FULL = (errno.ENOSPC, errno.EDQUOT)


class Alarm(Protocol):
    """What `At` has set."""

    def cancel(self) -> None: ...


At = Callable[[int, Callable[[], object]], Alarm]
"""Calls back once `Now` has reached a time, given like it; never inside the call."""


class Doomed(NamedTuple):
    """Files that are worthless, in the order in which they go."""

    paths: Sequence[str]
    keep_ms: int = 0
    """So long those with batches are kept."""
    folders: bool = False
    """Whether their folders go too, once they are empty."""

    def put_away(self, files: Files, harmless: type[OSError] = OSError) -> list[str]:
        """Take the files' names away, in any thread; the new names of what is kept. Harmless errors are passed over."""
        kept: list[str] = []
        for path in self.paths:
            with suppress(harmless):
                if self.keep_ms and path.endswith(".log") and _renamed(files, path):
                    kept.append(path + SUFFIX)
                else:
                    files.unlink(path)
        if self.folders:
            _remove_folders(files, self.paths)
        return kept


class Deleted:
    """What waits for its end. A Task of the syncer, which unlinks what is due."""

    def __init__(self, files: Files, now: Now, at: At | None, syncer: Syncer) -> None:
        self._files = files
        self._now = now
        self._at = at
        self._syncer = syncer
        self._kept: dict[int, tuple[Alarm, Doomed]] = {}
        self._count = 0
        self._due: list[Doomed] = []

    def doom(self, paths: Sequence[str], keep_ms: int, folders: bool = False) -> Doomed:
        """Nothing is kept where nobody rings."""
        return Doomed(paths, keep_ms if self._at is not None else 0, folders)

    def keep(self, paths: Sequence[str], doomed: Doomed) -> None:
        """These have been put away just now."""
        if paths and self._at is not None:
            number = self._count = self._count + 1
            alarm = self._at(self._now() + doomed.keep_ms, lambda: self._ring(number))
            self._kept[number] = alarm, Doomed(paths, 0, doomed.folders)

    def put_away(self, doomed: Doomed) -> None:
        """Both at once, on the loop. Raises OSError where a file will not go."""
        self.keep(doomed.put_away(self._files, FileNotFoundError), doomed)

    def _ring(self, number: int) -> None:
        _, doomed = self._kept.pop(number)
        self._due.append(doomed)
        self._syncer.want(self)

    def refused(self, error: OSError) -> None:
        """Somebody could not write: if the disk is full, nothing is kept any longer."""
        if error.errno in FULL:
            for number, (alarm, _) in list(self._kept.items()):
                alarm.cancel()
                self._ring(number)

    def begin(self) -> Callable[[], None]:
        due, self._due = self._due, []

        def unlink() -> None:
            for doomed in due:
                doomed.put_away(self._files)

        return unlink

    def finish(self, error: OSError | None) -> None:
        """What could not be unlinked is rubbish at the next open."""

    def close(self) -> None:
        """What is still kept stays for the next open."""
        for alarm, _ in self._kept.values():
            alarm.cancel()
        self._kept = {}


def _renamed(files: Files, path: str) -> bool:
    """Whether the file has its new name; a full disk may have no room for one."""
    try:
        files.rename(path, path + SUFFIX)
    except OSError as error:
        if error.errno in FULL:
            return False
        raise
    return True


def _remove_folders(files: Files, paths: Sequence[str]) -> None:
    for folder in {path.rpartition("/")[0] for path in paths}:
        with suppress(OSError):
            files.remove_dir(folder)
