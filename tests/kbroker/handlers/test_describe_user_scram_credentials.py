"""DescribeUserScramCredentials: who can log in how, and nothing more."""

from typing import Any

from kbroker.catalog.users import Upsertion
from tests.kbroker.handlers.desk import Desk, at_a_desk
from wire.messages.describe_user_scram_credentials import DescribeUserScramCredentialsRequest, UserName


async def describe(desk: Desk, *names: str, everyone: bool = False) -> Any:
    users = None if everyone else [UserName(name=name) for name in names]
    response = await desk.ask(DescribeUserScramCredentialsRequest(users=users), 0)
    assert (response.error_code, response.error_message) == (0, "")
    return [
        (
            one.user,
            one.error_code,
            one.error_message,
            [(each.mechanism, each.iterations) for each in one.credential_infos],
        )
        for one in response.results
    ]


def test_users_are_told_with_their_mechanisms() -> None:
    async def test(desk: Desk) -> None:
        for user, mechanism, iterations in (("alice", 2, 8192), ("bob", 1, 4096), ("alice", 1, 4096)):
            await desk.cluster.catalog.alter_users([], [Upsertion(user, mechanism, iterations, b"salt", b"salted")])
        alice, bob = ("alice", 0, "", [(1, 4096), (2, 8192)]), ("bob", 0, "", [(1, 4096)])
        assert await describe(desk, everyone=True) == await describe(desk) == [alice, bob]
        assert await describe(desk, "bob") == [bob]
        assert await describe(desk, "no", "alice", "bob", "bob") == [
            ("no", 91, "Attempt to describe a user credential that does not exist: no", []),
            alice,
            ("bob", 92, "Cannot describe SCRAM credentials for the same user twice in a single request: bob", []),
        ]

    at_a_desk(test)


def test_who_may_not_know_is_told_so() -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("DESCRIBE", "CLUSTER", "kafka-cluster")}
        assert (await desk.ask(DescribeUserScramCredentialsRequest(users=None), 0)).error_code == 31

    at_a_desk(test)
