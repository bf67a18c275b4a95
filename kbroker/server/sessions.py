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

An increment costs what has moved, not what the session holds. A partition of which there was nothing more to tell is
*quiet*: the session asked it to say when it moves, and does not look at it until then. All others are *awake*: they
have moved, have an error, had more to read than was sent, or are asked for anew. Each interest is watched or awake, or
both (it was looked at, and the answer has not gone out yet); only an answer that goes out lets one sleep. What does not
come from partitions - the catalog, rights, who asks, at which isolation level - is the *view*: when it is not that of
the last answer, all partitions are looked at.

The cache is bounded. When it is full, the session that has been idle longest makes room, if it has been so for two
minutes; otherwise the newcomer does without. Each node has a cache of its own. Loop time, in seconds, is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.partitions.waiters import Waiters
    from wire.messages.fetch import FetchPartition, FetchRequest

NO_SESSION = 0
INITIAL_EPOCH = 0
FINAL_EPOCH = -1
MAX_EPOCH = MAX_ID = (1 << 31) - 1
IDLE_S = 120.0
UNTOLD = -1
_TURN = attrgetter("turn")

T = TypeVar("T", bound="Told")
TopicKey = str | bytes
Key = tuple[TopicKey, int]

Heard = Callable[["Waiters | None", int], object]
"""Told whose partition has moved and how many bytes more can be read (0: something else has changed); None stands for
any of them."""


class Told(Protocol):
    """What is answered of a partition: PartitionData that knows who is `interest`ed."""

    interest: Interest
    error_code: int
    high_watermark: int
    log_start_offset: int
    preferred_read_replica: int
    diverging_epoch: Any
    records: Any


class Interest:
    """A partition that a client wants to read, and what it was last told of it. `topic` is a name or an id. `turn` is
    its place in the order; `waiters` are those of its partition while it is watched."""

    __slots__ = (
        "current_leader_epoch",
        "fetch_offset",
        "high_watermark",
        "index",
        "last_fetched_epoch",
        "log_start",
        "max_bytes",
        "session",
        "topic",
        "turn",
        "waiters",
    )

    def __init__(self, topic: TopicKey, asked: FetchPartition) -> None:
        self.topic = topic
        self.index = asked.partition
        self.high_watermark = self.log_start = UNTOLD
        self.fetch_offset = asked.fetch_offset
        self.max_bytes = asked.partition_max_bytes
        self.current_leader_epoch = asked.current_leader_epoch
        self.last_fetched_epoch = asked.last_fetched_epoch
        self.session: Session | None = None
        self.turn = 0
        self.waiters: Waiters | None = None

    def ask_like(self, other: Interest) -> None:
        """The client asks for something else; what it was told stays."""
        self.fetch_offset = other.fetch_offset
        self.max_bytes = other.max_bytes
        self.current_leader_epoch = other.current_leader_epoch
        self.last_fetched_epoch = other.last_fetched_epoch

    def watch(self, waiters: Waiters) -> None:
        """There is nothing more to read of it: hear when that changes."""
        if self.session is not None and self.waiters is not waiters:
            self.wake()
            self.waiters = waiters
            waiters.once(self, self._moved)

    def wake(self) -> None:
        """It is looked at until it has been watched and answered again."""
        if self.waiters is not None:
            self.waiters.not_once(self)
            self.waiters = None
        if self.session is not None:
            self.session.awake[self.topic, self.index] = self

    def leave(self) -> None:
        """The session has it no more."""
        self.wake()
        self.session = None

    def _moved(self, size: int) -> None:
        waiters, session = self.waiters, self.session
        self.wake()
        if session is not None and session.heard is not None:
            session.heard(waiters, size)

    def is_news(self, told: Told) -> bool:
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
    """What one client wants to read. `epoch` is the one that its next request must have; `heard` is how a parked
    request is told of what moves."""

    __slots__ = ("_turns", "awake", "by_id", "epoch", "heard", "id", "interests", "used_s", "view")

    def __init__(self, id: int, by_id: bool, interests: dict[Key, Interest], now_s: float) -> None:
        self.id = id
        self.by_id = by_id
        self.interests: dict[Key, Interest] = {}
        self.awake: dict[Key, Interest] = {}
        self.epoch = INITIAL_EPOCH + 1
        self.used_s = now_s
        self.view: object = None
        self.heard: Heard | None = None
        self._turns = 0
        for key, interest in interests.items():
            self.add(key, interest)

    def add(self, key: Key, interest: Interest) -> None:
        self.interests[key] = interest
        interest.session = self
        interest.wake()
        self.to_the_end(interest)

    def forget(self, key: Key) -> None:
        if (interest := self.interests.pop(key, None)) is not None:
            interest.leave()
            del self.awake[key]

    def to_the_end(self, interest: Interest) -> None:
        self._turns += 1
        interest.turn = self._turns

    def in_order(self, only_awake: bool) -> list[Interest]:
        return sorted((self.awake if only_awake else self.interests).values(), key=_TURN)

    def end(self) -> None:
        """Nobody can go on with it. A request that is parked goes on by itself."""
        for interest in self.interests.values():
            interest.leave()
        if self.heard is not None:
            self.heard(None, 0)


class Fetch:
    """One request's view of its session: what to look at now, and what of the answer to send. `interests` is what was
    last looked at; `is_empty` says that there is nothing to wait for."""

    __slots__ = ("_epoch", "_full", "_session", "_view", "by_id", "interests", "is_empty", "session_id")

    def __init__(
        self, by_id: bool, interests: Sequence[Interest], session: Session | None, full: bool, view: object = None
    ) -> None:
        self.by_id = by_id
        self.interests = interests
        self._session = session
        if session is None:
            self.session_id = NO_SESSION
            self.is_empty = not interests
        else:
            self.session_id = session.id
            self.is_empty = False
            self._epoch = session.epoch
        self._full = full
        self._view = view

    def look(self) -> Sequence[Interest]:
        """What may have something to tell now, in order: `interests` from here on."""
        session = self._session
        if session is not None and not self._full:
            self.interests = session.in_order(self._view is not None and self._view == session.view)
        return self.interests

    def hear(self, heard: Heard) -> None:
        """Tell, until `leave`, when a partition moves that is watched for the session (`Interest.watch`)."""
        if self._session is not None:
            self._session.heard = heard

    def leave(self, heard: Heard) -> None:
        if self._session is not None and self._session.heard == heard:
            self._session.heard = None

    def select(self, told: Sequence[T]) -> Sequence[T]:
        """What of the answers, one for each of `interests`, has to be sent."""
        session = self._session
        if session is None:
            return told
        if session.epoch != self._epoch:
            raise KafkaError(ErrorCode.INVALID_FETCH_SESSION_EPOCH, "another request went on with this fetch session")
        session.view = self._view
        selected = []
        for data in told:
            interest = data.interest
            if interest.is_news(data):
                selected.append(data)
                if data.records:
                    session.to_the_end(interest)
            if interest.waiters is not None:
                session.awake.pop((interest.topic, interest.index), None)
        return told if self._full else selected


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

    def resolve(self, request: FetchRequest, by_id: bool, now_s: float, view: object = None) -> Fetch:
        """What the request is about; raises KafkaError for the whole of it. `view` is all that the answer depends on
        besides the request and the partitions, None if that is not known: then every partition is looked at."""
        if request.session_epoch in (INITIAL_EPOCH, FINAL_EPOCH):
            if (ended := self._sessions.pop(request.session_id, None)) is not None:
                ended.end()
            interests = _interests(request, by_id)
            session = None
            if request.session_epoch == INITIAL_EPOCH and interests:
                session = self._begin(by_id, interests, now_s)
            return Fetch(by_id, list(interests.values()), session, True, view)
        return self._go_on(request, by_id, now_s, view)

    def _begin(self, by_id: bool, interests: dict[Key, Interest], now_s: float) -> Session | None:
        sessions = self._sessions
        if len(sessions) >= self.slots:
            oldest = next(iter(sessions.values()), None)
            if oldest is None or now_s - oldest.used_s < IDLE_S:
                return None
            del sessions[oldest.id]
            oldest.end()
        id = NO_SESSION
        while id == NO_SESSION or id in sessions:
            id = self._random.randint(1, MAX_ID)
        session = sessions[id] = Session(id, by_id, interests, now_s)
        return session

    def _go_on(self, request: FetchRequest, by_id: bool, now_s: float, view: object) -> Fetch:
        session = self._sessions.get(request.session_id)
        if session is None:
            raise KafkaError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        if session.epoch != request.session_epoch:
            raise KafkaError(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
        if session.by_id != by_id:
            raise KafkaError(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
        for key, interest in _interests(request, by_id).items():
            known = session.interests.get(key)
            if known is None:
                session.add(key, interest)
            else:
                known.ask_like(interest)
                known.wake()
        for forgotten in request.forgotten_topics_data:
            topic: TopicKey = forgotten.topic_id if by_id else forgotten.topic
            for index in forgotten.partitions:
                session.forget((topic, index))
        del self._sessions[session.id]
        if not session.interests:
            return Fetch(by_id, (), None, True)
        self._sessions[session.id] = session
        session.used_s = now_s
        session.epoch = session.epoch + 1 if session.epoch < MAX_EPOCH else INITIAL_EPOCH + 1
        fetch = Fetch(by_id, (), session, False, view)
        fetch.look()
        return fetch


def _interests(request: FetchRequest, by_id: bool) -> dict[Key, Interest]:
    """The partitions of a request, in its order; of one that is named twice the last word counts."""
    interests: dict[Key, Interest] = {}
    for topic in request.topics:
        key: TopicKey = topic.topic_id if by_id else topic.topic
        for asked in topic.partitions:
            interests[key, asked.partition] = Interest(key, asked)
    return interests
