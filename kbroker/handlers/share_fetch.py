"""ShareFetch: a member of a share group takes records under a lock, and acknowledges earlier ones on the way (KIP-932).

    v1  how many records, in ranges of what size     v2  share_acquire_mode (KIP-1206), is_renew_ack (KIP-1222)

Which partitions are meant is the session's business (kbroker/shares/sessions.py); what is acknowledged, that of
_share_acks.py. Per partition the log is read from the first record that may be had, up to the high watermark, or to the
last stable offset for a group with `share.isolation.level` read_committed; then the member takes what it may of that,
at once. The batches of which it has got something go out as they lie in the log.

Without anything to take the request is parked with its partitions, until one is written to, records come back, or
maxWaitMs is over. A request that renews locks fetches nothing, and must say so itself.

Errors of the whole: INVALID_REQUEST, SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH, SHARE_SESSION_LIMIT_REACHED.
A partition whose state is not kept (no member of the group has been given it) is UNKNOWN_SERVER_ERROR, as in Kafka.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from kbroker.catalog import Topic
from kbroker.context import Context
from kbroker.handlers._leaders import Leaders
from kbroker.handlers._share_acks import Outcome, acknowledge_all, asked_of, kept
from kbroker.handlers._share_reading import Slot, spans_of, taken_bytes, told_of
from kbroker.handlers._shares import must_have_share_groups, owner_of
from kbroker.shares.acquire import BATCH_OPTIMIZED, RECORD_LIMIT, Taking
from kbroker.shares.sessions import FINAL_EPOCH, INITIAL_EPOCH, Owner, Place, Session
from kbroker.world import Handle
from storage.engine import Chunk, OutOfRange, Read
from wire.errors import ErrorCode, KafkaError
from wire.messages.share_fetch import (
    LeaderIdAndEpoch,
    NodeEndpoint,
    ShareFetchableTopicResponse,
    ShareFetchRequest,
    ShareFetchResponse,
)

TOLD = frozenset((ErrorCode.FENCED_LEADER_EPOCH, ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.KAFKA_STORAGE_ERROR))
"""What clients understand of why a share partition cannot be opened; all else they hear as an unknown error."""


async def share_fetch(request: ShareFetchRequest, ctx: Context) -> ShareFetchResponse:
    must_have_share_groups(ctx)
    owner = owner_of(request, ctx)
    _check(request)
    session = _session(request, ctx, owner)
    shares, epoch = ctx.cluster.shares, request.share_session_epoch
    may_renew = request.is_renew_ack and shares.settings(owner.group_id).renews
    outcomes = acknowledge_all(ctx, owner, asked_of(request.topics), may_renew)
    ending: Sequence[asyncio.Future[None]] = ()
    slots: Sequence[Slot] = ()
    if epoch == FINAL_EPOCH:
        ending = shares.end_session(owner)
    elif request.max_records > 0 and request.max_bytes > 0:
        slots = await _Fetching(request, ctx, owner, session).fetch()
    await kept(outcomes.values(), ending)
    return _response(ctx, shares.settings(owner.group_id).lock_ms, slots, outcomes, epoch == INITIAL_EPOCH)


def _check(request: ShareFetchRequest) -> None:
    if request.share_session_epoch == INITIAL_EPOCH and any(asked_of(request.topics)):
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if request.is_renew_ack and (
        request.max_wait_ms or request.min_bytes or request.max_bytes or request.max_records
    ):
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if request.share_acquire_mode not in (BATCH_OPTIMIZED, RECORD_LIMIT):
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)


def _session(request: ShareFetchRequest, ctx: Context, owner: Owner) -> Session:
    """The session that this request begins or goes on with, with the partitions that it means from now on."""
    shares = ctx.cluster.shares
    places = [(topic.topic_id, one.partition_index) for topic in request.topics for one in topic.partitions]
    if request.share_session_epoch == INITIAL_EPOCH:
        return shares.sessions.begin(owner, ctx.connection.id, places)
    session = shares.sessions.go_on(owner, request.share_session_epoch)
    session.places.update(dict.fromkeys(places))
    for forgotten in request.forgotten_topics_data:
        for index in forgotten.partitions:
            session.places.pop((forgotten.topic_id, index), None)
    return session


class _Fetching:
    """A fetch under way: looked at once, and again whenever something has moved."""

    def __init__(self, request: ShareFetchRequest, ctx: Context, owner: Owner, session: Session) -> None:
        self._request = request
        self._ctx = ctx
        self._owner = owner
        self._session = session
        self._settings = ctx.cluster.shares.settings(owner.group_id)
        self._is_over = request.max_wait_ms <= 0
        self._slots: list[Slot] = []
        self._timer: Handle | None = None
        self._moved: asyncio.Future[None] | None = None

    async def fetch(self) -> list[Slot]:
        try:
            while True:
                self._slots = [self._slot(place) for place in self._session.places]
                for slot in self._slots:
                    await self._open(slot)
                moved = self._watch()
                if await self._take() or self._is_over or not self._may_get_more():
                    return self._slots
                self._set_timer()
                await moved
        finally:
            self._leave()

    def _may_get_more(self) -> bool:
        is_current = self._ctx.cluster.shares.sessions.find(self._owner) is self._session
        return is_current and any(slot.share is not None for slot in self._slots)

    # --- looking ------------------------------------------------------------------------------------------------------

    def _slot(self, place: Place) -> Slot:
        ctx, (topic_id, index) = self._ctx, place
        topic: Topic | None = ctx.cluster.catalog.topic_by_id(topic_id)
        slot = Slot(place, topic)
        try:
            if topic is None:
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
            if not ctx.authorize("READ", "TOPIC", (topic.name,))[0]:
                raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
            slot.partition = ctx.cluster.partitions.lookup(ctx.node.id, topic, index)
            slot.share = ctx.cluster.shares.partition((self._owner.group_id, topic_id, index), slot.partition)
        except KafkaError as error:
            slot.refuse(error)
        return slot

    async def _open(self, slot: Slot) -> None:
        if slot.share is None or slot.share.is_open:
            return
        try:
            await slot.share.open()
        except KafkaError as error:
            slot.refuse(error if error.code in TOLD else KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR))

    async def _take(self) -> bool:
        """Read, and take at once what may be had of it. Whether there is anything."""
        readable = [slot for slot in self._slots if slot.look(self._settings.read_committed)]
        if not readable:
            return False
        left = min(self._request.max_bytes, self._ctx.cluster.config["fetch.max.bytes"])
        each = max(left // len(readable), 1)
        chunks = await self._ctx.cluster.engine.read(
            [Read(slot.log, slot.offset, each, slot.bound) for slot in readable]
        )
        size = sum([chunk.size for chunk in chunks])
        if not self._is_over and size < self._request.min_bytes:
            return False
        if self._ctx.cluster.shares.sessions.find(self._owner) is not self._session:
            raise KafkaError(ErrorCode.SHARE_SESSION_NOT_FOUND)
        records = self._request.max_records
        for slot, chunk in zip(readable, chunks, strict=True):
            records -= self._acquire(slot, chunk, records)
        served = [slot.place for slot in readable if slot.acquired]
        self._session.served(served)
        return bool(served)

    def _acquire(self, slot: Slot, chunk: Chunk, records: int) -> int:
        share = slot.share
        assert share is not None
        if chunk.error is not None:
            if not isinstance(chunk.error, OutOfRange):  # else the front of the log has just gone: look again
                slot.refuse(KafkaError(ErrorCode.KAFKA_STORAGE_ERROR))
            return 0
        if share.is_void or not chunk.size:
            return 0
        request, settings = self._request, self._settings
        taking = Taking(
            self._owner.member_id,
            self._ctx.cluster.world.time_ms() + settings.lock_ms,
            records,
            request.batch_size,
            request.share_acquire_mode,
            settings.locks,
            settings.deliveries,
        )
        batches = spans_of(slot, chunk, settings.read_committed)
        slot.acquired = share.acquire(slot.offset, [each.span for each in batches], taking)
        slot.data.records = taken_bytes(slot, chunk, batches)
        return sum([taken.last - taken.first + 1 for taken in slot.acquired])

    # --- waiting ------------------------------------------------------------------------------------------------------

    def _watch(self) -> asyncio.Future[None]:
        """Done when anything has moved since this was called."""
        world = self._ctx.cluster.world
        self._unwatch()
        moved = self._moved = world.future()
        wake = partial(_wake, moved)
        for slot in self._slots:
            if slot.partition is not None and slot.share is not None:
                slot.partition.waiters.watch(self, wake)
                slot.share.watch(self, wake)
        return moved

    def _set_timer(self) -> None:
        if self._timer is None:
            self._timer = self._ctx.cluster.world.later(self._request.max_wait_ms / 1000, self._waited)

    def _waited(self) -> None:
        self._is_over = True
        if self._moved is not None:
            _wake(self._moved)

    def _unwatch(self) -> None:
        for slot in self._slots:
            if slot.partition is not None and slot.share is not None:
                slot.partition.waiters.unwatch(self)
                slot.share.unwatch(self)

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._unwatch()


def _wake(moved: asyncio.Future[None], size: int = 0) -> None:
    if not moved.done():
        moved.set_result(None)


def _response(
    ctx: Context, lock_ms: int, slots: Sequence[Slot], outcomes: dict[Place, Outcome], tells_all: bool
) -> ShareFetchResponse:
    """What there is to tell: records, errors, what became of acknowledgements; all partitions at the beginning."""
    told = {slot.place: slot.tell() for slot in slots if tells_all or slot.acquired or slot.data.error_code}
    topics = {slot.place: slot.topic for slot in slots}
    for place, outcome in outcomes.items():
        data = told.setdefault(place, told_of(place))
        data.acknowledge_error_code, data.acknowledge_error_message = outcome.code, outcome.message
        topics.setdefault(place, outcome.topic)
    leaders = Leaders(ctx)
    by_topic: dict[bytes, ShareFetchableTopicResponse] = {}
    for place, data in told.items():
        code = data.error_code or data.acknowledge_error_code
        if (leader := leaders.name(code, topics[place], place[1])) is not None:
            data.current_leader = LeaderIdAndEpoch(leader_id=leader[0], leader_epoch=leader[1])
        topic = by_topic.setdefault(place[0], ShareFetchableTopicResponse(topic_id=place[0], partitions=[]))
        topic.partitions.append(data)
    return ShareFetchResponse(
        error_code=ErrorCode.NONE,
        acquisition_lock_timeout_ms=lock_ms,
        responses=list(by_topic.values()),
        node_endpoints=[
            NodeEndpoint(node_id=node_id, host=host, port=port, rack=rack)
            for node_id, host, port, rack in leaders.endpoints()
        ],
    )
