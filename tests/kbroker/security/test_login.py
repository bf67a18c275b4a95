"""The conversation before the first real request: which step may come when, and what a wrong one leads to."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbroker.security import login as logins
from kbroker.security.login import BARE_TOKENS, COMPLETE, FAILED, HANDSHAKE, HANDSHAKE_OR_VERSIONS, TOKENS, Login, Way
from kbroker.security.mechanisms import Failed, Identity
from wire.errors import ErrorCode


class Riddle:
    """A mechanism of two rounds: say a name, then what the name is backwards."""

    def __init__(self, expires_at_ms: int | None = None) -> None:
        self.identity: Identity | None = None
        self.name = ""
        self.expires_at_ms = expires_at_ms

    def step(self, token: bytes, now_ms: int) -> bytes:
        if not self.name:
            self.name = token.decode() or "nobody"
            return b"backwards?"
        if token.decode() != self.name[::-1]:
            raise Failed(None, "that is not backwards")
        self.identity = Identity(self.name, self.expires_at_ms)
        return b""


WAYS = {"RIDDLE": Way(Riddle), "SHORT": Way(Riddle, 3000), "ENDING": Way(lambda: Riddle(10_000), 60_000)}


def logged_in(mechanism: str, now_ms: int = 0, before: Login | None = None, name: str = "anna b") -> Login:
    login = Login(WAYS, before)
    assert login.handshake(mechanism, bare=False) == 0
    login.step(name.encode(), now_ms)
    login.step(name[::-1].encode(), now_ms)
    return login


def test_versions_may_be_asked_once_before_the_handshake() -> None:
    login = Login(WAYS)
    assert (login.state, login.admits(18), login.admits(17), login.admits(36), login.admits(3)) == (
        HANDSHAKE_OR_VERSIONS, True, True, False, False,
    )  # fmt: skip
    login.versions_told()
    assert (login.state, login.admits(18), login.admits(17), login.admits(36)) == (HANDSHAKE, False, True, False)


def test_tokens_are_all_that_may_come_after_the_handshake() -> None:
    login = Login(WAYS)
    assert login.handshake("RIDDLE", bare=False) == ErrorCode.NONE
    assert [key for key in range(100) if login.admits(key)] == [36]


def test_a_mechanism_takes_as_many_rounds_as_it_needs() -> None:
    login = Login(WAYS)
    login.handshake("RIDDLE", bare=False)
    assert login.step(b"anna b", 0).token == b"backwards?"
    assert login.state == TOKENS
    assert login.step(b"b anna", 0).error == 0
    assert (login.state, login.identity) == (COMPLETE, Identity("anna b"))


def test_an_unknown_mechanism_is_told_and_ends_it() -> None:
    login = Login(WAYS)
    assert login.handshake("riddle", bare=False) == ErrorCode.UNSUPPORTED_SASL_MECHANISM
    assert (login.state, login.is_silent) == (FAILED, False)


def test_what_was_wrong_with_the_credentials_is_for_the_log_alone() -> None:
    login = Login(WAYS)
    login.handshake("RIDDLE", bare=False)
    login.step(b"anna b", 0)
    answer = login.step(b"anna b", 0)
    assert answer.error == ErrorCode.SASL_AUTHENTICATION_FAILED
    assert answer.message == (
        "Authentication failed during authentication due to invalid credentials with SASL mechanism RIDDLE"
    )
    assert (login.state, login.reason) == (FAILED, "its authentication by RIDDLE failed: that is not backwards")


def test_bare_tokens_fail_in_silence() -> None:
    login = Login(WAYS)
    login.handshake("RIDDLE", bare=True)
    assert login.state == BARE_TOKENS
    login.step(b"anna b", 0)
    login.step(b"wrong", 0)
    assert (login.state, login.is_silent) == (FAILED, True)


@pytest.mark.parametrize(
    ("mechanism", "now_ms", "lifetime", "expires_at_ms"),
    [
        ("RIDDLE", 500, 0, None),
        ("SHORT", 500, 3000, 3500),
        ("ENDING", 500, 9500, 10_000),
        ("ENDING", 12_000, 0, 12_000),
    ],
)
def test_a_session_ends_with_the_credentials_or_the_configured_time(
    mechanism: str, now_ms: int, lifetime: int, expires_at_ms: int | None
) -> None:
    login = Login(WAYS)
    login.handshake(mechanism, bare=False)
    login.step(b"ab", now_ms)
    assert login.step(b"ba", now_ms).session_lifetime_ms == lifetime
    assert login.expires_at_ms == expires_at_ms


def test_who_logs_in_again_must_be_the_same() -> None:
    first = logged_in("SHORT")
    assert logged_in("SHORT", 1000, first).state == COMPLETE
    again = Login(WAYS, first)
    again.handshake("SHORT", bare=False)
    again.step(b"cd", 1000)
    assert again.step(b"dc", 1000).message == (
        "Cannot change principals during re-authentication from User.anna b: User.cd"
    )
    assert again.state == FAILED


def test_who_logs_in_again_must_do_it_in_the_same_way() -> None:
    again = Login(WAYS, logged_in("SHORT"))
    assert again.handshake("RIDDLE", bare=False) == ErrorCode.NONE
    again.step(b"anna b", 0)
    assert (again.state, again.is_silent) == (FAILED, True)


def test_a_second_login_may_not_ask_for_versions_in_between() -> None:
    again = Login(WAYS, logged_in("SHORT"))
    assert (again.admits(18), again.admits(17)) == (False, True)


STEPS = st.one_of(
    st.tuples(st.just("handshake"), st.sampled_from([*WAYS, "FOO"]), st.booleans()),
    st.tuples(st.just("token"), st.sampled_from([b"", b"ab", b"ba", b"\xffx".decode("latin1").encode()])),
    st.tuples(st.just("versions")),
)


@given(st.lists(STEPS, max_size=12))
def test_nobody_gets_in_without_the_answer_to_the_riddle(steps: list[tuple[object, ...]]) -> None:
    login, said, states = Login(WAYS), [], [HANDSHAKE_OR_VERSIONS]
    for what, *details in steps:
        if what == "versions" and login.admits(logins.API_VERSIONS):
            login.versions_told()
        elif what == "handshake" and login.admits(logins.SASL_HANDSHAKE):
            login.handshake(*details)  # type: ignore[arg-type]
        elif what == "token" and login.state in (TOKENS, BARE_TOKENS):
            said.append(details[0])
            login.step(details[0], 7)  # type: ignore[arg-type]
        states.append(login.state)
    assert all(before <= after for before, after in pairwise(states)), "there is no way back"
    if login.state == COMPLETE:
        name, answer = said
        assert answer.decode() == (name.decode() or "nobody")[::-1]  # type: ignore[attr-defined]
        assert login.identity is not None
    else:
        assert login.identity is None
