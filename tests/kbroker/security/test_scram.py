"""SCRAM: the vectors of RFC 7677, the client of the command line as a second reader, and everything that must fail."""

from base64 import b64decode
from collections.abc import Callable
from hashlib import pbkdf2_hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.catalog.users import Credential, Upsertion, credential
from kbroker.client.security import Security, scram
from kbroker.security.mechanisms import Failed, Identity
from kbroker.security.scram import Known, Scram

NUMBERS = {"SCRAM-SHA-256": 1, "SCRAM-SHA-512": 2}
HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


def salted(mechanism: str, password: str, salt: bytes = b"salt", iterations: int = 4096) -> Credential:
    prepared = pbkdf2_hmac(HASHES[mechanism], password.encode(), salt, iterations)
    return credential(Upsertion("any", NUMBERS[mechanism], iterations, salt, prepared))


def users(mechanism: str = "SCRAM-SHA-256", **passwords: str) -> Callable[[str, bool], Known | None]:
    known = {name: Known(salted(mechanism, text), Identity(name)) for name, text in passwords.items()}
    return lambda name, is_token: None if is_token else known.get(name)


ALICE = users(alice="alice-secret")


def test_the_exchange_of_rfc_7677_section_3() -> None:
    pencil = salted("SCRAM-SHA-256", "pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    known = Known(pencil, Identity("user"))
    login = Scram("SCRAM-SHA-256", lambda name, is_token: known, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    assert login.step(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", 0) == (
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    assert login.identity is None
    proof = b"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    assert login.step(b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=" + proof, 0) == (
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    )
    assert login.identity == Identity("user")


def talk(mechanism: str, find: Callable[[str, bool], Known | None], name: str, password: str) -> Identity | None:
    """The client of our command line against the broker's end; it raises if the broker's signature is wrong."""
    login = Scram(mechanism, find, "a-nonce-of-the-broker")
    client = scram(Security(mechanism=mechanism, username=name, password=password))
    challenge = login.step(next(client), 0)
    final = login.step(client.send(challenge), 0)
    with pytest.raises(StopIteration):
        client.send(final)
    return login.identity


@pytest.mark.parametrize("mechanism", NUMBERS)
def test_who_knows_the_password_gets_in(mechanism: str) -> None:
    assert talk(mechanism, users(mechanism, alice="alice-secret"), "alice", "alice-secret") == Identity("alice")


@pytest.mark.parametrize("mechanism", NUMBERS)
@pytest.mark.parametrize(("name", "password"), [("alice", "wrong"), ("alice", ""), ("nobody", "alice-secret")])
def test_nobody_else_does_and_hears_nothing_of_why(mechanism: str, name: str, password: str) -> None:
    with pytest.raises(Failed) as caught:
        talk(mechanism, users(mechanism, alice="alice-secret"), name, password)
    assert caught.value.message is None
    assert "secret" not in str(caught.value)


@settings(max_examples=30)
@given(
    name=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
    password=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_names_and_passwords_may_have_any_characters(name: str, password: str) -> None:
    known = Known(salted("SCRAM-SHA-256", password), Identity(name))
    assert talk("SCRAM-SHA-256", lambda one, is_token: known if one == name else None, name, password) == Identity(name)


@pytest.mark.parametrize(
    "token",
    [
        b"",
        b"hello",
        b"n,,n=alice",
        b"n,,n=,r=abc",
        b"n,,n=alice,r=",
        b"y,,n=alice,r=abc",
        b"p=tls-unique,,n=alice,r=abc",
        b"n,,n=al=ice,r=abc",
        b"n,,n=alice,r=a bc",
        b"n,,n=alice,r=abc,x",
        b"n,,n=ali\0ce,r=abc",
    ],
)
def test_what_is_no_first_message_fails(token: bytes) -> None:
    with pytest.raises(Failed) as caught:
        Scram("SCRAM-SHA-256", ALICE, "n").step(token, 0)
    assert caught.value.message is None


def test_an_authorization_id_may_only_repeat_the_name() -> None:
    assert Scram("SCRAM-SHA-256", ALICE, "n").step(b"n,a=alice,n=alice,r=abc", 0).startswith(b"r=abcn,")
    with pytest.raises(Failed, match="Client requested an authorization id that is different from username"):
        Scram("SCRAM-SHA-256", ALICE, "n").step(b"n,a=bob,n=alice,r=abc", 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda final: final.replace(b"r=", b"r=x"),
        lambda final: final.replace(b"nonce", b"once"),
        lambda final: final.replace(b"c=biws", b"c=bixs"),
        lambda final: final.replace(b",p=", b",x=y,p="),
        lambda final: final.partition(b",p=")[0],
        lambda final: final.partition(b",p=")[0] + b",p=",
        lambda final: final[:-8],
        lambda final: final[:-4] + b"AAAA",
        lambda final: final.partition(b",p=")[0] + b",p=" + b"A" * 43 + b"=",
        lambda final: b"",
    ],
)
def test_a_final_message_that_was_touched_fails(change: Callable[[bytes], bytes]) -> None:
    login = Scram("SCRAM-SHA-256", ALICE, "a-nonce-of-the-broker")
    client = scram(Security(mechanism="SCRAM-SHA-256", username="alice", password="alice-secret"))
    final = client.send(login.step(next(client), 0))
    assert change(final) != final
    with pytest.raises(Failed) as caught:
        login.step(change(final), 0)
    assert (caught.value.message, login.identity) == (None, None)


def test_the_messages_of_one_login_do_not_open_another() -> None:
    client = scram(Security(mechanism="SCRAM-SHA-256", username="alice", password="alice-secret"))
    first = next(client)
    login = Scram("SCRAM-SHA-256", ALICE, "one")
    final = client.send(login.step(first, 0))
    replayed = Scram("SCRAM-SHA-256", ALICE, "two")
    replayed.step(first, 0)
    with pytest.raises(Failed, match="nonce"):
        replayed.step(final, 0)


def test_a_credential_that_is_too_weak_opens_nothing() -> None:
    weak = Known(salted("SCRAM-SHA-256", "x", iterations=4095), Identity("alice"))
    with pytest.raises(Failed) as caught:
        Scram("SCRAM-SHA-256", lambda name, is_token: weak, "n").step(b"n,,n=alice,r=abc", 0)
    assert caught.value.message is None


def test_the_extension_tokenauth_asks_for_a_delegation_token() -> None:
    asked: list[tuple[str, bool]] = []
    for extensions in (b"", b",tokenauth=true", b",other=x,tokenauth=true", b",tokenauth=false"):
        with pytest.raises(Failed):
            Scram("SCRAM-SHA-256", lambda *what: asked.append(what), "n").step(b"n,,n=a=2Cb=3D,r=abc" + extensions, 0)
    assert asked == [("a,b=", False), ("a,b=", True), ("a,b=", True), ("a,b=", False)]


def test_nothing_shows_a_key() -> None:
    known = Known(salted("SCRAM-SHA-256", "x"), Identity("alice"))
    assert repr(known) == "Known('alice')"
