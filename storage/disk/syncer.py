"""One sync at a time; what arrives meanwhile is the next group.

Whoever has something that must reach the disk is a `Task`. `want(task)` puts it into the next group. When that
begins, `begin()` is called on the loop and answers the call to be made in the disk thread: whatever was written
before `begin` is covered by it. `finish(error)` is called on the loop when it has been made. Calls are made in the
order of `want`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from ..engine import Files
from ..futures import done


class Task(Protocol):
    """Something that must reach the disk."""

    def begin(self) -> Callable[[], None]: ...

    def finish(self, error: OSError | None) -> None: ...


class Syncer:
    """See the file's story."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._wanted: dict[Task, None] = {}
        self._running = False
        self._idle: asyncio.Future[None] | None = None

    def want(self, task: Task) -> None:
        """Asking twice before the group begins is asking once."""
        self._wanted[task] = None
        if not self._running:
            self._running = True
            asyncio.get_running_loop().call_soon(self._start)

    def idle(self) -> asyncio.Future[None]:
        """Done when there is nothing left to sync."""
        if not self._running:
            return done(None)
        if self._idle is None:
            self._idle = asyncio.get_running_loop().create_future()
        return self._idle

    def _start(self) -> None:
        group, self._wanted = list(self._wanted), {}
        calls: list[Callable[[], None]] = []
        begun: list[Task] = []
        refused: list[tuple[Task, OSError]] = []
        for task in group:
            try:
                calls.append(task.begin())
                begun.append(task)
            except OSError as error:
                refused.append((task, error))
        for task, refusal in refused:
            task.finish(refusal)
        future = self._files.background(lambda: _run(calls))
        future.add_done_callback(lambda future: self._finish(begun, future))

    def _finish(self, group: list[Task], future: asyncio.Future[list[OSError | None]]) -> None:
        for task, error in zip(group, future.result(), strict=True):
            task.finish(error)
        if self._wanted:
            self._start()
        else:
            self._rest()

    def _rest(self) -> None:
        self._running = False
        if self._idle is not None:
            if not self._idle.done():
                self._idle.set_result(None)
            self._idle = None


def _run(calls: list[Callable[[], None]]) -> list[OSError | None]:
    errors: list[OSError | None] = []
    for call in calls:
        try:
            call()
            errors.append(None)
        except OSError as error:
            errors.append(error)
    return errors
