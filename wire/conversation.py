"""A Kafka connection without a socket: bytes in, requests or responses out, and the other way round.

The rules of the conversation, for both roles:

- The client asks, each request a frame with a correlation id of its choice. The server answers each one, in the order
  in which they were asked, with the same correlation id. Many may be on their way at once.
- A Produce request with acks=0 is not answered at all. One stray answer would shift all later ones.
- The version of the request says how the answer is written. An ApiVersions request of a version that the server does
  not know is answered in version 0 (KIP-511); its answer's header is always version 0.
- A frame that breaks the rules ends the connection: there is no answer that could say so.

RemoteFault is raised for what the other side did, LocalFault for what this side was about to do. A RemoteFault ends the
conversation. What came whole before it counts: then receive_data gives that, `fault` says what is wrong, and the next
call raises it.

Neither role does input or output, and neither keeps time: a server feeds what its socket received and writes what it is
given, a test feeds one role with what the other one gave. The broker's own connection cuts frames with FrameReader and
keeps its own order of replies, because it has to hold back requests as well; the rules are these.
"""

from collections import deque
from collections.abc import Callable
from struct import Struct
from struct import error as StructError
from typing import TypeVar

from .errors import ErrorCode, MalformedMessage, ProtocolError
from .frame import MAX_FRAME_BYTES, Buffer, Frame, FrameFault, FrameReader, LocalFault, RemoteFault, frame_size
from .header import (
    decode_request_header,
    decode_response_header,
    encode_request_header,
    response_head,
    response_header_version,
)
from .primitives import read_uvarint
from .registry import APIS
from .schema import Request, Response

_T = TypeVar("_T")

PRODUCE = 0
API_VERSIONS = 18

_ACKS = Struct(">h")


class Incoming:
    """One request as it came in. The body is a writable view into the request's own frame."""

    __slots__ = ("api_key", "body", "client_id", "correlation_id", "expects_reply", "reply", "version")

    def __init__(self, frame: Frame) -> None:
        self.api_key, self.version, self.correlation_id, self.client_id, at = decode_request_header(frame)
        self.body = memoryview(frame)[at:]
        self.expects_reply = self.api_key != PRODUCE or produce_acks(self.body, self.version) != 0
        self.reply: list[Buffer] | None = None

    def decode(self) -> Request:
        """The request itself. Bytes after it are tolerated, as Kafka tolerates them."""
        api = APIS.get(self.api_key)
        if api is None:
            raise RemoteFault(f"the client asks for API key {self.api_key}, which Kafka does not have")
        request, _ = api.request_class().decode_from(self.body, 0, self.version)
        return request

    def __repr__(self) -> str:
        return f"<Incoming {self.api_key} v{self.version} #{self.correlation_id} from {self.client_id!r}>"


def produce_acks(body: Buffer, version: int) -> int:
    """The acks of a Produce request, read without the rest; 1 where the bytes are too broken to say."""
    api = APIS[PRODUCE]
    try:
        at = 0
        if api.is_flexible(version):
            length, at = read_uvarint(body, at)
            at += max(length - 1, 0)
        elif version >= api.min_version:
            at = 2 + max(_ACKS.unpack_from(body)[0], 0)
        acks: int = _ACKS.unpack_from(body, at)[0]
    except (StructError, IndexError, MalformedMessage):
        return 1
    return acks


def response_parts(api_key: int, version: int, correlation_id: int, response: Response) -> list[Buffer]:
    """The whole frame of a response; records stay the views that the response was given."""
    head = response_head(correlation_id, response_header_version(api_key, version))
    parts: list[Buffer] = [head, *response.parts(version)]
    return [frame_size(parts), *parts]


class _Conversation:
    """What both ends have in common: frames come in, until one is wrong."""

    _bad_frame = ""

    def __init__(self, max_frame_bytes: int) -> None:
        self._frames = FrameReader(max_frame_bytes)
        self.fault: RemoteFault | None = None

    def _receive(self, data: Buffer, read: Callable[[Frame], _T]) -> list[_T]:
        if self.fault is not None:
            raise self.fault
        taken: list[_T] = []
        try:
            frames = self._frames.receive_data(data)
        except FrameFault as fault:
            frames = fault.frames
            self.fault = fault
        for frame in frames:
            try:
                taken.append(read(frame))
            except ProtocolError as error:
                self.fault = error if isinstance(error, RemoteFault) else RemoteFault(f"{self._bad_frame}: {error}")
                break
        if self.fault is not None and not taken:
            raise self.fault
        return taken

    def receive_end(self) -> None:
        """The other side closed its end; in the middle of a frame that is its fault."""
        if self.fault is not None:
            raise self.fault
        if self._frames.held_bytes:
            raise RemoteFault("the peer closed the connection in the middle of a frame")


class ServerConversation(_Conversation):
    """The broker's end. Replies may be given in any order; they leave in the order of the requests."""

    _bad_frame = "the client's request cannot be read"

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        super().__init__(max_frame_bytes)
        self._open: deque[Incoming] = deque()  # asked and not answered yet, or answered behind one that is not

    def receive_data(self, data: Buffer) -> list[Incoming]:
        """The requests that are now whole, oldest first."""
        requests = self._receive(data, Incoming)
        self._open.extend([request for request in requests if request.expects_reply])
        return requests

    @property
    def open_requests(self) -> int:
        return len(self._open)

    def reply(self, request: Incoming, response: Response, version: int | None = None) -> list[Buffer]:
        """Answer one request. What comes back is to be written now: nothing while an older request waits, and with the
        oldest one's answer also those that were waiting behind it. Only an ApiVersions request of an unknown version
        is answered in another version than its own."""
        if request.reply is not None or request not in self._open:
            raise LocalFault(f"{request!r} is not waiting for a reply")
        if response.__api_key__ != request.api_key:
            raise LocalFault(f"{type(response).__name__} does not answer {request!r}")
        answered = request.version if version is None else version
        request.reply = response_parts(request.api_key, answered, request.correlation_id, response)
        return self._leaving()

    def _leaving(self) -> list[Buffer]:
        parts: list[Buffer] = []
        while self._open and self._open[0].reply is not None:
            parts += self._open.popleft().reply or ()
        return parts


class _Asked:
    """What a client has to remember of a request until its answer comes."""

    __slots__ = ("api_key", "correlation_id", "version")

    def __init__(self, api_key: int, version: int, correlation_id: int) -> None:
        self.api_key = api_key
        self.version = version
        self.correlation_id = correlation_id


class ClientConversation(_Conversation):
    """The client's end. It chooses the correlation ids: 0, 1, 2 and so on."""

    _bad_frame = "the broker's answer cannot be read"

    def __init__(self, client_id: str | None = None, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        super().__init__(max_frame_bytes)
        self.client_id = client_id
        self._asked: deque[_Asked] = deque()
        self._next_id = 0

    @property
    def open_requests(self) -> int:
        return len(self._asked)

    @property
    def last_correlation_id(self) -> int:
        """That of the request which was sent last, -1 before the first."""
        return self._next_id - 1

    def send(self, request: Request, version: int) -> list[Buffer]:
        """The bytes of the request, to be written now."""
        correlation_id = self._next_id
        head = encode_request_header(request.__api_key__, version, correlation_id, self.client_id)
        parts: list[Buffer] = [head, *request.parts(version)]
        self._next_id = (correlation_id + 1) & 0x7FFF_FFFF
        if getattr(request, "acks", 1) != 0:
            self._asked.append(_Asked(request.__api_key__, version, correlation_id))
        return [frame_size(parts), *parts]

    def receive_data(self, data: Buffer) -> list[tuple[int, Response]]:
        """The responses that are now whole, each with the correlation id of its request."""
        return self._receive(data, self._answer)

    def _answer(self, frame: Frame) -> tuple[int, Response]:
        if not self._asked:
            raise RemoteFault("the broker answers where nothing was asked")
        asked = self._asked.popleft()
        correlation_id, at = decode_response_header(frame, response_header_version(asked.api_key, asked.version))
        if correlation_id != asked.correlation_id:
            raise RemoteFault(f"the broker answers request {correlation_id}, its turn was {asked.correlation_id}")
        body = memoryview(frame)[at:]
        return correlation_id, APIS[asked.api_key].response_class().decode(body, _answered_version(asked, body))


def _answered_version(asked: _Asked, body: memoryview) -> int:
    refused = ErrorCode.UNSUPPORTED_VERSION.value.to_bytes(2, "big")
    return 0 if asked.api_key == API_VERSIONS and body[:2] == refused else asked.version
