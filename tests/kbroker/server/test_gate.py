"""The gate of a listener with SASL: what a stranger may do, how it gets in, and how it is turned away."""

import asyncio
import struct
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kbroker.security.login import Way
from kbroker.security.mechanisms import Identity
from kbroker.security.plain import Plain
from kbroker.server.gate import SaslGate, Strangers
from wire.errors import ErrorCode
from wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from wire.messages.sasl_authenticate import SaslAuthenticateRequest
from wire.messages.sasl_handshake import SaslHandshakeRequest

from .surroundings import API_VERSIONS, HEARTBEAT, Client, Surroundings, frame, read, run, turns

SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36
RIGHT, WRONG = b"\0alice\0alice-secret", b"\0alice\0wrong"

VERSIONS = frame(ApiVersionsRequest(client_software_name="t", client_software_version="1"), 3)
UNKNOWN_VERSIONS = struct.pack(">ihhihB", 11, API_VERSIONS, 99, 1, -1, 0)
BEAT = frame(HeartbeatRequest(group_id="g", generation_id=1, member_id="m"), 3)


def handshake(mechanism: str = "PLAIN", version: int = 1) -> bytes:
    return frame(SaslHandshakeRequest(mechanism=mechanism), version)


def token(data: bytes, version: int = 1) -> bytes:
    return frame(SaslAuthenticateRequest(auth_bytes=data), version)


def bare(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data


class Guarded(Surroundings):
    """Alice knows her password. Failed logins are answered at once unless a test says otherwise."""

    def __init__(self, session_ms: int = 0, **texts: str) -> None:
        super().__init__(**{"connection_failed_authentication_delay_ms": "0"} | texts)
        self.beats: list[Any] = []
        self.answer(HEARTBEAT, self.beat)
        rows = [ApiVersion(api_key=18, min_version=0, max_version=4)]
        self.answer(API_VERSIONS, lambda request, ctx: ApiVersionsResponse(error_code=0, api_keys=rows))
        self.strangers = Strangers(self.world, self.config)
        passwords = {"alice": "alice-secret", "bob": "bob-secret"}
        ways = {"PLAIN": Way(lambda: Plain(passwords.get), session_ms)}
        self.gate = SaslGate(self.cluster, self.server.dispatcher, ways, self.strangers)

    def beat(self, request: Any, ctx: Any) -> HeartbeatResponse:
        self.beats.append(ctx.connection.principal)
        return HeartbeatResponse(error_code=0)

    def client(self) -> Client:
        return Client(self.server, self.node, self.listener, self.gate)


def last(client: Client, key: int, version: int) -> Any:
    return read(client.replies[-1], key, version)[1]


def test_who_knows_the_password_gets_in_and_costs_nothing_more() -> None:
    async def body() -> None:
        here = Guarded()
        client = here.client()
        client.send(VERSIONS + handshake())
        assert last(client, SASL_HANDSHAKE, 1).mechanisms == ["PLAIN"]
        client.send(token(RIGHT))
        assert last(client, SASL_AUTHENTICATE, 1).error_code == 0
        assert client.connection.dispatch == here.server.dispatcher.start
        client.send(BEAT)
        assert here.beats == ["User:alice"]

    run(body)


def test_a_listener_without_sasl_has_no_gate() -> None:
    async def body() -> None:
        here = Surroundings()
        client = here.client()
        assert client.connection.dispatch == here.server.dispatcher.start
        client.send(handshake())
        assert last(client, SASL_HANDSHAKE, 1).error_code == ErrorCode.ILLEGAL_SASL_STATE
        client.send(token(RIGHT))
        answer = last(client, SASL_AUTHENTICATE, 1)
        assert (answer.error_code, answer.error_message) == (
            ErrorCode.ILLEGAL_SASL_STATE, "SaslAuthenticate request received after successful authentication",
        )  # fmt: skip
        assert not client.transport.closed

    run(body)


@pytest.mark.parametrize("first", [BEAT, token(RIGHT), bare(RIGHT), bare(b"\x7f\xffwhat"), bare(b"\1"), VERSIONS * 2])
def test_a_request_before_its_time_costs_the_connection(first: bytes) -> None:
    async def body() -> None:
        here = Guarded()
        client = here.client()
        client.send(first)
        assert client.transport.closed
        assert here.beats == []

    run(body)


@pytest.mark.parametrize("second", [BEAT, VERSIONS, handshake()])
def test_a_request_in_place_of_a_token_hears_so_and_is_closed(second: bytes) -> None:
    async def body() -> None:
        here = Guarded()
        client = here.client()
        client.send(handshake() + second + BEAT)
        await turns()
        assert len(client.replies) == 2
        assert struct.pack(">h", ErrorCode.ILLEGAL_SASL_STATE) in client.replies[-1]
        assert client.transport.closed
        assert here.beats == []

    run(body)


def test_versions_of_a_version_that_there_is_not_are_no_token_either() -> None:
    """They are answered in version 0, which anybody can read; a bare token is not answered at all. As Kafka 4.4.0."""

    async def body() -> None:
        client = Guarded().client()
        client.send(handshake() + UNKNOWN_VERSIONS)
        await turns()
        assert (len(client.replies), client.transport.closed) == (2, True)
        answer = last(client, API_VERSIONS, 0)
        assert (answer.error_code, answer.api_keys) == (ErrorCode.ILLEGAL_SASL_STATE, [])
        bare = Guarded().client()
        bare.send(handshake(version=0) + UNKNOWN_VERSIONS)
        await turns()
        assert (len(bare.replies), bare.transport.closed) == (1, True)

    run(body)


@pytest.mark.parametrize("data", [WRONG, b"", b"\0alice\0", b"bob\0alice\0alice-secret"])
def test_wrong_credentials_are_answered_and_what_follows_is_never_looked_at(data: bytes) -> None:
    async def body() -> None:
        here = Guarded()
        client = here.client()
        client.send(handshake() + token(data) + token(RIGHT) + BEAT)
        await turns()
        assert last(client, SASL_AUTHENTICATE, 1).error_code == ErrorCode.SASL_AUTHENTICATION_FAILED
        assert (len(client.replies), client.transport.closed, here.beats) == (2, True, [])

    run(body)


def test_a_failed_login_waits_for_its_answer() -> None:
    async def body() -> None:
        here = Guarded(connection_failed_authentication_delay_ms="100")
        waits: list[float] = []
        later = here.world.later
        here.world.later = lambda seconds, *rest: waits.append(seconds) or later(0, *rest)  # type: ignore[method-assign]
        client = here.client()
        client.send(handshake() + token(WRONG))
        await turns()
        assert 0.1 in waits
        assert client.transport.closed

    run(body)


def test_tokens_may_come_bare_after_a_handshake_of_version_0() -> None:
    async def body() -> None:
        here = Guarded()
        client = here.client()
        client.send(handshake(version=0) + bare(RIGHT))
        assert client.replies[-1] == b""
        client.send(BEAT)
        assert here.beats == ["User:alice"]
        other = here.client()
        other.send(handshake(version=0) + bare(WRONG))
        await turns()
        assert (len(other.replies), other.transport.closed) == (1, True)

    run(body)


def test_a_session_that_is_over_ends_with_the_next_request() -> None:
    async def body() -> None:
        here = Guarded(session_ms=60_000)
        client = here.client()
        client.send(handshake() + token(RIGHT))
        assert last(client, SASL_AUTHENTICATE, 1).session_lifetime_ms == 60_000
        here.world.shift(30_000)
        client.send(BEAT)
        assert len(here.beats) == 1
        here.world.shift(31_000)
        client.send(BEAT)
        assert (len(here.beats), client.transport.closed) == (1, True)

    run(body)


class Over:
    """A mechanism whose credentials ended long ago, but are still known: a delegation token before it is swept."""

    identity: Identity | None = None

    def step(self, token: bytes, now_ms: int) -> bytes:
        self.identity = Identity("alice", expires_at_ms=0)
        return b""


def test_credentials_that_are_over_serve_no_request_not_even_in_the_same_millisecond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def body() -> None:
        here = Guarded()
        now_ms = here.world.time_ms()
        monkeypatch.setattr(here.world, "time_ms", lambda: now_ms)
        monkeypatch.setattr(here.gate, "_ways", {"PLAIN": Way(Over)})
        client = here.client()
        client.send(handshake() + token(RIGHT))
        answer = last(client, SASL_AUTHENTICATE, 1)
        assert (answer.error_code, answer.session_lifetime_ms) == (0, 0)
        client.send(BEAT)
        assert (here.beats, client.transport.closed) == ([], True)

    run(body)


def test_who_logs_in_again_may_go_on() -> None:
    async def body() -> None:
        here = Guarded(session_ms=3000)
        client = here.client()
        client.send(handshake() + token(RIGHT))
        here.world.shift(5000)
        client.send(handshake() + token(RIGHT) + BEAT)
        assert last(client, HEARTBEAT, 3).error_code == 0
        assert here.beats == ["User:alice"]

    run(body)


def test_nobody_logs_in_again_more_than_once_a_second() -> None:
    async def body() -> None:
        here = Guarded(session_ms=3000)
        client = here.client()
        client.send((handshake() + token(RIGHT)) * 2)
        client.send(handshake())
        assert last(client, SASL_HANDSHAKE, 1).error_code == ErrorCode.ILLEGAL_SASL_STATE
        client.send(BEAT)
        assert here.beats == ["User:alice"]

    run(body)


def test_nobody_becomes_somebody_else() -> None:
    async def body() -> None:
        here = Guarded(session_ms=3000)
        client = here.client()
        client.send(handshake() + token(RIGHT) + handshake() + token(b"\0bob\0bob-secret") + BEAT)
        await turns()
        assert last(client, SASL_AUTHENTICATE, 1).error_message.startswith("Cannot change principals")
        assert (client.connection.principal, client.transport.closed, here.beats) == ("User:alice", True, [])

    run(body)


def test_a_stranger_may_not_send_much_and_a_user_may() -> None:
    async def body() -> None:
        here = Guarded(sasl_server_max_receive_size="1000")
        client = here.client()
        client.send(struct.pack(">i", 1001))
        assert client.transport.closed
        client = here.client()
        client.send(handshake() + token(RIGHT))
        client.send(struct.pack(">i", 1001))
        assert not client.transport.closed

    run(body)


def test_the_oldest_stranger_goes_when_there_are_too_many() -> None:
    async def body() -> None:
        here = Guarded(kbroker_max_unauthenticated_connections="2")
        user = here.client()
        user.send(handshake() + token(RIGHT))
        first, second, third = here.client(), here.client(), here.client()
        assert [one.transport.closed for one in (user, first, second, third)] == [False, True, False, False]
        second.lose()
        here.client()
        assert not third.transport.closed

    run(body)


def test_a_stranger_has_so_long_to_log_in() -> None:
    async def body() -> None:
        here = Guarded(kbroker_authentication_timeout_ms="20")
        closed = asyncio.Event()
        user, late = here.client(), here.client()
        late.transport.abort = closed.set  # type: ignore[method-assign]
        user.send(handshake() + token(RIGHT))
        await closed.wait()
        assert not user.transport.closed

    run(body)


FRAMES = st.one_of(
    st.sampled_from([VERSIONS, BEAT, handshake(), handshake("FOO"), handshake(version=0)]),
    st.sampled_from([token(WRONG), token(b"\0bob\0alice-secret"), token(b""), bare(WRONG), bare(b"\0")]),
    st.binary(min_size=1, max_size=40).map(bare),
    st.tuples(st.sampled_from([3, 17, 18, 36, 999]), st.integers(-1, 5), st.binary(max_size=20)).map(
        lambda one: bare(struct.pack(">hhih", *one[:2], 1, -1) + one[2])
    ),
)


@settings(max_examples=150)
@given(st.lists(FRAMES, max_size=8), st.integers(1, 60))
@example([handshake(), UNKNOWN_VERSIONS], 60)  # once an ILLEGAL_SASL_STATE that nobody caught
@example([handshake(version=0), UNKNOWN_VERSIONS], 1)
def test_no_bytes_get_in_without_the_password(frames: list[bytes], piece: int) -> None:
    async def body() -> None:
        here = Guarded()
        client = here.client()
        client.send(b"".join(frames), piece)
        await turns()
        assert client.connection.principal == "User:ANONYMOUS"
        assert here.beats == []
        login = client.connection.login
        assert login is not None
        assert login.identity is None

    run(body)
