"""Fetch sessions (KIP-227): a consumer names its partitions once, and from then on only what has changed is said.

A session is known by (id, epoch). A request says by its epoch what it wants:

    -1      everything is in the request, no session; one that is named ends
     0      everything is in the request; a new session may begin, the answer has its id (0: none was to be had)
    1...    an increment: partitions to add or change, others to forget, all else as before; the epoch must be the next
            one (after 2147483647 comes 1), so that a lost or repeated request is noticed

    unknown id                              FETCH_SESSION_ID_NOT_FOUND
    another epoch than the next one         INVALID_FETCH_SESSION_EPOCH
    topics by id (version 13 on) in a       FETCH_SESSION_TOPIC_ID_ERROR
      session that began by name, or back

After any of the three the client begins anew with epoch 0. An answer to an increment leaves out what the client knows:
a partition is in it with records, with another high watermark or log start than last told, or with an error (which also
makes the next good answer tell everything). Who has got records goes to the end of the order, so that nobody starves.

The cache is bounded. When it is full, the session that has been idle longest makes room, if it has been so for two
minutes; otherwise the newcomer does without. Each node has a cache of its own. Loop time, in seconds, is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING

from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from wire.messages.fetch import FetchPartition, FetchRequest, PartitionData

NO_SESSION = 0
INITIAL_EPOCH = 0
FINAL_EPOCH = -1
MAX_EPOCH = MAX_ID = (1 << 31) - 1
IDLE_S = 120.0
UNTOLD = -1

TopicKey = str | bytes
Key = tuple[TopicKey, int]


class Interest:
    """A partition that a client wants to read, and what it was last told of it. `topic` is a name or an id."""

    __slots__ = (
        "current_leader_epoch",
        "fetch_offset",
        "high_watermark",
        "index",
        "last_fetched_epoch",
        "log_start",
        "max_bytes",
        "topic",
    )

    def __init__(self, topic: TopicKey, asked: FetchPartition) -> None:
        self.topic = topic
        self.index = asked.partition
        self.high_watermark = self.log_start = UNTOLD
        self.fetch_offset = asked.fetch_offset
        self.max_bytes = asked.partition_max_bytes
        self.current_leader_epoch = asked.current_leader_epoch
        self.last_fetched_epoch = asked.last_fetched_epoch

    def ask_like(self, other: Interest) -> None:
        """The client asks for something else; what it was told stays."""
        self.fetch_offset = other.fetch_offset
        self.max_bytes = other.max_bytes
        self.current_leader_epoch = other.current_leader_epoch
        self.last_fetched_epoch = other.last_fetched_epoch

    def is_news(self, told: PartitionData) -> bool:
        """Whether the client does not know this yet. From now on it does."""
        news = (
            bool(told.records)
            or told.high_watermark != self.high_watermark
            or told.log_start_offset != self.log_start
            or told.preferred_read_replica >= 0
            or told.error_code != ErrorCode.NONE
            or told.diverging_epoch.epoch >= 0
        )
        self.high_watermark = told.high_watermark if told.error_code == ErrorCode.NONE else UNTOLD
        self.log_start = told.log_start_offset
        return news


class Session:
    """What one client wants to read. `epoch` is the one that its next request must have."""

    __slots__ = ("by_id", "epoch", "id", "interests", "used_s")

    def __init__(self, id: int, by_id: bool, interests: dict[Key, Interest], now_s: float) -> None:
        self.id = id
        self.by_id = by_id
        self.interests = interests
        self.epoch = INITIAL_EPOCH + 1
        self.used_s = now_s


class Fetch:
    """One request's view of its session: what to read now, and what of the answer to send."""

    __slots__ = ("_epoch", "_full", "_session", "by_id", "interests")

    def __init__(self, by_id: bool, interests: Sequence[Interest], session: Session | None, full: bool) -> None:
        self.by_id = by_id
        self.interests = interests
        self._session = session
        self._epoch = session.epoch if session is not None else FINAL_EPOCH
        self._full = full

    @property
    def session_id(self) -> int:
        return self._session.id if self._session is not None else NO_SESSION

    def select(self, told: Iterable[PartitionData]) -> list[tuple[Interest, PartitionData]]:
        """What of the answers, one for each of `interests`, has to be sent."""
        pairs = list(zip(self.interests, told, strict=True))
        session = self._session
        if session is None:
            return pairs
        if session.epoch != self._epoch:
            raise KafkaError(ErrorCode.INVALID_FETCH_SESSION_EPOCH, "another request went on with this fetch session")
        selected = [pair for pair in pairs if pair[0].is_news(pair[1])]
        for interest, data in selected:
            key = (interest.topic, interest.index)
            if data.records and session.interests.get(key) is interest:
                session.interests[key] = session.interests.pop(key)
        return pairs if self._full else selected


class FetchSessions:
    """The sessions of one node, the least recently used first."""

    __slots__ = ("_random", "_sessions", "slots")

    def __init__(self, slots: int, random: Random) -> None:
        self.slots = slots
        self._random = random
        self._sessions: dict[int, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def partitions(self, session_id: int) -> list[Key]:
        """What a session knows, if there is such a session."""
        session = self._sessions.get(session_id)
        return [] if session is None else list(session.interests)

    def resolve(self, request: FetchRequest, by_id: bool, now_s: float) -> Fetch:
        """What the request is about; raises KafkaError for the whole of it."""
        if request.session_epoch in (INITIAL_EPOCH, FINAL_EPOCH):
            self._sessions.pop(request.session_id, None)
            interests = _interests(request, by_id)
            session = None
            if request.session_epoch == INITIAL_EPOCH and interests:
                session = self._begin(by_id, interests, now_s)
            return Fetch(by_id, list(interests.values()), session, True)
        return self._go_on(request, by_id, now_s)

    def _begin(self, by_id: bool, interests: dict[Key, Interest], now_s: float) -> Session | None:
        sessions = self._sessions
        if len(sessions) >= self.slots:
            oldest = next(iter(sessions.values()), None)
            if oldest is None or now_s - oldest.used_s < IDLE_S:
                return None
            del sessions[oldest.id]
        id = NO_SESSION
        while id == NO_SESSION or id in sessions:
            id = self._random.randint(1, MAX_ID)
        session = sessions[id] = Session(id, by_id, interests, now_s)
        return session

    def _go_on(self, request: FetchRequest, by_id: bool, now_s: float) -> Fetch:
        session = self._sessions.get(request.session_id)
        if session is None:
            raise KafkaError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        if session.epoch != request.session_epoch:
            raise KafkaError(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
        if session.by_id != by_id:
            raise KafkaError(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
        for key, interest in _interests(request, by_id).items():
            known = session.interests.setdefault(key, interest)
            if known is not interest:
                known.ask_like(interest)
        for forgotten in request.forgotten_topics_data:
            topic: TopicKey = forgotten.topic_id if by_id else forgotten.topic
            for index in forgotten.partitions:
                session.interests.pop((topic, index), None)
        del self._sessions[session.id]
        if not session.interests:
            return Fetch(by_id, (), None, True)
        self._sessions[session.id] = session
        session.used_s = now_s
        session.epoch = session.epoch + 1 if session.epoch < MAX_EPOCH else INITIAL_EPOCH + 1
        return Fetch(by_id, list(session.interests.values()), session, False)


def _interests(request: FetchRequest, by_id: bool) -> dict[Key, Interest]:
    """The partitions of a request, in its order; of one that is named twice the last word counts."""
    interests: dict[Key, Interest] = {}
    for topic in request.topics:
        key: TopicKey = topic.topic_id if by_id else topic.topic
        for asked in topic.partitions:
            interests[key, asked.partition] = Interest(key, asked)
    return interests
