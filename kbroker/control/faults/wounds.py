"""What happens to the bytes of an answer on its way out: cut off, turned around, sent twice, dripped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kbroker.control.shapes import Effect

if TYPE_CHECKING:
    from kbroker.server.connection import Connection
    from kbroker.server.dispatch import Call

SIZE_BYTES = 4


def is_wounded(effect: Effect) -> bool:
    return effect.duplicate or effect.drip_bytes > 0 or effect.truncate is not None or effect.corrupt is not None


def wound(call: Call, effects: Sequence[Effect], reason: str) -> None:
    """Change the reply that has been made for this call."""
    reply = bytearray(b"".join(call.reply or ()))
    for effect in effects:
        if effect.corrupt is not None and SIZE_BYTES + effect.corrupt < len(reply):
            reply[SIZE_BYTES + effect.corrupt] ^= 0xFF
        if effect.duplicate:
            reply += bytes(reply)
        if effect.truncate is not None:
            del reply[effect.truncate :]
            call.refused = reason
        if effect.drip_bytes:
            connection: Any = call.connection
            connection.flush()
            connection.transport = Drip(connection, effect)
    call.reply = [bytes(reply)]


class Drip:
    """A transport that lets bytes through a few at a time. It stands in the place of the real one until all that was
    written is through, and passes everything else on to it."""

    def __init__(self, connection: Connection, effect: Effect) -> None:
        self._connection = connection
        self._real = connection.transport
        self._effect = effect
        self._left = bytearray()
        self._is_closing = False

    def write(self, data: Any) -> None:
        idle = not self._left
        self._left += data
        if idle:
            self._drop()

    def writelines(self, parts: Any) -> None:
        self.write(b"".join(parts))

    def close(self) -> None:
        self._is_closing = True
        if not self._left:
            self._real.close()

    def is_closing(self) -> bool:
        return self._is_closing or self._real.is_closing()

    def get_write_buffer_size(self) -> int:
        return len(self._left) + self._real.get_write_buffer_size()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def _drop(self) -> None:
        if self._real.is_closing():
            return
        self._real.write(bytes(self._left[: self._effect.drip_bytes]))
        del self._left[: self._effect.drip_bytes]
        if self._left:
            self._connection.world.later(self._effect.drip_ms / 1000, self._drop)
        elif self._is_closing:
            self._real.close()
        elif self._connection.transport is self:  # type: ignore[comparison-overlap]
            self._connection.transport = self._real
