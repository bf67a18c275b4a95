"""The first SCRAM users of a cluster, in the form of `kafka-storage format --add-scram`."""

from base64 import b64encode
from hashlib import pbkdf2_hmac

import pytest

from kbroker.catalog.users import Deletion
from kbroker.config import ConfigError
from kbroker.server.scram_users import add_scram_users, parse
from tests.kbroker.running import run, serving
from tests.kbroker.server.surroundings import Surroundings


def users(text: str) -> list[tuple[str, int, int, bytes, bytes]]:
    found: list[tuple[str, int, int, bytes, bytes]] = []

    async def body() -> None:
        found.extend(tuple(one) for one in parse(Surroundings().cluster, text))

    run(body)
    return found


def test_a_password_is_salted_here() -> None:
    (one,) = users('SCRAM-SHA-512=[name=alice,password="a,b]c",iterations=8192]')
    name, mechanism, iterations, salt, salted = one
    assert (name, mechanism, iterations, len(salt)) == ("alice", 2, 8192, 32)
    assert salted == pbkdf2_hmac("sha512", b"a,b]c", salt, 8192)


def test_several_may_stand_in_a_row_and_be_salted_already() -> None:
    salt, prepared = b64encode(b"the-salt").decode(), b64encode(b"the-salted").decode()
    first, second = users(
        f'SCRAM-SHA-256=[name=alice,password=x], SCRAM-SHA-256=[name="bob",salt="{salt}",saltedpassword="{prepared}"]'
    )
    assert first[:3] == ("alice", 1, 4096)
    assert second == ("bob", 1, 4096, b"the-salt", b"the-salted")


@pytest.mark.parametrize(
    "text",
    [
        "alice:geheim",
        "SCRAM-SHA-1=[name=alice,password=geheim]",
        "SCRAM-SHA-256=[name=alice,password=geheim",
        "SCRAM-SHA-256=[name=alice]",
        "SCRAM-SHA-256=[password=geheim]",
        "SCRAM-SHA-256=[name=alice,password=geheim,password=geheim]",
        "SCRAM-SHA-256=[name=alice,passwort=geheim]",
        "SCRAM-SHA-256=[name=alice,password=geheim,iterations=4095]",
        "SCRAM-SHA-256=[name=alice,password=geheim,iterations=many]",
        'SCRAM-SHA-256=[name=alice,password=geheim,salt="???"]',
        'SCRAM-SHA-256=[name=alice,saltedpassword="Z2VoZWlt"]',
        "SCRAM-SHA-256=[name=a,password=geheim] SCRAM-SHA-256=[]",
    ],
)
def test_what_is_wrong_is_told_without_a_secret(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        users(text)
    assert str(caught.value).startswith("Invalid value for configuration kbroker.scram.users: number ")
    assert "geheim" not in str(caught.value)


def test_users_are_stored_at_the_start_and_never_changed_by_it() -> None:
    async def body() -> None:
        text = "SCRAM-SHA-256=[name=alice,password=one],SCRAM-SHA-512=[name=alice,password=one]"
        async with serving(kbroker_scram_users=text) as broker:
            catalog = broker.cluster.catalog
            assert set(catalog.users) == {("alice", 1), ("alice", 2)}
            await catalog.alter_users([Deletion("alice", 2)], [])
            kept = catalog.users[("alice", 1)]
            await add_scram_users(broker.cluster)
            assert set(catalog.users) == {("alice", 1), ("alice", 2)}
            assert catalog.users[("alice", 1)] == kept

    run(body)
