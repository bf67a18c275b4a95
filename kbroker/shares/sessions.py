"""Share sessions (KIP-932): which partitions a member of a share group fetches. Each request says only what changes.

    epoch  0    begins a session with the partitions named, also in place of another. Nothing can be acknowledged
    1, 2, ...   goes on; after 2147483647 comes 1
    epoch -1    ends it, perhaps with last acknowledgements

    no session                    SHARE_SESSION_NOT_FOUND
    not the next epoch            INVALID_SHARE_SESSION_EPOCH: an answer was lost, the client begins anew
    too many sessions             SHARE_SESSION_LIMIT_REACHED

A session is known by group, member and node, and ends with the connection that began it; then what the member still
holds is to be had again. A session that takes the place of another goes on with what the member holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wire.errors import ErrorCode, KafkaError

INITIAL_EPOCH, FINAL_EPOCH = 0, -1
MAX_EPOCH = (1 << 31) - 1

Place = tuple[bytes, int]
"""Topic id and partition."""


class Owner(NamedTuple):
    """A member of a group has a session with each node whose partitions it reads."""

    group_id: str
    member_id: str
    node_id: int


class Session:
    """`touched` are the partitions of which the member may hold records."""

    __slots__ = ("connection_id", "epoch", "owner", "places", "touched")

    def __init__(self, owner: Owner, connection_id: int, places: Iterable[Place]) -> None:
        self.owner = owner
        self.connection_id = connection_id
        self.epoch = INITIAL_EPOCH + 1
        self.places: dict[Place, None] = dict.fromkeys(places)
        self.touched: set[Place] = set()

    def served(self, places: Sequence[Place]) -> None:
        """Who has got records goes to the end of the order, so that no partition starves."""
        for place in places:
            if place in self.places:
                del self.places[place]
                self.places[place] = None
        self.touched.update(places)


class Sessions:
    """The sessions with all nodes of the process."""

    __slots__ = ("_by_connection", "_sessions", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self._sessions: dict[Owner, Session] = {}
        self._by_connection: dict[int, set[Owner]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def find(self, owner: Owner) -> Session | None:
        return self._sessions.get(owner)

    def begin(self, owner: Owner, connection_id: int, places: Iterable[Place]) -> Session:
        before = self.end(owner)
        if len(self._sessions) >= self.most:
            raise KafkaError(ErrorCode.SHARE_SESSION_LIMIT_REACHED)
        session = self._sessions[owner] = Session(owner, connection_id, places)
        if before is not None:
            session.touched = before.touched
        self._by_connection.setdefault(connection_id, set()).add(owner)
        return session

    def go_on(self, owner: Owner, epoch: int) -> Session:
        """The session that this request belongs to; its epoch moves on unless this is its end."""
        session = self._sessions.get(owner)
        if session is None:
            raise KafkaError(ErrorCode.SHARE_SESSION_NOT_FOUND)
        if epoch == FINAL_EPOCH:
            return session
        if epoch != session.epoch:
            raise KafkaError(ErrorCode.INVALID_SHARE_SESSION_EPOCH)
        session.epoch = epoch + 1 if epoch < MAX_EPOCH else INITIAL_EPOCH + 1
        return session

    def end(self, owner: Owner) -> Session | None:
        session = self._sessions.pop(owner, None)
        if session is not None:
            owners = self._by_connection[session.connection_id]
            owners.discard(owner)
            if not owners:
                del self._by_connection[session.connection_id]
        return session

    def of_connection(self, connection_id: int) -> Sequence[Owner]:
        return tuple(self._by_connection.get(connection_id, ()))
