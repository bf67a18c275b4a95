"""AlterUserScramCredentials: what is kept proves a login; each user stands alone, and is changed once in a request."""

from hashlib import sha256
from hmac import digest

import pytest

from tests.kbroker.handlers.desk import Desk, at_a_desk
from wire.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)

SHA_256, SHA_512 = 1, 2
TWICE = "A user credential cannot be altered twice in the same request"


def up(name: str, mechanism: int = SHA_256, iterations: int = 4096) -> ScramCredentialUpsertion:
    return ScramCredentialUpsertion(
        name=name, mechanism=mechanism, iterations=iterations, salt=b"salt", salted_password=b"salted"
    )


def down(name: str, mechanism: int = SHA_256) -> ScramCredentialDeletion:
    return ScramCredentialDeletion(name=name, mechanism=mechanism)


async def alter(
    desk: Desk, ups: list[ScramCredentialUpsertion], downs: list[ScramCredentialDeletion]
) -> dict[str, tuple[int, str | None]]:
    response = await desk.ask(AlterUserScramCredentialsRequest(upsertions=ups, deletions=downs), 0)
    return {one.user: (one.error_code, one.error_message) for one in response.results}


def test_the_keys_of_rfc_5802_are_kept_and_not_the_password() -> None:
    async def test(desk: Desk) -> None:
        assert await alter(desk, [up("alice"), up("bob", SHA_512, 8192)], []) == {"alice": (0, None), "bob": (0, None)}
        users = desk.cluster.catalog.users
        assert set(users) == {("alice", SHA_256), ("bob", SHA_512)}
        kept = users["alice", SHA_256]
        assert (kept.iterations, kept.salt) == (4096, b"salt")
        assert kept.stored_key == sha256(digest(b"salted", b"Client Key", "sha256")).digest()
        assert kept.server_key == digest(b"salted", b"Server Key", "sha256")
        assert await alter(desk, [], [down("alice")]) == {"alice": (0, None)}
        assert set(users) == {("bob", SHA_512)}
        assert await alter(desk, [], []) == {}

    at_a_desk(test)


@pytest.mark.parametrize(
    ("ups", "downs", "user", "code", "message"),
    [
        ([up("u", SHA_256, 4095)], [], "u", 93, "Too few iterations"),
        ([up("u", SHA_512, 16385)], [], "u", 93, "Too many iterations"),
        ([up("u", 3)], [], "u", 33, "Unknown SCRAM mechanism"),
        ([], [down("u", 0)], "u", 33, "Unknown SCRAM mechanism"),
        ([up("")], [], "", 93, "Username must not be empty"),
        ([], [down("u")], "u", 91, "Attempt to delete a user credential that does not exist"),
        ([up("u")], [down("u")], "u", 91, "Attempt to delete a user credential that does not exist"),
        ([up("u"), up("u", SHA_512)], [], "u", 92, TWICE),
        ([up("u", SHA_256, 10), up("u", SHA_512)], [], "u", 93, "Too few iterations"),
    ],
)
def test_what_cannot_be_is_refused_and_others_go_on(
    ups: list[ScramCredentialUpsertion], downs: list[ScramCredentialDeletion], user: str, code: int, message: str
) -> None:
    async def test(desk: Desk) -> None:
        answers = await alter(desk, [*ups, up("other")], downs)
        assert answers == {user: (code, message), "other": (0, None)}
        assert set(desk.cluster.catalog.users) == {("other", SHA_256)}

    at_a_desk(test)


@pytest.mark.parametrize("mechanism", [SHA_256, SHA_512])
def test_who_is_there_cannot_be_altered_twice_in_a_request(mechanism: int) -> None:
    async def test(desk: Desk) -> None:
        await alter(desk, [up("u")], [])
        assert await alter(desk, [up("u", mechanism)], [down("u")]) == {"u": (92, TWICE)}
        assert set(desk.cluster.catalog.users) == {("u", SHA_256)}

    at_a_desk(test)


def test_who_may_not_is_told_so_for_each_user() -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("ALTER", "CLUSTER", "kafka-cluster")}
        answers = await alter(desk, [up("a")], [down("b")])
        assert {user: code for user, (code, _) in answers.items()} == {"a": 31, "b": 31}

    at_a_desk(test)
