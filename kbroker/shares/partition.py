"""One share partition at work: a window, the log that it looks at, the keeper of its state, and the clock of its locks.

It is made when a member first fetches, from what is kept. It lives as long as this broker leads the partition in the
same epoch, and as long as all goes well: what cannot be kept makes it void, and the next who asks gets a new one, made
from what is kept. What was held then is to be had again, as after a restart.

One alarm stands for all locks: it rings no later than the next of them expires. Members that wait for records hear of
everything that could give them some.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from kbroker.shares.acknowledge import Given, Said, acknowledge, expire, release
from kbroker.shares.acquire import Acquired, Span, Taking, acquire
from kbroker.shares.events import Read, Write
from kbroker.shares.kept import UNKNOWN_START, Kept, Key
from kbroker.shares.settings import BY_DURATION, EARLIEST, GroupSettings, duration_ms
from kbroker.shares.window import Window
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.machine import Ticket
    from kbroker.world import Handle, World


class Log(Protocol):
    """What is needed of a partition's log."""

    leader_epoch: int
    log_start: int

    @property
    def high_watermark(self) -> int: ...

    def ready(self) -> asyncio.Future[None]: ...

    async def offset_for_time(self, at_ms: int, before: int) -> Any: ...


Ask = Callable[[Callable[["Ticket"], object]], "asyncio.Future[Any]"]
"""A question to the machine that keeps the state."""


class SharePartition:
    """`on_given` hears of the records that are given up, and they are so once it has dealt with them."""

    def __init__(
        self,
        key: Key,
        log: Log,
        ask: Ask,
        world: World,
        settings: Callable[[], GroupSettings],
        on_given: Callable[[SharePartition, Sequence[Given]], asyncio.Future[None] | None],
    ) -> None:
        self.key = key
        self.log = log
        self.leader_epoch = log.leader_epoch
        self.window = Window(0)
        self.is_void = False
        self.opening: asyncio.Future[None] | None = None
        self._ask = ask
        self._world = world
        self._settings = settings
        self._on_given = on_given
        self._state_epoch = 0
        self._alarm: Handle | None = None
        self._alarm_at = 0
        self._waiting: dict[object, Callable[[], object]] = {}

    # --- opening ----------------------------------------------------------------------------------------------------

    def open(self) -> asyncio.Future[None]:
        """Done when the window is there. KafkaError when it cannot be read; then this one is void."""
        if self.opening is None:
            self.opening = self._world.future()
            self._world.spawn(self._open(self.opening))
        return self.opening

    @property
    def is_open(self) -> bool:
        return not self.is_void and self.opening is not None and self.opening.done()

    async def _open(self, opened: asyncio.Future[None]) -> None:
        try:
            await self.log.ready()
            kept: Kept = await self._ask(lambda ticket: Read(ticket, self.key, self.leader_epoch))
            window = Window(kept.start, kept.ranges)
            if kept.start == UNKNOWN_START:
                window.begin(await self._first_offset())
            self._state_epoch, self.window = kept.state_epoch, window
        except Exception as error:
            self.void()
            opened.set_exception(error if isinstance(error, KafkaError) else _lost())
            opened.exception()  # whoever waits has it; perhaps nobody does
        else:
            opened.set_result(None)

    async def _first_offset(self) -> int:
        """Where a group begins that has never read this partition."""
        reset = self._settings().reset
        if reset == EARLIEST:
            return self.log.log_start
        if reset.startswith(BY_DURATION):
            at = self._world.time_ms() - duration_ms(reset.removeprefix(BY_DURATION))
            found = await self.log.offset_for_time(at, self.log.high_watermark)
            if found is not None:
                return int(found.offset)
        return self.log.high_watermark

    # --- what members do --------------------------------------------------------------------------------------------

    def next_offset(self) -> int | None:
        """From where to read the log; None while as much is held as may be."""
        self.window.forget_below(self.log.log_start)
        return self.window.next_offset() if self.window.room(self._settings().locks) else None

    def acquire(self, offset: int, spans: Sequence[Span], taking: Taking) -> list[Acquired]:
        taken = acquire(self.window, offset, spans, taking)
        if taken:
            self._ring_at(taking.locked_until)
        return taken

    def acknowledge(self, member: str, said: Sequence[Said]) -> asyncio.Future[None] | None:
        """Done when it is kept; None when there is nothing to keep. Raises KafkaError, at once or later."""
        settings, before = self._settings(), self.window.start
        locked_until = self._world.time_ms() + settings.lock_ms
        given = acknowledge(self.window, member, said, locked_until, settings.deliveries)
        return self._keep(before, given)

    def release(self, member: str) -> asyncio.Future[None] | None:
        before = self.window.start
        given = release(self.window, member, self._settings().deliveries)
        return self._keep(before, given)

    def _expire(self) -> None:
        self._alarm = None
        before = self.window.start
        given = expire(self.window, self._world.time_ms(), self._settings().deliveries)
        if (at := self.window.next_expiry()) is not None:
            self._ring_at(at)
        self._keep(before, given)

    def _ring_at(self, at: int) -> None:
        """The alarm rings then or before. If it rings for nothing, it looks when it should have."""
        if self._alarm is not None:
            if at >= self._alarm_at:
                return
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._world.at(at, self._expire)

    # --- keeping ----------------------------------------------------------------------------------------------------

    def _keep(self, start: int, given: Sequence[Given]) -> asyncio.Future[None] | None:
        """Hand over what has changed. The start that is kept is the one from before it, as Kafka has it: what is done
        from there on is counted.
        """
        changed = self.window.changed
        if not changed:
            return None
        self.window.changed = []
        self.wake()
        done = self.window.start - start + self.window.done
        answer: asyncio.Future[None] = self._world.future()

        def kept(asked: asyncio.Future[Any]) -> None:
            error = asyncio.CancelledError() if asked.cancelled() else asked.exception()
            if error is not None:
                self.void()
            if answer.done():
                return
            if error is None:
                answer.set_result(None)
            else:
                answer.set_exception(error if isinstance(error, KafkaError) else _lost())
                answer.exception()

        def ask(_: object = None) -> None:
            try:
                asking = self._ask(
                    lambda ticket: Write(ticket, self.key, self._state_epoch, self.leader_epoch, start, changed, done)
                )
            except KafkaError as error:
                asking = self._world.future()
                asking.set_exception(error)
            if asking.done():
                kept(asking)
            else:
                asking.add_done_callback(kept)

        telling = self._on_given(self, given) if given else None
        if telling is None:
            ask()
        else:
            telling.add_done_callback(ask)
        return answer

    def void(self) -> None:
        """Nobody may go on with this one."""
        if not self.is_void:
            self.is_void = True
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
            self.wake()

    # --- waiting ----------------------------------------------------------------------------------------------------

    def watch(self, key: object, callback: Callable[[], object]) -> None:
        """Call whenever there may be something to take, until `unwatch`."""
        self._waiting[key] = callback

    def unwatch(self, key: object) -> None:
        self._waiting.pop(key, None)

    def wake(self) -> None:
        for callback in list(self._waiting.values()):
            callback()


def _lost() -> KafkaError:
    return KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
