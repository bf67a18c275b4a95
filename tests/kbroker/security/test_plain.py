"""SASL PLAIN: one token, and Kafka's words for what is wrong with it (asked of Apache Kafka 4.4.0)."""

import pytest

from kbroker.security.mechanisms import Failed, Identity
from kbroker.security.plain import Plain

PASSWORDS = {"alice": "alice-secret", "bob": "bob-secret", "zoë": "pässwort"}


def log_in(token: bytes) -> Identity | None:
    plain = Plain(PASSWORDS.get)
    assert plain.step(token, 0) == b""
    return plain.identity


@pytest.mark.parametrize("token", [b"\0alice\0alice-secret", b"alice\0alice\0alice-secret"])
def test_the_right_password_lets_in(token: bytes) -> None:
    assert log_in(token) == Identity("alice")


def test_names_and_passwords_are_utf_8() -> None:
    assert log_in("\0zoë\0pässwort".encode()) == Identity("zoë")


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (b"\0alice\0wrong", "Authentication failed: Invalid username or password"),
        (b"\0alice\0bob-secret", "Authentication failed: Invalid username or password"),
        (b"\0alice\0alice-secre", "Authentication failed: Invalid username or password"),
        (b"\0alice\0alice-secrets", "Authentication failed: Invalid username or password"),
        (b"\0nobody\0alice-secret", "Authentication failed: Invalid username or password"),
        (b"\0nobody\0None", "Authentication failed: Invalid username or password"),
        (b"\0\xff\xfe\0x", "Authentication failed: Invalid username or password"),
        (b"\0\0x", "Authentication failed: username not specified"),
        (b"\0alice\0", "Authentication failed: password not specified"),
        (b"alice\0alice-secret", "Invalid SASL/PLAIN response: expected 3 tokens, got 2"),
        (b"\0alice\0alice-secret\0x", "Invalid SASL/PLAIN response: expected 3 tokens, got 4"),
        (b"", "Invalid SASL/PLAIN response: expected 3 tokens, got 1"),
        (
            b"bob\0alice\0alice-secret",
            "Authentication failed: Client requested an authorization id that is different from username",
        ),
    ],
)
def test_everything_else_is_turned_away_in_kafkas_words(token: bytes, message: str) -> None:
    plain = Plain(PASSWORDS.get)
    with pytest.raises(Failed) as caught:
        plain.step(token, 0)
    assert caught.value.message == message
    assert plain.identity is None
    assert "secret" not in str(caught.value)
