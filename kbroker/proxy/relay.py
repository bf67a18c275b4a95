"""One connection through the proxy: the client's frames to the cluster, the cluster's back, in the order of the
requests.

A request is remembered until its answer comes. A Produce with acks=0 has none. What is no request at all (the plain
SASL bytes after an old SaslHandshake) is passed on as it is, and so is its answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from time import perf_counter, time
from typing import NamedTuple

from kbroker.proxy.addresses import ToOurs, rewritten
from kbroker.proxy.faults import Action, Faults
from kbroker.server.errors import error_response
from kbroker.trace.exchange import Exchange
from wire.conversation import PRODUCE, produce_acks
from wire.errors import ErrorCode, ProtocolError
from wire.frame import FrameReader
from wire.header import decode_request_header, response_head, response_header_version
from wire.registry import APIS

log = logging.getLogger("kbroker.proxy")

RECEIVE_BYTES = 1 << 18
SIZE_BYTES = 4
OPAQUE = -1
"""The key of what is no request."""

Sink = Callable[[Exchange], object]


class Asked(NamedTuple):
    """A request on its way. `answer` is ours, where the cluster is not asked."""

    key: int
    version: int
    frame: bytes
    at_ms: int
    at_s: float
    action: Action | None
    answer: bytes | None


class Rules(NamedTuple):
    """What all relays of a proxy share. `sink` is told of every exchange; None where nobody looks."""

    to_ours: ToOurs
    most: dict[int, int]
    faults: Faults
    sink: Sink | None


class Relay:
    """`number` counts exchanges over all connections: whoever makes relays gives it."""

    def __init__(
        self,
        rules: Rules,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        cluster: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        broker: str,
        number: Callable[[], int],
    ) -> None:
        self._rules = rules
        self._from_client, self._to_client = client
        self._from_cluster, self._to_cluster = cluster
        host, port = self._to_client.get_extra_info("peername")[:2]
        self._connection = f"{host}:{port}"
        self._broker = broker
        self._number = number
        self._asked: deque[Asked] = deque()

    async def run(self) -> None:
        """Until either end closes."""
        ways = [asyncio.ensure_future(self._ask()), asyncio.ensure_future(self._answer())]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                error = way.exception()
                if isinstance(error, ProtocolError):
                    log.warning("%s: %s", self._connection, error)
                elif error is not None and not isinstance(error, OSError):
                    log.error("a connection failed in a way that nobody foresaw", exc_info=error)
        finally:
            for way in ways:
                way.cancel()
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
                action = asked.action
                if action is not None and action.refuse:
                    self._tell(asked, None)
                    return
                if asked.answer is not None:
                    self._asked.append(asked)
                    self._answer_ourselves()
                    continue
                if _has_answer(asked):
                    self._asked.append(asked)
                else:
                    self._tell(asked, None)
                self._to_cluster.write(len(frame).to_bytes(SIZE_BYTES, "big") + frame)
            await self._to_cluster.drain()

    async def _answer(self) -> None:
        """The cluster's answers."""
        frames = FrameReader()
        while data := await self._from_cluster.read(RECEIVE_BYTES):
            for frame in frames.receive_data(data):
                if not self._asked:
                    raise ProtocolError("the cluster answers where nothing was asked")
                asked = self._asked.popleft()
                action = asked.action
                if action is not None and action.delay_s:
                    await asyncio.sleep(action.delay_s)
                answer = self._ours(asked, bytes(frame))
                self._tell(asked, answer)
                if action is not None and action.drop:
                    return
                self._to_client.write(len(answer).to_bytes(SIZE_BYTES, "big") + answer)
                self._answer_ourselves()
            await self._to_client.drain()

    def _answer_ourselves(self) -> None:
        """What has its answer from us goes when its turn has come: the cluster never hears of it."""
        while self._asked and (answer := self._asked[0].answer) is not None:
            self._tell(self._asked.popleft(), answer)
            self._to_client.write(len(answer).to_bytes(SIZE_BYTES, "big") + answer)

    def _read(self, frame: bytes) -> Asked:
        now = int(time() * 1000), perf_counter()
        try:
            key, version, correlation_id, _, offset = decode_request_header(frame)
        except ProtocolError:
            key = OPAQUE
        if key not in APIS:
            return Asked(OPAQUE, 0, frame, *now, None, None)
        action = self._rules.faults.action(key)
        answer = None
        if action is not None and action.error is not None:
            answer = _refusal(key, version, correlation_id, frame, offset, action.error)
        return Asked(key, version, frame, *now, action, answer)

    def _ours(self, asked: Asked, frame: bytes) -> bytes:
        if asked.key == OPAQUE:
            return frame
        try:
            return rewritten(asked.key, asked.version, frame, self._rules.to_ours, self._rules.most)
        except ProtocolError as error:
            log.warning("an answer to %s v%d passes unread: %s", APIS[asked.key].kafka_name, asked.version, error)
            return frame

    def _tell(self, asked: Asked, reply: bytes | None) -> None:
        sink = self._rules.sink
        if sink is not None:
            took_ms = round((perf_counter() - asked.at_s) * 1000, 3)
            sink(Exchange(self._number(), asked.at_ms, took_ms, self._connection, self._broker, asked.frame, reply))


def _has_answer(asked: Asked) -> bool:
    if asked.key != PRODUCE:
        return True
    _, _, _, _, offset = decode_request_header(asked.frame)
    return produce_acks(memoryview(asked.frame)[offset:], asked.version) != 0


def _refusal(key: int, version: int, correlation_id: int, frame: bytes, offset: int, code: ErrorCode) -> bytes | None:
    """The answer with this error in every place; None where the version is not known here."""
    api = APIS[key]
    try:
        request, _ = api.request_class().decode_from(frame, offset, version)
        response = error_response(api.response_class(), request, version, code, None)
        return bytes(response_head(correlation_id, response_header_version(key, version)) + response.encode(version))
    except ProtocolError:
        return None
