"""Frames: an int32 size, then that many bytes, over and over. This cuts a stream of bytes into them.

It performs no input or output. Bytes come in by one of two doors, never both at the same time on one reader:

    receive_data(data)                     for bytes that somebody else received
    get_buffer(hint), buffer_updated(n)    like asyncio's BufferedProtocol: receive into my buffer, say how much

Both doors give the frames that are now whole, without their sizes, each in a writable buffer of its own that is never
touched again here: a broker stamps offsets into it. How often bytes are copied depends on the frame's size:

    under 32 KiB     received into a scratch buffer, copied out once. The scratch may be shared by all connections of a
                     loop: between calls it holds nothing (the head of a frame that is not whole yet is kept aside).
    up to 1 MiB      a buffer of exactly that size; what follows the first piece is received right into it
    more than that   a buffer of 1 MiB which doubles as bytes really come

A size is a claim by a stranger, so memory follows what was received, not what was claimed: at most `ahead` (1 MiB) at
first, later at most as much again as has come. `held_bytes` says what that is, and counts the next buffer before it is
taken: whoever has no memory to give stops reading until there is some. Sizes below 1 or above the limit are the peer's
fault; after such a one nothing more can be read, because nobody knows where the next frame begins.
"""

from collections.abc import Callable
from struct import Struct

from .errors import ProtocolError

Buffer = bytes | bytearray | memoryview
Frame = bytearray | memoryview

MAX_FRAME_BYTES = 100 * 1024 * 1024  # socket.request.max.bytes
LARGE_BYTES = 32 * 1024
EXACT_BYTES = 1024 * 1024
SCRATCH_BYTES = 256 * 1024

_SIZE = Struct(">i")
_SIZE_BYTES = 4
_unpack_size = _SIZE.unpack_from

# What strangers send first who take this for another port, read as a size.
_STRANGERS = (
    (b"GET ", "an HTTP request"),
    (b"POST", "an HTTP request"),
    (b"HEAD", "an HTTP request"),
    (b"PUT ", "an HTTP request"),
    (b"OPTI", "an HTTP request"),
    (b"PRI ", "an HTTP/2 connection"),
    (b"HTTP", "an HTTP answer"),
    (b"SSH-", "an SSH client"),
    (b"\x16\x03", "a TLS handshake"),
    (b"\x15\x03", "a TLS alert"),
)


class RemoteFault(ProtocolError):
    """The other side broke the rules. The connection has to be closed."""


class LocalFault(ProtocolError):
    """This side would break the rules, or used a conversation in a way that has no meaning."""


class FrameFault(RemoteFault):
    """A size that no frame has. `frames` are those that were whole before it: they count."""

    def __init__(self, reason: str, frames: list[Frame]) -> None:
        super().__init__(reason)
        self.frames = frames


def frame_size(parts: list[Buffer]) -> bytes:
    """The size that goes before a frame made of these parts."""
    return _SIZE.pack(sum(map(len, parts)))


class FrameReader:
    """The receiving end of one connection."""

    __slots__ = ("_ahead", "_allocate", "_filled", "_own", "_room", "_scratch", "_size", "_tail", "held_bytes",
                 "max_bytes")  # fmt: skip

    def __init__(
        self,
        max_bytes: int = MAX_FRAME_BYTES,
        scratch: bytearray | None = None,
        allocate: Callable[[int], Frame] = bytearray,
        ahead: Callable[[], int] | None = None,
    ) -> None:
        """scratch is where small frames are received; allocate(size) gives the buffer of a large one, of that size;
        ahead() says how much may be taken for one on its mere word."""
        self.max_bytes = max_bytes
        self._scratch = scratch
        self._room = None if scratch is None else memoryview(scratch)
        self._allocate = allocate
        self._ahead = ahead
        self._tail = b""  # the head of a small frame, or of a size
        self._own: Frame | None = None  # the large frame that is coming in, of _size bytes, _filled of them here
        self._size = 0
        self._filled = 0
        self.held_bytes = 0
        """What is kept of frames that are not whole yet, with the larger buffer that the next bytes will need. At the
        end of a connection anything but 0 is half a frame."""

    @property
    def begun(self) -> bytes:
        """What has come of a frame that is not whole yet, its size in front."""
        if self._own is None:
            return bytes(self._tail)
        return _SIZE.pack(self._size) + bytes(memoryview(self._own)[: self._filled])

    def get_buffer(self, sizehint: int = -1) -> memoryview:
        """Where to receive to. It is lent until buffer_updated, which has to come before another reader's call when the
        scratch is shared; the hint does not matter, the buffer is as large as is useful."""
        if self._own is not None:
            if self._filled == len(self._own):
                self._grow(min(self._size, 2 * self._filled))
            return memoryview(self._own)[self._filled :]
        room = self._room
        if room is None:
            self._scratch = bytearray(SCRATCH_BYTES)
            room = self._room = memoryview(self._scratch)
        if self._tail:
            kept = len(self._tail)
            room[:kept] = self._tail
            return room[kept:]
        return room

    def buffer_updated(self, count: int) -> list[Frame]:
        """count bytes were received into the buffer: the frames that are whole now."""
        if self._own is not None:
            self._filled += count
            if self._filled == self._size:
                return [self._finish()]
            self._look_ahead()
            return []
        scratch = self._scratch
        assert scratch is not None, "get_buffer comes before buffer_updated"
        if self._tail:
            return self._cut(scratch, len(self._tail) + count)
        if count > _SIZE_BYTES and _unpack_size(scratch)[0] == count - _SIZE_BYTES <= self.max_bytes:
            return [scratch[_SIZE_BYTES:count]]  # one whole frame, as nearly always
        return self._cut(scratch, count)

    def receive_data(self, data: Buffer) -> list[Frame]:
        """These bytes were received: the frames that are whole now."""
        if self._own is None:
            joined = self._tail + data if self._tail else data
            return self._cut(memoryview(joined), len(joined))
        view = memoryview(data)
        taken = min(len(view), self._size - self._filled)
        self._take(view[:taken])
        if self._filled < self._size:
            return []
        whole = self._finish()
        try:
            return [whole, *self._cut(view[taken:], len(view) - taken)]
        except FrameFault as fault:
            fault.frames.insert(0, whole)
            raise

    def _cut(self, source: bytearray | memoryview, end: int) -> list[Frame]:
        """The whole frames before end; the rest is kept aside, or begins a buffer of its own."""
        frames: list[Frame] = []
        at = 0
        limit = self.max_bytes
        while end - at >= _SIZE_BYTES:
            size: int = _unpack_size(source, at)[0]
            if not 0 < size <= limit:
                raise self._fault(size, frames)
            start = at + _SIZE_BYTES
            stop = start + size
            if stop > end:
                if size < LARGE_BYTES:
                    break
                self._begin(size, source[start:end])
                return frames
            piece = source[start:stop]
            frames.append(piece if type(piece) is bytearray else bytearray(piece))
            at = stop
        self.held_bytes = end - at
        self._tail = bytes(source[at:end]) if at < end else b""
        return frames

    def _begin(self, size: int, head: Frame) -> None:
        self._tail = b""
        self._size = size
        self._filled = len(head)
        ahead = EXACT_BYTES if self._ahead is None else self._ahead()
        self._own = self._allocate(min(size, max(ahead, self._filled)))
        self._own[: self._filled] = head
        self.held_bytes = len(self._own)
        self._look_ahead()

    def _take(self, piece: memoryview) -> None:
        assert self._own is not None
        end = self._filled + len(piece)
        if end > len(self._own):
            self._grow(min(self._size, max(end, 2 * len(self._own))))
        self._own[self._filled : end] = piece
        self._filled = end

    def _look_ahead(self) -> None:
        """Count the buffer that get_buffer will take."""
        if self._own is not None and self._filled == len(self._own):
            self.held_bytes = min(self._size, 2 * self._filled)

    def _grow(self, size: int) -> None:
        """A new buffer rather than a longer one: the old one may still be lent."""
        assert self._own is not None
        larger = self._allocate(size)
        larger[: self._filled] = memoryview(self._own)[: self._filled]
        self._own = larger
        self.held_bytes = len(larger)

    def _finish(self) -> Frame:
        whole, self._own = self._own, None
        assert whole is not None
        self.held_bytes = 0
        return whole

    def _fault(self, size: int, frames: list[Frame]) -> FrameFault:
        if size > 0:
            reason = f"the peer announced a frame of {size} bytes, at most {self.max_bytes} are allowed"
        else:
            reason = f"the peer announced a frame of {size} bytes"
        first = _SIZE.pack(size)
        for begin, what in _STRANGERS:
            if first.startswith(begin):
                reason += f" (these are the first bytes of {what})"
        return FrameFault(reason, frames)
