"""How long delegation tokens live and who may prolong and end them: the answers of Apache Kafka 4.4.0."""

import pytest

from kbroker.catalog.delegation import Lifetimes, NewToken, Token, created, expired, renewed
from kbroker.catalog.events import CreateToken, ExpireToken, RenewToken, SweepTokens
from tests.kbroker.catalog.support import Life, state
from wire.errors import ErrorCode, KafkaError

LIMITS = Lifetimes(most_ms=1000, renewal_ms=100)
ALICE, BOB, CAROL, DAVE = "User:alice", "User:bob", "User:carol", "User:dave"
TOKEN = Token("id", ALICE, CAROL, (BOB,), 0, 100, 1000)
NOT_FOUND, EXPIRED = ErrorCode.DELEGATION_TOKEN_NOT_FOUND, ErrorCode.DELEGATION_TOKEN_EXPIRED
MISMATCH = ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH
LONG = (1 << 63) - 1


@pytest.mark.parametrize(
    ("lifetime_ms", "expires_at_ms", "ends_at_ms"),
    [(-1, 5100, 6000), (0, 5100, 6000), (50, 5050, 5050), (500, 5100, 5500), (1001, 5100, 6000), (LONG, 5100, 6000)],
)
def test_a_token_lives_as_long_as_asked_within_the_limits(
    lifetime_ms: int, expires_at_ms: int, ends_at_ms: int
) -> None:
    token = created(NewToken(ALICE, ALICE, (), lifetime_ms), "id", LIMITS, 5000)
    assert (token.issued_at_ms, token.expires_at_ms, token.ends_at_ms) == (5000, expires_at_ms, ends_at_ms)


def test_no_limit_is_too_large_to_be_written() -> None:
    token = created(NewToken(ALICE, ALICE, (), -1), "id", Lifetimes(LONG, LONG), 5000)
    assert token.expires_at_ms == token.ends_at_ms == LONG


@pytest.mark.parametrize(
    ("now_ms", "period_ms", "expires_at_ms"),
    [(40, 30, 70), (40, -1, 140), (40, 0, 140), (40, LONG, 140), (100, 50, 150)],
)
def test_a_renewal_is_from_now_on(now_ms: int, period_ms: int, expires_at_ms: int) -> None:
    for principal in (ALICE, BOB):
        assert renewed(TOKEN, principal, period_ms, LIMITS, now_ms).expires_at_ms == expires_at_ms


def test_no_renewal_goes_beyond_the_end() -> None:
    assert renewed(TOKEN._replace(expires_at_ms=990), ALICE, -1, LIMITS, 950).expires_at_ms == 1000


@pytest.mark.parametrize(
    ("now_ms", "period_ms", "expires_at_ms"), [(40, 0, 40), (40, 500, 540), (40, 5000, 1000), (40, LONG, 1000)]
)
def test_an_end_may_be_sooner_or_later(now_ms: int, period_ms: int, expires_at_ms: int) -> None:
    for principal in (ALICE, BOB):
        token = expired(TOKEN, principal, period_ms, now_ms)
        assert token is not None
        assert token.expires_at_ms == expires_at_ms


def test_a_negative_period_ends_a_token_at_once_even_one_that_is_over() -> None:
    assert expired(TOKEN, ALICE, -1, 40) is None
    assert expired(TOKEN, BOB, -1, 5000) is None


@pytest.mark.parametrize(
    ("principal", "now_ms", "when_renewed", "when_expired"),
    [
        (CAROL, 40, MISMATCH, MISMATCH),  # the requester may not either
        (DAVE, 40, MISMATCH, MISMATCH),
        (ALICE, 101, EXPIRED, EXPIRED),
        (DAVE, 101, EXPIRED, MISMATCH),  # each looks at another thing first
    ],
)
def test_who_may_not_is_told_why(principal: str, now_ms: int, when_renewed: ErrorCode, when_expired: ErrorCode) -> None:
    with pytest.raises(KafkaError) as caught:
        renewed(TOKEN, principal, 1, LIMITS, now_ms)
    assert caught.value.code is when_renewed
    with pytest.raises(KafkaError) as caught:
        expired(TOKEN, principal, 1, now_ms)
    assert caught.value.code is when_expired


def test_a_token_that_is_not_there_is_not_found() -> None:
    with pytest.raises(KafkaError) as caught:
        renewed(None, ALICE, 1, LIMITS, 0)
    assert caught.value.code is NOT_FOUND
    with pytest.raises(KafkaError) as caught:
        expired(None, ALICE, -1, 0)
    assert caught.value.code is NOT_FOUND


def create(life: Life, new: NewToken) -> Token:
    token: Token = life.ask(lambda ticket: CreateToken(ticket, new, LIMITS, 10))
    return token


def test_tokens_are_there_again_after_a_restart_and_after_compaction() -> None:
    life = Life()
    asked = [NewToken(ALICE, CAROL, (BOB, DAVE), lifetime_ms) for lifetime_ms in (-1, 20, 500)]
    first, second, third = (create(life, new) for new in asked)
    assert life.ask(lambda ticket: RenewToken(ticket, first.token_id, BOB, 70, LIMITS, 60)) == 130
    assert life.ask(lambda ticket: ExpireToken(ticket, third.token_id, ALICE, -1, 60)) == 60
    kept = {token.token_id: token for token in (first._replace(expires_at_ms=130), second)}
    assert life.machine.registers.tokens == kept
    life.boot()
    assert life.machine.registers.tokens == kept
    assert state(life.replayed()) == state(life.replayed(compacted=True)) == state(life.machine)
    life.ask(lambda ticket: SweepTokens(ticket, 31))
    assert list(life.machine.registers.tokens) == [first.token_id], "the other one was over"
    assert state(life.replayed()) == state(life.replayed(compacted=True)) == state(life.machine)
