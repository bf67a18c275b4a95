"""The runtime drives one machine over one log; `machine.py` says what each of the two promises.

(being written; the public shape stands)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from kbroker.machine import Machine, Ticket
from kbroker.world import World
from storage.engine import Chunk
from wire.errors import ErrorCode

Buffer = bytes | bytearray | memoryview


class MachineLog(Protocol):
    """What a runtime needs of a log; `Partition` has it.

    `append` takes unstamped batches, stamps them at its end in the given order, and resolves with the base offset of the first once
    all are durable; it fails (raises) for all of them or for none. Calling is ordering.
    """

    @property
    def log_start(self) -> int: ...

    @property
    def end(self) -> int: ...

    def append(self, batches: Sequence[bytearray]) -> asyncio.Future[int]: ...

    def read(self, offset: int, max_bytes: int) -> asyncio.Future[Chunk]: ...


M = TypeVar("M", bound=Machine)


class Runtime(Generic[M]):
    machine: M

    def __init__(
        self,
        make_machine: Callable[[], M],
        log: MachineLog,
        world: World,
        *,
        error: ErrorCode = ErrorCode.NOT_COORDINATOR,
        run_task: Callable[[object], None] | None = None,
        on_loaded: Callable[[], None] | None = None,
    ) -> None: ...

    def load(self) -> asyncio.Future[None]:
        """Replay the log (once; again after a failure). Requests that come meanwhile wait for it; `ask` and `tell` start it themselves."""
        raise RuntimeError

    def ask(self, make_event: Callable[[Ticket], object]) -> asyncio.Future[object]:
        """Step the event that `make_event` makes for a new ticket; the future has the machine's reply, now or when it was parked, later."""
        raise RuntimeError

    def tell(self, event: object) -> None:
        """Step an event that nobody waits for: the outcome of a task."""

    def stop(self, error: ErrorCode | None = None) -> asyncio.Future[None]:
        """Serve no more: timers are cancelled, open tickets get a retriable error; done when the last append is."""
        raise RuntimeError
