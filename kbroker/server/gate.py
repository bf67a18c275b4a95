"""Before a listener's requests are served: who is there?

On a listener with SASL a connection's frames come here first, and go on to the dispatcher only while
`security/login.py` admits them. When the client has logged in, the dispatcher takes the gate's place, so that a request
costs nothing more; where the session has an end, a guard stays that looks at the time (KIP-368). On a listener with
TLS alone the client's certificate says who it is, before the first byte.

A stranger - somebody who has not logged in - gets little: frames of at most `sasl.server.max.receive.size`, a limited
time, and a place among a limited number, where the oldest goes when a new one comes. A failed login is answered
`connection.failed.authentication.delay.ms` late, so that guessing is slow, and the connection is closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kbroker.security.login import (
    API_VERSIONS,
    BARE_TOKENS,
    COMPLETE,
    FAILED,
    SASL_AUTHENTICATE,
    SASL_HANDSHAKE,
    TOKENS,
    Login,
    Way,
)
from kbroker.server.apis import Entry
from kbroker.server.dispatch import Call, Dispatcher, Refused
from wire.errors import ErrorCode, KafkaError
from wire.frame import frame_size
from wire.registry import APIS

if TYPE_CHECKING:
    from kbroker.cluster import Cluster
    from kbroker.config import Config
    from kbroker.server.connection import Connection
    from kbroker.world import Handle, World
    from wire.frame import Frame

_LEAST_BETWEEN_LOGINS_S = 1.0


class Strangers:
    """Those who have not logged in yet, the oldest first; one timer for all of them."""

    def __init__(self, world: World, config: Config) -> None:
        self._world = world
        self._most: int = config["kbroker.max.unauthenticated.connections"]
        self._seconds: float = config["kbroker.authentication.timeout.ms"] / 1000
        self._since: dict[Connection, float] = {}
        self._timer: Handle | None = None

    def add(self, connection: Connection) -> None:
        if len(self._since) >= self._most:
            oldest = next(iter(self._since))
            oldest.drop(f"{self._most} clients are about to log in (kbroker.max.unauthenticated.connections)")
            self._since.pop(oldest, None)
        self._since[connection] = self._world.loop_time()
        if self._timer is None:
            self._timer = self._world.later(self._seconds, self._drop_late)

    def remove(self, connection: Connection) -> None:
        self._since.pop(connection, None)
        if not self._since and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drop_late(self) -> None:
        self._timer = None
        now = self._world.loop_time()
        for connection, since in list(self._since.items()):
            left = since + self._seconds - now
            if left > 0:
                self._timer = self._world.later(left, self._drop_late)
                return
            connection.drop(f"it did not log in for {self._seconds:g} s (kbroker.authentication.timeout.ms)")
            self._since.pop(connection, None)


class SaslGate:
    """The gate of one listener with SASL."""

    def __init__(
        self, cluster: Cluster, dispatcher: Dispatcher, ways: Mapping[str, Way], strangers: Strangers
    ) -> None:
        config = cluster.config
        self._world = cluster.world
        self._dispatcher = dispatcher
        self._untimely = Dispatcher(cluster, _Untimely())
        self._bare = Entry(APIS[SASL_AUTHENTICATE], _nobody, *_classes(SASL_AUTHENTICATE))
        self._ways = ways
        self._strangers = strangers
        self._max_frame_bytes: int = config["sasl.server.max.receive.size"]
        self._delay: float = config["connection.failed.authentication.delay.ms"] / 1000

    # What connections call.

    def admit(self, connection: Connection) -> None:
        """A client has connected."""
        connection.login = Login(self._ways)
        connection.dispatch = self.start
        connection.limit_frames(self._max_frame_bytes)
        self._strangers.add(connection)

    def lost(self, connection: Connection) -> None:
        self._strangers.remove(connection)

    def start(self, connection: Connection, frame: Frame, arrived_at: float) -> Call:
        """A frame of somebody who is logging in."""
        login = connection.login
        assert login is not None
        if login.state == BARE_TOKENS:
            call = self._take_bare_token(connection, login, frame, arrived_at)
        else:
            key = int.from_bytes(frame[:2], "big", signed=True)
            if login.admits(key):
                call = self._dispatcher.enter(connection, frame, arrived_at)
                if key == API_VERSIONS and _error_code(call) == 0:
                    login.versions_told()
            elif login.state == TOKENS:
                login.fail(f"it sent {_name(key)} before its SASL authentication was over")
                call = self._untimely.start(connection, frame, arrived_at)
            else:
                raise Refused(f"it sent {_name(key)} before its SASL handshake")
        if login.state == COMPLETE:
            self._let_in(connection, login)
        elif login.state == FAILED:
            self._turn_away(connection, login, call)
        return call

    def guard(self, connection: Connection, frame: Frame, arrived_at: float) -> Call:
        """A frame of somebody whose session has an end."""
        login = connection.login
        assert login is not None
        assert login.expires_at_ms is not None
        if int.from_bytes(frame[:2], "big") == SASL_HANDSHAKE:
            if arrived_at - connection.logged_in_again_at >= _LEAST_BETWEEN_LOGINS_S:
                connection.logged_in_again_at = arrived_at
                connection.login = Login(self._ways, login)
                connection.dispatch = self.start
                return self.start(connection, frame, arrived_at)
        elif self._world.time_ms() >= login.expires_at_ms:
            raise Refused("its session is over, and it has not logged in again")
        return self._dispatcher.enter(connection, frame, arrived_at)

    # Steps.

    def _take_bare_token(self, connection: Connection, login: Login, frame: Frame, arrived_at: float) -> Call:
        call = Call(self._dispatcher.cluster, connection, frame, self._bare, None, 0, 0, arrived_at)
        answer = login.step(bytes(frame), self._world.time_ms())
        call.reply = [frame_size([answer.token]) + answer.token]
        return call

    def _let_in(self, connection: Connection, login: Login) -> None:
        assert login.identity is not None
        connection.principal = f"User:{login.identity.name}"
        connection.limit_frames(connection.server.max_frame_bytes)
        connection.dispatch = self._dispatcher.enter if login.expires_at_ms is None else self.guard
        self._strangers.remove(connection)

    def _turn_away(self, connection: Connection, login: Login, call: Call) -> None:
        """Answer late, and close."""
        reply = [] if login.is_silent else call.reply
        call.reply = None
        connection.start_nothing_more()
        self._world.later(self._delay, self._end, connection, call, reply, login.reason)

    def _end(self, connection: Connection, call: Call, reply: Any, reason: str) -> None:
        call.reply = reply
        call.refused = reason
        connection.answered(call)


class _Untimely:
    """APIs of which each answers that its time has not come."""

    def entry(self, key: int) -> Entry | None:
        return Entry(APIS[key], _refuse, *_classes(key)) if key in APIS else None


def _refuse(request: Any, ctx: Any) -> Any:
    name = APIS[ctx.api_key].kafka_name
    raise KafkaError(
        ErrorCode.ILLEGAL_SASL_STATE, f"Unexpected Kafka request of type {name} during SASL authentication."
    )


def _nobody(request: Any, ctx: Any) -> None:
    """Bare tokens reach no handler."""


def _classes(key: int) -> tuple[Any, Any]:
    return APIS[key].request_class(), APIS[key].response_class()


def _error_code(call: Call) -> int:
    """The error code of an answered ApiVersions: the first field of its body, in every version."""
    reply = b"".join(call.reply or ())
    return int.from_bytes(reply[8:10], "big")


def _name(key: int) -> str:
    return APIS[key].kafka_name if key in APIS else f"a request with API key {key}"
