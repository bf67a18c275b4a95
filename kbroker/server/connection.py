"""One client connection: bytes in, replies out in the order of their requests.

    received -> FrameReader -> frames -> start each, in order -> replies wait for those before them -> one write a turn

A request is started as soon as it is there, also while earlier ones wait for the disk; behind one that waits for
other clients (`dispatch.PARKING`) everything stands in the backlog until that has been answered. Reading pauses while
any of the reasons in `Hold` lasts. No task and no timer belongs to a connection.

Frames belong to the connection until their reply is made; views into them are lent to the handler until then.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from kbroker.server.dispatch import Call, Refused
from wire.frame import LARGE_BYTES, Frame, FrameFault, FrameReader
from wire.primitives import Buffer

if TYPE_CHECKING:
    from kbroker.context import Listener, LocalNode
    from kbroker.security.login import Login
    from kbroker.server.dispatch import Starts
    from kbroker.server.server import Server
    from kbroker.world import World

log = logging.getLogger("kbroker.connections")

MOST_STARTED = 256
_MOST_BACKLOG = 16


class Hold:
    """Why a connection is not read; bits, and plain integers because they are looked at for every request."""

    MEMORY: Final = 1  # all connections together hold too much
    WRITING: Final = 2  # the client does not read its replies
    BACKLOG: Final = 4  # it has sent enough that cannot be started yet
    MUTED: Final = 8  # it was told to wait (KIP-219)
    STOPPING: Final = 16  # the broker stops
    REFUSED: Final = 32  # it failed to log in, and will hear so soon
    FROZEN: Final = 64  # its node is paused: it hears nothing either


_HARDLY = 1e-3  # timers may be early by the clock's own grain
_NOTHING_STARTS = Hold.WRITING | Hold.MUTED | Hold.STOPPING | Hold.REFUSED | Hold.FROZEN


class Gate(Protocol):
    """Who stands at a listener that not everybody may pass: `server/guards.py`."""

    def admit(self, connection: Connection) -> None:
        """A client has connected."""

    def lost(self, connection: Connection) -> None:
        """It is gone again."""


class Connection:
    """See `kbroker.context.Peer` for what handlers know of it; `listener.py: Receiver` for what asyncio does."""

    __slots__ = (
        "_awaiting", "_backlog", "_budget", "_counted", "_flushing", "_hold", "_muted_until", "_out", "_parked",
        "_pool", "_reader",
        "_unsent", "client_id", "closing", "dispatch", "ended", "gate", "get_buffer",
        "host", "id", "is_new", "last_active", "listener", "local_host", "logged_in_again_at", "login", "node", "port",
        "principal", "server", "software_name", "software_version", "transport", "world",
    )  # fmt: skip

    def __init__(self, server: Server, node: LocalNode, listener: Listener, id: int, gate: Gate | None = None) -> None:
        self.server = server
        self.gate = gate
        self.dispatch: Starts = server.dispatcher.enter  # with SASL the gate's, until the client has logged in
        self.login: Login | None = None
        self.logged_in_again_at = float("-inf")
        self.world: World = server.world
        self.node = node
        self.listener = listener
        self.id = id
        self.host = self.local_host = ""
        self.port = 0
        self.principal = "User:ANONYMOUS"
        self.software_name = self.software_version = ""
        self.client_id: str | None = None  # as its first requests have named it
        self.ended = ""  # why, and by whom
        self.is_new = True
        self.closing = False
        self.last_active = 0.0
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._budget = server.budget
        self._pool = server.pool
        self._reader = FrameReader(server.max_frame_bytes, server.scratch, server.pool.take, server.budget.ahead)
        self.get_buffer = self._reader.get_buffer
        self._awaiting: deque[Call] = deque()
        self._backlog: deque[Frame] = deque()
        self._out: list[Buffer] = []
        self._flushing = False  # the server will call `flush` in this turn of the loop
        self._parked: Call | None = None
        self._hold = 0  # bits of Hold
        self._muted_until = 0.0
        self._counted = 0  # what the budget counts for incomplete frames
        self._unsent = 0  # what the budget counts for replies that the client leaves lying

    # What asyncio calls, by way of the `Receiver`.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        local = transport.get_extra_info("sockname") or ("", 0)
        self.host, self.port = _plain(peer[0]), peer[1]
        self.local_host = _plain(local[0])
        self.last_active = self.world.loop_time()
        if refusal := self.server.accepted(self):
            self.close(refusal)
        elif self.gate is not None:
            self.gate.admit(self)

    def buffer_updated(self, nbytes: int) -> None:
        if self.closing:
            return
        now = self.last_active = self.world.loop_time()
        fault = None
        reader, budget = self._reader, self._budget
        try:
            frames = reader.buffer_updated(nbytes)
        except FrameFault as error:
            frames, fault = error.frames, error
        for frame in frames:
            if self._backlog or self._parked is not None or self._hold & _NOTHING_STARTS:
                budget.used += len(frame)
                self._backlog.append(frame)
            else:
                self._start(frame, now)
        if self._out:
            self.flush()
        if fault is not None:
            self.close(str(fault))
        elif reader.held_bytes or self._counted or self._backlog or budget.passage or budget.used > budget.limit:
            self._mind_memory()

    def pause_writing(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._budget.used += self._unsent
        self._pause(Hold.WRITING)

    def resume_writing(self) -> None:
        self.last_active = self.world.loop_time()
        self._forget_unsent()
        self._resume(Hold.WRITING)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.closing = True
        self.ended = self.ended or (f"the client reset it: {exc}" if exc else "the client closed it")
        for call in list(self._awaiting):
            if call.when_gone is not None:
                call.when_gone()
        self._awaiting.clear()  # they know this connection
        self._parked = None
        self._forget_unsent()
        self._count(-self._counted)
        self._budget.leave(self)
        while self._backlog:
            self._give_back(self._backlog.popleft())
        self._out.clear()
        if self.gate is not None:
            self.gate.lost(self)
        self.server.lost(self)

    # What the parts of the server call.

    @property
    def begun(self) -> bytes:
        """What has come of a request that is not whole yet, its size in front."""
        return self._reader.begun

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way but what the client itself holds up, by leaving its replies lying."""
        return not self._awaiting and (not self._backlog or bool(self._hold & Hold.WRITING))

    @property
    def is_settled(self) -> bool:
        """Whether nothing is under way but what waits for other clients."""
        return all(call.parks for call in self._awaiting)

    @property
    def its_turn(self) -> tuple[int, float] | None:
        """How far the client has come, if it holds memory which it alone can free: by reading its replies, or by
        sending the rest of a large frame."""
        if self._unsent:
            return self.transport.get_write_buffer_size(), 0.0
        if self._counted >= LARGE_BYTES and not self._hold:
            return self._counted, self.last_active
        return None

    def note_taking(self) -> None:
        """A client that takes its replies slowly is not silent; what it has taken, it does not hold any more."""
        if self._unsent and (left := self.transport.get_write_buffer_size()) < self._unsent:
            taken, self._unsent = self._unsent - left, left
            self._budget.give_back(taken)
            self.last_active = self.world.loop_time()

    def first_steps(self, key: int, client_id: str | None) -> bool:
        """Told of a connection's requests as long as this returns True."""
        self.client_id = client_id
        return self.server.hints.requested(self, key, client_id)

    def answered(self, call: Call) -> None:
        """A request that was under way has its reply now."""
        if call.seen is not None:
            call.seen.answered(call)
        self._give_back(call.frame)
        if self.closing:
            return
        awaiting = self._awaiting
        while awaiting and awaiting[0].reply is not None:  # what is done, up to the first that is not
            done = awaiting.popleft()
            if done is self._parked:
                self._parked = None
            self._send(done)
        if self.server.is_stopping:
            self.server.answered()
        if self._backlog:
            self._start_backlog()
        elif self._out:
            self._flush_soon()

    def close(self, reason: str) -> None:
        """End the connection from our side; what is written already is still sent."""
        if self.closing:
            return
        self.closing = True
        self.ended = f"the broker closed it: {reason}"
        who = [f"client {self.client_id}"] if self.client_id else []
        who += [f"{self.software_name} {self.software_version}"] if self.software_name else []
        named = f" ({', '.join(who)})" if who else ""
        log.warning("closing the connection from %s:%d%s: %s", self.host, self.port, named, reason)
        self.flush()
        self.transport.close()

    def drop(self, reason: str) -> None:
        """End the connection of a client that would not read what is still to be sent."""
        self.close(reason)
        self.transport.abort()

    def stop(self) -> None:
        """Read and start nothing more."""
        self._pause(Hold.STOPPING)

    def go_on(self) -> None:
        self._resume(Hold.STOPPING)

    def freeze(self) -> None:
        """Read, start and send nothing."""
        self._pause(Hold.FROZEN)

    def thaw(self) -> None:
        self._resume(Hold.FROZEN)
        self.flush()

    def start_nothing_more(self) -> None:
        """What comes after a failed login is not looked at."""
        self._pause(Hold.REFUSED)

    def limit_frames(self, max_bytes: int) -> None:
        self._reader.max_bytes = max_bytes

    def turn_away(self, seconds: float, reason: str) -> None:
        """Hear nothing of the client, and close after a while: it does not come again before that."""
        self._mute(seconds)
        self.world.later(seconds, self.close, reason)

    def end(self) -> None:
        """Let go of the client; what is written already is still sent."""
        self.closing = True
        self.ended = self.ended or "the broker stopped"
        self.flush()
        self.transport.close()

    def flush(self) -> None:
        """Hand over what this turn of the loop has for the client."""
        self._flushing = False
        out = self._out
        if not out or self.transport.is_closing() or self._hold & Hold.FROZEN:
            return
        if len(out) == 1:
            self.transport.write(out.pop())
        else:
            self._out = []
            self.server.write(self.transport, out)

    def memory_is_free(self) -> None:
        self.world.soon(self._go_on)

    # Requests.

    def _start(self, frame: Frame, now: float) -> None:
        try:
            call = self.dispatch(self, frame, now)
        except Refused as refusal:
            self.server.dispatcher.refusals += 1
            self.close(str(refusal))
            return
        if call.reply is None:
            self._budget.used += len(frame)
            self._awaiting.append(call)
            if call.parks or len(self._awaiting) >= MOST_STARTED:
                self._parked = call
            return
        if type(frame) is memoryview or self._pool.fill:
            self._pool.put(frame)
        if self._awaiting:
            self._awaiting.append(call)
            if call.parks:
                self._parked = call  # what fetches have found does not pile up behind a write
        else:
            self._send(call)

    def _start_backlog(self) -> None:
        now = self.world.loop_time()
        while self._backlog and self._parked is None and not self._hold & _NOTHING_STARTS and not self.closing:
            frame = self._backlog.popleft()
            self._budget.give_back(len(frame))
            self._start(frame, now)
        if len(self._backlog) < _MOST_BACKLOG:
            self._resume(Hold.BACKLOG)
        if self._out:
            self._flush_soon()

    def _flush_soon(self) -> None:
        if self.server.gathers_writes and not self._awaiting:
            self.flush()
        elif not self._flushing:
            self._flushing = True
            self.server.flush_soon(self)

    def _send(self, call: Call) -> None:
        if self.closing:
            return
        assert call.reply is not None
        self._out += call.reply
        if call.refused:
            self.close(call.refused)
            return
        if len(call.reply) > 1 and sum(map(len, call.reply)) >= LARGE_BYTES:
            self.flush()  # before the next request starts: whether the client takes it, is known then
        if call.throttle_ms:
            self._mute(call.throttle_ms / 1000)

    def _mute(self, seconds: float) -> None:
        """Read nothing for so long; of several such times the last end counts."""
        self._muted_until = max(self._muted_until, self.world.loop_time() + seconds)
        self._pause(Hold.MUTED)
        self.world.later(seconds, self._unmute)

    def _unmute(self) -> None:
        if self._muted_until - self.world.loop_time() < _HARDLY:
            self._resume(Hold.MUTED)

    def _give_back(self, frame: Frame) -> None:
        budget = self._budget
        if budget.waiting:
            budget.give_back(len(frame))
        else:
            budget.used -= len(frame)
        if type(frame) is memoryview or self._pool.fill:
            self._pool.put(frame)

    # Reading, or not.

    def _mind_memory(self) -> None:
        """Count what is still arriving; stop reading if there is no room for more. `buffer_updated` asks only when
        there may be something to mind."""
        if self.closing:
            return
        budget, held = self._budget, self._reader.held_bytes
        if held != self._counted:
            self._count(held - self._counted)
        inside = held >= LARGE_BYTES
        if budget.passage is self and not inside:
            budget.leave(self)
        if not budget.may_read(self, inside):
            budget.wait(self)
            self._pause(Hold.MEMORY)
            self.server.relief.wanted()
        if len(self._backlog) >= _MOST_BACKLOG:
            self._pause(Hold.BACKLOG)

    def _count(self, more: int) -> None:
        self._counted += more
        if more > 0:
            self._budget.used += more
        elif more:
            self._budget.give_back(-more)

    def _go_on(self) -> None:
        """There may be memory again."""
        if not self.closing:
            self._resume(Hold.MEMORY)
            self._mind_memory()

    def _forget_unsent(self) -> None:
        unsent, self._unsent = self._unsent, 0
        if unsent:
            self._budget.give_back(unsent)

    def _pause(self, reason: int) -> None:
        if not self._hold and not self.closing:
            self.transport.pause_reading()
        self._hold |= reason

    def _resume(self, reason: int) -> None:
        if not self._hold & reason:
            return
        self._hold &= ~reason
        if self.closing:
            return
        if not self._hold:
            self.transport.resume_reading()
        if reason & _NOTHING_STARTS:
            self._start_backlog()


def _plain(host: Any) -> str:
    """An IPv4 address as such, where it came in over IPv6."""
    return str(host).removeprefix("::ffff:")
