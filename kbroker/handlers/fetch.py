"""Fetch: batches come out of the logs as they lie there; no byte of them is copied.

Which partitions are meant is the session's business (server/sessions.py). Per partition: does this node lead it (or
follow it, from v11 on: _near.py) in the epoch that the client believes in, is the offset inside the log, has the
client's log diverged (KIP-595); then it may be read up to the high watermark, or the last stable offset with isolation
level 1. The answer is sent at once when there are minBytes, when any partition has an error, or when there is nothing
to wait for; otherwise the request is parked with its partitions until enough has been written, something else has
changed, or maxWaitMs is over.

Sizes (KIP-74): partitions are served in order, each up to its own limit and what is left of the request's. The first
one that has anything may pass both by one whole batch, so that a consumer always gets on; later ones are cut on batch
borders.

Batches in zstd go to clients of every version, as Kafka 4 sends them; KIP-110 refused them before v10.

abortedTransactions is null for isolation level 0 and a list for level 1; records of a partition without any are empty,
never null. Both matter to clients.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from kbroker.context import LATER, Context, Later
from kbroker.handlers import _near as near
from kbroker.handlers._fetched import Slot, aborted, cut
from kbroker.handlers._leaders import HINTED, Leaders
from kbroker.partitions import Partition
from kbroker.world import Handle
from storage.engine import Chunk, OutOfRange, Read
from wire.errors import ErrorCode, KafkaError
from wire.messages.fetch import (
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
)
from wire.primitives import ZERO_UUID
from wire.schema import maker

if TYPE_CHECKING:
    from kbroker.partitions.waiters import Waiters
    from kbroker.server.sessions import Fetch, Interest

READ_COMMITTED = 1

_fetch_response, _topic_response = maker(FetchResponse), maker(FetchableTopicResponse)


def fetch(request: FetchRequest, ctx: Context) -> FetchResponse | Later:
    topics_by_id = ctx.version >= 13  # KIP-516
    reads_near = ctx.version >= 11  # KIP-392
    tells_leaders = ctx.version >= 12  # KIP-595
    tells_endpoints = ctx.version >= 16  # KIP-951
    throttle = ctx.cluster.throttle
    if throttle is not None and request.max_bytes > throttle.limits.surely:
        request.max_bytes = throttle.most_bytes(ctx, request.max_bytes)
    try:
        view = _view(request, ctx) if request.session_epoch >= 0 else None  # -1: without a session
        session = ctx.node.fetch_sessions.resolve(request, topics_by_id, ctx.cluster.world.loop_time(), view)
    except KafkaError as error:
        return FetchResponse(throttle_time_ms=0, error_code=error.code, responses=[])
    return _Fetching(request, ctx, session, reads_near, tells_leaders, tells_endpoints).look(session.interests) or LATER


def _view(request: FetchRequest, ctx: Context) -> object:
    """All that decides what a partition answers, besides the partition itself and what is asked of it. A session that
    finds it unchanged looks only at partitions that have moved."""
    cluster = ctx.cluster
    version, isolation_level = cluster.catalog.version, request.isolation_level
    if cluster.authorizer is None:
        return version, isolation_level
    asks = ctx.connection
    return version, isolation_level, cluster.authorizer.changes, asks.principal, asks.host


class _Fetching:
    """A fetch under way: looked at once, and again whenever it was parked and something has moved."""

    __slots__ = (
        "_ctx", "_is_answered", "_is_reading", "_left", "_missing_bytes", "_moved_since", "_over", "_rack",
        "_reads_near", "_request",
        "_session", "_slots", "_tells_endpoints", "_tells_leaders", "_timer", "_waking", "_watched",
    )  # fmt: skip

    def __init__(
        self,
        request: FetchRequest,
        ctx: Context,
        session: Fetch,
        reads_near: bool,
        tells_leaders: bool,
        tells_endpoints: bool,
    ) -> None:
        self._request = request
        self._ctx = ctx
        self._session = session
        self._reads_near = reads_near
        self._rack = near.rack_of(request, ctx) if reads_near and request.rack_id else ""
        self._tells_leaders = tells_leaders
        self._tells_endpoints = tells_endpoints
        self._slots: list[Slot] = []
        self._left = 0
        self._is_reading = self._moved_since = False
        self._missing_bytes = 0
        self._is_answered = False
        self._timer: Handle | None = None
        self._watched: set[Waiters] | None = None
        self._waking = False
        self._over = request.max_wait_ms <= 0 or request.min_bytes <= 0 or session.is_empty

    # --- looking ------------------------------------------------------------------------------------------------------

    def look(self, interests: Sequence[Interest]) -> FetchResponse | None:
        """The answer, or None: then reads are under way, or the request is parked."""
        self._moved_since = False
        slots = self._slots = []
        loading: list[Partition] = []
        readable: list[Slot] = []
        node_id, rack = self._ctx.node.id, self._rack
        read_committed = self._request.isolation_level == READ_COMMITTED
        for interest in interests:
            slot = self._slot(interest)
            slots.append(slot)
            partition = slot.source
            if partition is not None:
                if partition.is_loading:
                    loading.append(partition)
                else:
                    slot.examine(partition, read_committed)
                    if rack or partition.replicas.leader != node_id:
                        near.examine(slot, partition, self._ctx, rack)
                    if not slot.is_final:
                        if slot.bound > interest.fetch_offset:
                            readable.append(slot)
                        else:
                            if interest.session is not None:
                                interest.watch(partition.waiters)
                            continue
            interest.wake()
        if loading:
            self._wait_for(loading)
            return None
        if readable:
            self._left = min(self._request.max_bytes, self._ctx.cluster.config["fetch.max.bytes"])
            return self._read(readable, False)
        if self._over or any(slot.is_final for slot in slots):
            return self._response()
        self._park(self._request.min_bytes)
        return None

    def _slot(self, interest: Interest) -> Slot:
        ctx, key = self._ctx, interest.topic
        cluster = ctx.cluster
        topic = cluster.catalog.topic(key) if isinstance(key, str) else cluster.catalog.topic_by_id(key)
        slot = Slot(interest, topic)
        try:
            if cluster.authorizer is not None and (topic is not None or isinstance(key, str)):
                name = topic.name if topic is not None else str(key)
                if not ctx.authorize("READ", "TOPIC", (name,))[0]:
                    raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
            if topic is None and not isinstance(key, str):
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
            slot.source = cluster.partitions.lookup(
                ctx.node.id, topic, interest.index, interest.current_leader_epoch, from_followers=self._reads_near
            )
        except KafkaError as error:
            slot.refuse(error.code)
        return slot

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read(self, wanted: list[Slot], found: bool) -> FetchResponse | None:
        """Read as many partitions at once as the request's limit has room for, and go on while there is room."""
        read = self._ctx.cluster.engine.read
        while wanted and (self._left > 0 or not found):
            count, room = 0, self._left
            while count < len(wanted) and (room > 0 or not count):
                room -= max(wanted[count].interest.max_bytes, 0)
                count += 1
            now, wanted = wanted[:count], wanted[count:]
            reading = read([self._reading(slot) for slot in now])
            if not reading.done():
                self._is_reading = True
                self._watch()
                reading.add_done_callback(partial(self._read_later, now, wanted, found))
                return None
            found = self._take(now, reading.result(), found)
        return self._consider()

    def _reading(self, slot: Slot) -> Read:
        assert slot.source is not None
        limit = min(slot.interest.max_bytes, self._left)
        return Read(slot.source.log, slot.interest.fetch_offset, max(limit, 1), slot.bound)

    def _read_later(
        self, now: list[Slot], wanted: list[Slot], found: bool, done: asyncio.Future[list[Chunk]]
    ) -> None:
        self._is_reading = False
        try:
            response = self._read(wanted, self._take(now, done.result(), found))
        except Exception as error:
            self._answer(error)
            return
        if response is not None:
            self._answer(response)

    def _take(self, slots: Sequence[Slot], chunks: Sequence[Chunk], found: bool) -> bool:
        """Put what was read into the answer. Whether there is anything in it by now."""
        for slot, chunk in zip(slots, chunks, strict=True):
            if chunk.error is not None:
                out = isinstance(chunk.error, OutOfRange)
                slot.refuse(ErrorCode.OFFSET_OUT_OF_RANGE if out else ErrorCode.KAFKA_STORAGE_ERROR)
                continue
            buffers, size = chunk.buffers, chunk.size
            limit = min(slot.interest.max_bytes, self._left)
            if found and size > limit:
                buffers, size = cut(buffers, limit)
            if not size:
                continue
            slot.records, slot.size = buffers, size
            if slot.aborted_transactions is not None:
                slot.aborted_transactions = aborted(slot, chunk.next_offset)
            self._left -= size
            found = True
        return found

    def _consider(self) -> FetchResponse | None:
        """Everything has been read: is it enough?"""
        if not self._over and not any(slot.is_final for slot in self._slots):
            size = sum(slot.size for slot in self._slots)
            if size < self._request.min_bytes:
                self._park(self._request.min_bytes - size)
                return None
        return self._response()

    def _response(self) -> FetchResponse:
        if self._timer is not None or self._watched is not None:
            self._leave()
        leaders = self._name_leaders() if self._tells_leaders else None
        try:
            selected = self._session.select(self._slots)
        except KafkaError as error:
            return FetchResponse(throttle_time_ms=0, error_code=error.code, responses=[])
        responses: list[FetchableTopicResponse] = []
        last: str | bytes | None = None
        for slot in selected:
            key = slot.interest.topic
            if key != last:
                name, topic_id = (key, ZERO_UUID) if isinstance(key, str) else ("", key)
                partitions: list[PartitionData] = []
                responses.append(_topic_response(topic=name, topic_id=topic_id, partitions=partitions))
                last = key
            partitions.append(slot)
        response = _fetch_response(
            throttle_time_ms=0, error_code=0, session_id=self._session.session_id, responses=responses
        )
        if self._tells_endpoints and leaders is not None:
            response.node_endpoints = [
                NodeEndpoint(node_id=node_id, host=host, port=port, rack=rack)
                for node_id, host, port, rack in leaders.endpoints()
            ]
        return response

    def _name_leaders(self) -> Leaders | None:
        """Tell who leads what was asked of the wrong node. None: nothing was."""
        leaders: Leaders | None = None
        for slot in self._slots:
            if slot.error_code in HINTED:
                leaders = leaders or Leaders(self._ctx)
                leader = leaders.name(slot.error_code, slot.topic, slot.partition_index)
                if leader is not None:
                    slot.current_leader = LeaderIdAndEpoch(leader_id=leader[0], leader_epoch=leader[1])
        return leaders

    # --- waiting ------------------------------------------------------------------------------------------------------

    def _wait_for(self, loading: Sequence[Partition]) -> None:
        """Look again when the last of them is open."""
        missing = len(loading)

        def opened() -> None:
            nonlocal missing
            missing -= 1
            if not missing:
                self._ctx.cluster.world.soon(self._look_again)

        for partition in loading:
            partition.when_open(opened)

    def _park(self, missing_bytes: int) -> None:
        self._missing_bytes = missing_bytes
        if self._moved_since:
            self._moved(0)  # while the disk was read
        self._moved_since = False
        world = self._ctx.cluster.world
        if self._timer is None:
            self._ctx.when_gone = self._gone
            self._timer = world.later(self._request.max_wait_ms / 1000, self._waited)
        self._watch()

    def _watch(self) -> None:
        """Hear of every partition of the request: of those that the session watches, by it."""
        if self._watched is None:
            self._watched = set()
            self._session.hear(self._heard)
        for slot in self._slots:
            if slot.source is not None and slot.interest.waiters is None:
                self._watch_one(slot.source.waiters)

    def _watch_one(self, waiters: Waiters) -> bool:
        """Whether it was not watched before."""
        if self._watched is None or waiters in self._watched:
            return False
        self._watched.add(waiters)
        waiters.watch(self, self._moved)
        return True

    def _heard(self, waiters: Waiters | None, size: int) -> None:
        """The session has heard of a move, once for each partition."""
        if waiters is None or self._watch_one(waiters):
            self._moved(size)

    def _moved(self, size: int) -> None:
        """A partition has more bytes, or (0) has changed in some other way. Several changes of one turn count as
        one."""
        self._missing_bytes -= size
        if (size == 0 or self._missing_bytes <= 0) and not self._waking:
            self._waking = True
            self._ctx.cluster.world.soon(self._look_again)

    def _waited(self) -> None:
        self._over = True
        if not self._is_reading:
            self._look_again()

    def _look_again(self) -> None:
        self._waking = False
        if self._is_reading or self._is_answered:
            self._moved_since = True
            return
        try:
            response = self.look(self._session.look())
        except Exception as error:
            self._answer(error)
            return
        if response is not None:
            self._answer(response)

    def _answer(self, response: FetchResponse | Exception) -> None:
        if not self._is_answered:
            self._is_answered = True
            self._leave()
            self._ctx.answer(response)

    def _gone(self) -> None:
        self._answer(KafkaError(ErrorCode.NETWORK_EXCEPTION))

    def _leave(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._watched is not None:
            for waiters in self._watched:
                waiters.unwatch(self)
            self._watched = None
            self._session.leave(self._heard)
