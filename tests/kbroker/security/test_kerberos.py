"""The order of steps of GSSAPI, with a ticket that does what a test says. Real ones are in `compat_tests/security`."""

import pytest

from kbroker.security.kerberos import OFFER, BadTicket, Kerberos
from kbroker.security.mechanisms import Failed

NOW = 1_000
CHOICE = b"\x01\x01\x00\x00somebody else"


class Signed:
    """A context that takes `rounds` tokens to stand; what is wrapped begins with an s."""

    def __init__(self, rounds: int = 1, last: bytes = b"welcome", principal: str = "alice@HOME") -> None:
        self.rounds = rounds
        self.last = last
        self.principal = principal

    def step(self, token: bytes) -> bytes:
        if token == b"forged":
            raise BadTicket("the ticket is for somebody else")
        self.rounds -= 1
        return self.last if self.is_complete() else b"go on"

    def is_complete(self) -> bool:
        return self.rounds <= 0

    def wrap(self, message: bytes) -> bytes:
        return b"s" + message

    def unwrap(self, token: bytes) -> bytes:
        if token[:1] != b"s":
            raise BadTicket("the signature is wrong")
        return token[1:]

    def client(self) -> tuple[str, str]:
        return self.principal, "HOME"


def local_name(principal: str, realm: str) -> str | None:
    name, _, of = principal.partition("@")
    return name if of == realm else None


def says(login: Kerberos, *tokens: bytes) -> list[bytes]:
    return [login.step(token, NOW) for token in tokens]


def test_a_login_by_ticket() -> None:
    login = Kerberos(Signed(rounds=2), local_name)
    assert says(login, b"ticket", b"more") == [b"go on", b"welcome"]
    assert says(login, b"") == [b"s" + OFFER]
    assert login.identity is None
    assert says(login, b"s" + CHOICE) == [b""]
    assert login.identity is not None
    assert (login.identity.name, login.identity.expires_at_ms) == ("alice", None)


def test_where_the_context_has_nothing_to_say_the_offer_comes_at_once() -> None:
    login = Kerberos(Signed(last=b""), local_name)
    assert says(login, b"ticket", b"s" + CHOICE) == [b"s" + OFFER, b""]
    assert login.identity is not None


@pytest.mark.parametrize(
    ("tokens", "principal", "why"),
    [
        ([b"forged"], "alice@HOME", "for somebody else"),
        ([b"ticket", b"too much"], "alice@HOME", "where nothing is to be said"),
        ([b"ticket", b"", b"x" + CHOICE], "alice@HOME", "the signature is wrong"),
        ([b"ticket", b"", b"s\x01"], "alice@HOME", "no security layer"),
        ([b"ticket", b"", b"s\x04\x01\x00\x00"], "alice@HOME", "the security layer 4"),
        ([b"ticket", b"", b"s" + CHOICE], "alice@ELSEWHERE", "no rule of sasl.kerberos"),
        ([b"ticket", b"", b"s" + CHOICE, b"once more"], "alice@HOME", "after the end"),
    ],
)
def test_what_is_wrong_is_for_our_log_only(tokens: list[bytes], principal: str, why: str) -> None:
    login = Kerberos(Signed(principal=principal), local_name)
    with pytest.raises(Failed, match=why) as failed:
        says(login, *tokens)
    assert failed.value.message is None, "the client hears that its credentials are invalid"
