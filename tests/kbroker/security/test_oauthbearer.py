"""OAUTHBEARER: the framing of RFC 7628, and Kafka's answers (asked of Apache Kafka 4.4.0)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbroker.security.mechanisms import Failed, Identity
from kbroker.security.oauthbearer import BadToken, OAuthBearer

INVALID = b'{"status":"invalid_token"}'


def validate(token: str, now_ms: int) -> Identity:
    if token != "good":
        raise BadToken("it is not good")
    return Identity("al", now_ms + 1000)


def message(token: str, authorization_id: str = "", extensions: str = "") -> bytes:
    return f"n,{authorization_id and 'a='}{authorization_id},\x01auth=Bearer {token}\x01{extensions}\x01".encode()


@pytest.mark.parametrize(
    "said",
    [
        message("good"),
        message("good", "al"),
        message("good", "", "traceId=1 2\x01other=x\x01"),
        b"n,,\x01auth=bEARER   good\x01\x01",
    ],
)
def test_who_brings_a_good_token_is_in(said: bytes) -> None:
    login = OAuthBearer(validate)
    assert login.step(said, 5) == b""
    assert login.identity == Identity("al", 1005)


def test_a_bad_token_is_told_and_then_fails() -> None:
    login = OAuthBearer(validate)
    assert login.step(message("bad"), 0) == INVALID
    with pytest.raises(Failed) as caught:
        login.step(b"\x01", 0)
    assert caught.value.message == INVALID.decode()
    assert login.identity is None


def test_after_a_bad_token_a_good_one_may_follow() -> None:
    login = OAuthBearer(validate)
    login.step(message("bad"), 0)
    assert login.step(message("good"), 0) == b""
    assert login.identity is not None


@pytest.mark.parametrize(
    "said",
    [b"", b"\x01", b"hello", b"n,,\x01\x01", b"n,,\x01auth=Basic good\x01\x01", b"n,,\x01auth=Bearer go od\x01\x01"],
)
def test_what_is_no_message_fails_without_a_word_of_why(said: bytes) -> None:
    with pytest.raises(Failed) as caught:
        OAuthBearer(validate).step(said, 0)
    assert caught.value.message is None


def test_an_authorization_id_may_only_repeat_the_name() -> None:
    with pytest.raises(Failed) as caught:
        OAuthBearer(validate).step(message("good", "bob"), 0)
    assert caught.value.message == (
        "Authentication failed: Client requested an authorization id (bob) that is different from the token's "
        "principal name (al)"
    )


@given(
    st.lists(st.binary(max_size=30) | st.sampled_from([b"\x01", message("bad"), message("good", "bob")]), max_size=4)
)
def test_nobody_gets_in_without_a_good_token(said: list[bytes]) -> None:
    login = OAuthBearer(validate)
    for one in said:
        try:
            login.step(one, 0)
        except Failed:
            break
    assert login.identity is None
