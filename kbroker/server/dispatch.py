"""One request: from a frame to the parts of its reply.

The dispatcher decodes, calls the handler, and encodes what it returns. It alone turns exceptions into responses: a
`KafkaError` becomes an error code in every place that the response has for it; anything else is a bug of ours, which
the client hears of as UNKNOWN_SERVER_ERROR and we by a traceback. What cannot be answered at all (bytes that are no
request, an API or version that we do not have) is `Refused`, and costs the connection, as in Kafka.

A request is a `Call` while it is under way. A handler's plain response is encoded at once; LATER means that the handler
calls `answer` itself; a future calls back; a coroutine is made a task. Nobody else makes tasks for requests.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol

from kbroker.context import LATER, Context, Peer
from kbroker.server.apis import Entry
from kbroker.server.errors import error_response
from wire.errors import ErrorCode, KafkaError, ProtocolError
from wire.header import decode_request_header
from wire.primitives import Buffer
from wire.registry import APIS

if TYPE_CHECKING:
    from kbroker.cluster import Cluster
    from kbroker.context import Listener, LocalNode
    from kbroker.server.connection import Connection
    from kbroker.server.throttle import Throttle
    from wire.frame import Frame

    Starts = Callable[[Connection, Frame, float], "Call"]

log = logging.getLogger("kbroker.requests")

PRODUCE, FETCH, JOIN_GROUP, SYNC_GROUP, API_VERSIONS, SHARE_FETCH = 0, 1, 11, 14, 18, 78

# Requests that wait for what other clients do. Nothing of a connection starts behind one before it has been answered.
PARKING = frozenset((FETCH, JOIN_GROUP, SYNC_GROUP, SHARE_FETCH))


class Refused(Exception):
    """The request cannot be answered; the connection is closed with this reason."""


class Asker(Peer, Protocol):
    """Whose requests these are: a connection, or what stands for one (`proxy/desk.py`)."""

    node: LocalNode
    listener: Listener


class Call(Context):
    """A request under way, and what its handler knows of it.

    `reply` is None until it is done, then the parts to send: none at all if nothing is sent. `began_s`, by the
    dispatcher's clock, is only there while somebody asks for it. `seen` hears of a reply that comes later.
    """

    __slots__ = ("began_s", "entry", "frame", "refused", "reply", "request", "seen")

    def __init__(
        self,
        cluster: Cluster,
        connection: Asker,
        frame: Frame,
        entry: Entry,
        client_id: str | None,
        version: int,
        correlation_id: int,
        arrived_at: float,
    ) -> None:
        # What Context has, set here: one call less for every request.
        self.cluster = cluster
        self.node = connection.node
        self.listener = connection.listener
        self.connection = connection
        self.client_id = client_id
        self.api_key = entry.api.key
        self.version = version
        self.correlation_id = correlation_id
        self.arrived_at = arrived_at
        self.throttle_ms = 0
        self.when_gone = None
        self.frame = frame
        self.entry = entry
        self.began_s: float
        self.request: Any = None
        self.reply: list[Buffer] | None = None
        self.refused = ""
        self.seen: Sees | None = None

    @property
    def parks(self) -> bool:
        return self.api_key in PARKING or self.entry.parks

    def answer(self, response: Any) -> None:
        if self.reply is not None:  # its handler has failed after it had begun something
            return
        self.when_gone = None  # it belongs to who holds this call: a circle, which would wait for the garbage collector
        if isinstance(response, Exception):
            _failed(self, response)
        else:
            finish(self, response)
        connection: Any = self.connection
        connection.answered(self)

    def encoded(self, response: Any) -> tuple[list[Buffer], int]:
        """The frame of the reply, its size and header joined to the first part of the body; and that size."""
        entry, version = self.entry, self.version
        write = entry.writers.get(version)
        if write is None:
            write = entry.response_class.writer(version)
        parts: list[Buffer] = write(response)
        pack, size = entry.heads[version]
        body = parts[0]
        size += len(body) if len(parts) == 1 else sum(map(len, parts))
        parts[0] = pack(size, self.correlation_id) + body
        return parts, size


class Sees(Protocol):
    """Who watches a request (`control/history.py`)."""

    faults: tuple[str, ...]

    def answered(self, call: Call) -> None: ...


class Finds(Protocol):
    """What has the APIs."""

    def entry(self, key: int) -> Entry | None: ...


class Dispatcher:
    """Shared by all connections of the process."""

    def __init__(self, cluster: Cluster, apis: Finds | None = None) -> None:
        self.cluster = cluster
        self.clock: Callable[[], float] | None = None
        self.refusals = 0
        """Requests that cost their connection."""
        self._measures = False
        self._used: dict[int, Entry] = {}
        self.apis: Finds = cluster.apis if apis is None else apis
        self._meter: Throttle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()  # the loop itself would forget them
        self.enter: Starts = self.start
        """What is told of a frame: `start`, or who stands before it (`control/history.py`)."""

    def measure(self) -> None:
        """Every call is to know when it began."""
        self._measures = True
        self.clock = self.cluster.world.work_time

    def start(self, connection: Connection, frame: Frame, arrived_at: float) -> Call:
        """Start the request. If its reply is not there yet, `connection.answered(call)` is called when it is."""
        clock = self.clock
        began_s = 0.0 if clock is None else clock()
        try:
            key, version, correlation_id, client_id, offset = decode_request_header(frame)
            entry = self._used.get(key)
            if entry is None:
                entry = self._first_use(key)
            call = Call(self.cluster, connection, frame, entry, client_id, version, correlation_id, arrived_at)
            if clock is not None:
                call.began_s = began_s
            if not entry.min_version <= version <= entry.max_version:
                return self._unsupported(call)
            read = entry.readers.get(version) if type(frame) is bytearray else None
            if read is None:
                read = entry.request_class.reader(version, frame)
            call.request = request = read(frame, offset)[0]
        except ProtocolError as error:
            raise Refused(f"it sent bytes that are no request: {error}") from None
        if connection.is_new:
            connection.is_new = connection.first_steps(key, client_id)
        meter = self._meter
        if meter is not None:
            meter.timed = call
        try:
            result = entry.handler(request, call)
        except Exception as error:
            _failed(call, error)
            result = LATER  # there is nothing more to come
        if isinstance(result, entry.response_class):
            finish(call, result)
        elif result is LATER:
            pass
        elif result is None:
            finish(call, None)
        else:
            self._wait(connection, call, result)
        if meter is not None and meter.timed is call:
            meter.returned(call)
        return call

    def _first_use(self, key: int) -> Entry:
        entry = self.apis.entry(key)
        if entry is None:
            raise Refused(f"it sent a request with API key {key}{_called(key)}, which this broker does not have")
        self._used[key] = entry
        return entry

    def configure(self, throttle: Throttle | None) -> None:
        """Quotas are others. Only if some are for the time of requests, that is taken."""
        self.cluster.throttle = throttle
        self._meter = throttle if throttle is not None and throttle.meters_time else None
        self.clock = self.cluster.world.work_time if self._meter is not None or self._measures else None

    def _wait(self, connection: Connection, call: Call, result: Any) -> None:
        if type(result) is CoroutineType:
            task = asyncio.get_running_loop().create_task(result)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            future: asyncio.Future[Any] = task
        else:
            future = result
        if future.done():
            self._settle(call, future)
        else:
            future.add_done_callback(partial(self._answered, connection, call))

    def _answered(self, connection: Connection, call: Call, future: asyncio.Future[Any]) -> None:
        self._settle(call, future)
        connection.answered(call)

    def _settle(self, call: Call, future: asyncio.Future[Any]) -> None:
        try:
            response = future.result()
        except asyncio.CancelledError:
            _failed(call, KafkaError(ErrorCode.NETWORK_EXCEPTION, "The broker is stopping."))
        except Exception as error:
            _failed(call, error)
        else:
            finish(call, response)

    def _unsupported(self, call: Call) -> Call:
        """Only ApiVersions answers a version that we do not have: in version 0, which anybody can read (KIP-511)."""
        entry = call.entry
        if call.api_key != API_VERSIONS:
            name, low, high = entry.api.kafka_name, entry.min_version, entry.max_version
            if high < low:
                raise Refused(f"it sent {name} v{call.version}, which this broker does not serve now")
            raise Refused(f"it sent {name} v{call.version}, where v{low} to v{high} are supported")
        call.request = entry.request_class()
        try:
            response = entry.handler(call.request, call)
        except KafkaError as error:  # it is not the time for it: `server/gate.py`
            call.version = 0
            _failed(call, error)
        else:
            call.version = 0
            finish(call, response)
        return call


def finish(call: Call, response: Any) -> None:
    """Make the reply of the response; of None there is none."""
    try:
        if call.throttle_ms and hasattr(response, "throttle_time_ms"):
            response.throttle_time_ms = call.throttle_ms
        parts, size = call.encoded(response) if response is not None else ([], 0)
        throttle = call.cluster.throttle
        if throttle is not None and (call.api_key <= FETCH or throttle.meters_time):
            instead = throttle.finishing(call, response, size)
            if instead is not None:
                response = instead
                parts, size = call.encoded(response)
        if (tally := call.entry.tally) is not None:
            tally(call, response, size)
        call.reply = parts
    except Exception as error:
        _failed(call, error)


def _failed(call: Call, error: BaseException) -> None:
    """Answer with the error. A produce without acks has no answer: there the connection is closed, as in Kafka."""
    name, version = call.entry.api.kafka_name, call.version
    if isinstance(error, KafkaError):
        code, message = error.code, error.message
    else:
        who = f"{name} v{version} of client {call.client_id}"
        log.error("%s failed in a way that nobody foresaw", who, exc_info=error)
        code, message = ErrorCode.UNKNOWN_SERVER_ERROR, None
    if call.api_key == PRODUCE and call.request.acks == 0:
        call.refused = f"its Produce with acks=0 failed: {message or code.message}"
        call.reply = []
        return
    try:
        response = error_response(call.entry.response_class, call.request, version, code, message)
        parts, size = call.encoded(response)
        if (tally := call.entry.tally) is not None:
            tally(call, response, size)
        call.reply = parts
    except Exception:
        log.exception("the error response of %s v%s cannot be written", name, version)
        call.refused = f"its {name} failed"
        call.reply = []


def _called(key: int) -> str:
    return f" ({APIS[key].kafka_name})" if key in APIS else ""
