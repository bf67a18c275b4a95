"""One connection through the proxy: the client's frames to the cluster, the cluster's back, in the order of the
requests.

A request is remembered until its answer comes. A Produce with acks=0 has none. What is no request at all (the plain
SASL bytes after an old SaslHandshake) is passed on as it is, and so is its answer.

A request that a fault meets waits until everything before it has been answered, and holds up what comes behind it, as a
broker would. Its handler, which the fault may call or not, asks the cluster.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, NamedTuple

from kbroker.proxy.addresses import ToOurs, rewritten
from kbroker.trace.exchange import Exchange
from wire.conversation import PRODUCE, produce_acks
from wire.errors import ProtocolError
from wire.frame import FrameReader
from wire.header import (
    decode_request_header,
    decode_response_header,
    encode_request_header,
    response_header_version,
)
from wire.registry import APIS

if TYPE_CHECKING:
    from kbroker.control.faults.plan import Plan
    from kbroker.control.history import Pending
    from kbroker.proxy.desk import Desk, Peer
    from kbroker.server.dispatch import Call

log = logging.getLogger("kbroker.proxy")

RECEIVE_BYTES = 1 << 18
SIZE_BYTES = 4
OPAQUE = -1
"""The key of what is no request."""

Sink = Callable[[Exchange], object]


class Asked(NamedTuple):
    """A request on its way. `seen` is its place in the history; `heard` takes the answer where a fault waits for it,
    and not the client."""

    key: int
    version: int
    frame: bytes
    at_ms: int
    at_s: float
    seen: Pending | None = None
    heard: asyncio.Future[bytes] | None = None


class Rules(NamedTuple):
    """What all relays of a proxy share. `sink` is told of every exchange; None where nobody looks. `desk` has faults
    and the history; None where there are none."""

    to_ours: ToOurs
    most: dict[int, int]
    desk: Desk | None
    sink: Sink | None


class Ended(Exception):
    """The connection is over; the reason."""


class Relay:
    """`number` counts exchanges over all connections: whoever makes relays gives it. `peer` is who asks, where there is
    a desk."""

    def __init__(
        self,
        rules: Rules,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        cluster: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        broker: str,
        number: Callable[[], int],
        peer: Peer | None = None,
    ) -> None:
        self._rules = rules
        self._from_client, self._to_client = client
        self._from_cluster, self._to_cluster = cluster
        host, port = self._to_client.get_extra_info("peername")[:2]
        self._connection = f"{host}:{port}"
        self._broker = broker
        self._number = number
        self._peer = peer
        self._learn = None if rules.desk is None else rules.desk.learn
        self._asked: deque[Asked] = deque()
        self._all_answered = asyncio.Event()
        self._all_answered.set()

    async def run(self) -> None:
        """Until either end closes."""
        ways = [asyncio.ensure_future(self._ask()), asyncio.ensure_future(self._answer())]
        reason = ""
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                error = way.exception()
                reason = str(error) if error is not None else reason or ("client" if way is ways[0] else "cluster")
                if isinstance(error, ProtocolError):
                    log.warning("%s: %s", self._connection, error)
                elif error is not None and not isinstance(error, OSError | Ended):
                    log.error("a connection failed in a way that nobody foresaw", exc_info=error)
        finally:
            for way in ways:
                way.cancel()
            if self._rules.desk is not None and self._peer is not None:
                self._rules.desk.lost(self._peer, ENDS.get(reason, reason))
            await asyncio.gather(*ways, return_exceptions=True)
            for asked in self._asked:
                self._tell(asked, None)
            self._to_client.close()
            self._to_cluster.close()

    async def _ask(self) -> None:
        """The client's requests."""
        frames = FrameReader()
        while data := await self._from_client.read(RECEIVE_BYTES):
            for frame in frames.receive_data(data):
                asked = self._read(bytes(frame))
                if asked.key != OPAQUE and self._rules.desk is not None and self._rules.desk.faults.plans:
                    call = self._call(self._rules.desk, asked)
                    plans = [] if call is None else self._rules.desk.met(call)
                    if call is not None and plans:
                        await self._afflicted(self._rules.desk, asked, call, plans)
                        continue
                self._pass_on(asked)
            await self._to_cluster.drain()

    def _pass_on(self, asked: Asked) -> None:
        if _has_answer(asked):
            self._asked.append(asked)
            self._all_answered.clear()
        else:
            self._tell(asked, None)
        self._to_cluster.write(len(asked.frame).to_bytes(SIZE_BYTES, "big") + asked.frame)

    async def _answer(self) -> None:
        """The cluster's answers."""
        frames = FrameReader()
        while data := await self._from_cluster.read(RECEIVE_BYTES):
            for frame in frames.receive_data(data):
                if not self._asked:
                    raise ProtocolError("the cluster answers where nothing was asked")
                asked = self._asked.popleft()
                answer = self._ours(asked, bytes(frame))
                if not self._asked:
                    self._all_answered.set()
                if asked.heard is not None:
                    if not asked.heard.done():
                        asked.heard.set_result(answer)
                    continue
                self._tell(asked, answer)
                self._to_client.write(len(answer).to_bytes(SIZE_BYTES, "big") + answer)
            await self._to_client.drain()

    # --- faults ----------------------------------------------------------------------------------------------------

    def _call(self, desk: Desk, asked: Asked) -> Call | None:
        """The request as faults see it; None where it cannot be read."""
        assert self._peer is not None
        try:
            return desk.call(self._peer, asked.frame, asked.seen)
        except ProtocolError:
            return None

    async def _afflicted(self, desk: Desk, asked: Asked, call: Call, plans: list[Plan]) -> None:
        """Let the faults do what they do, and send what comes of it."""
        await self._all_answered.wait()
        peer = call.connection
        peer.done = desk.cluster.world.future()  # type: ignore[attr-defined]
        heard: list[bytes] = []
        is_whole = not any(plan.codes for plan in plans)

        async def cluster(request: Any, ctx: Any) -> Any:
            frame = asked.frame if is_whole else _framed(asked, request)
            answer = await self._ask_cluster(asked, frame)
            if answer is None:
                return None
            heard.append(answer)
            _, at = decode_response_header(answer, response_header_version(asked.key, asked.version))
            return call.entry.response_class.decode(memoryview(answer)[at:], asked.version)

        await desk.faults.afflict(plans, cluster, call.request, call)
        reply = b"".join(call.reply or ())
        if call.refused and not reply:
            self._tell(asked, heard[-1] if heard else None)
            raise Ended(call.refused)
        self._tell(asked, reply[SIZE_BYTES:] if reply else None)
        if reply:
            call.connection.transport.write(reply)  # type: ignore[attr-defined]
        if call.refused:
            raise Ended(call.refused)

    async def _ask_cluster(self, asked: Asked, frame: bytes) -> bytes | None:
        """The cluster's answer; None where it has none to give."""
        own = asked._replace(frame=frame, heard=asyncio.get_running_loop().create_future())
        self._to_cluster.write(len(frame).to_bytes(SIZE_BYTES, "big") + frame)
        if not _has_answer(own):
            return None
        self._asked.append(own)
        self._all_answered.clear()
        assert own.heard is not None
        return await own.heard

    # --- frames ----------------------------------------------------------------------------------------------------

    def _read(self, frame: bytes) -> Asked:
        now = int(time() * 1000), perf_counter()
        seen = None
        if self._rules.desk is not None and self._peer is not None:
            seen = self._rules.desk.asked(self._peer, frame)
        try:
            key, version, _, _, _ = decode_request_header(frame)
        except ProtocolError:
            key = OPAQUE
        if key not in APIS:
            return Asked(OPAQUE, 0, frame, *now, seen)
        return Asked(key, version, frame, *now, seen)

    def _ours(self, asked: Asked, frame: bytes) -> bytes:
        if asked.key == OPAQUE:
            return frame
        try:
            return rewritten(asked.key, asked.version, frame, self._rules.to_ours, self._rules.most, self._learn)
        except ProtocolError as error:
            log.warning("an answer to %s v%d passes unread: %s", APIS[asked.key].kafka_name, asked.version, error)
            return frame

    def _tell(self, asked: Asked, reply: bytes | None) -> None:
        if asked.heard is not None:  # what a fault has asked is told by the request that it met
            return
        if self._rules.desk is not None:
            self._rules.desk.answered(asked.seen, reply)
        sink = self._rules.sink
        if sink is not None:
            took_ms = round((perf_counter() - asked.at_s) * 1000, 3)
            sink(Exchange(self._number(), asked.at_ms, took_ms, self._connection, self._broker, asked.frame, reply))


ENDS = {"client": "the client closed it", "cluster": "the cluster closed it"}


def _has_answer(asked: Asked) -> bool:
    if asked.key != PRODUCE:
        return True
    _, _, _, _, offset = decode_request_header(asked.frame)
    return produce_acks(memoryview(asked.frame)[offset:], asked.version) != 0


def _framed(asked: Asked, request: Any) -> bytes:
    """Another request in the place of the one that was asked."""
    _, _, correlation_id, client_id, _ = decode_request_header(asked.frame)
    head = encode_request_header(asked.key, asked.version, correlation_id, client_id)
    return bytes(head + request.encode(asked.version))
