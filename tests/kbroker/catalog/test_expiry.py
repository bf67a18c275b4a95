"""Delegation tokens that are over are swept, in virtual time."""

from kbroker.catalog.delegation import NewToken
from tests.kbroker.handlers.desk import Desk, at_a_desk
from tests.kbroker.virtual import passed

HOURS = 3_600_000
ALICE = "User:alice"


def test_what_is_over_goes_at_the_next_look_and_nothing_else() -> None:
    async def test(desk: Desk) -> None:
        catalog = desk.cluster.catalog
        short, middle, long = [
            await catalog.create_token(NewToken(ALICE, ALICE, (), lifetime)) for lifetime in (HOURS // 2, 3 * HOURS, 0)
        ]
        await passed(3599)
        assert set(catalog.tokens) == {short.token_id, middle.token_id, long.token_id}, "over, but not looked at"
        await passed(2)
        assert set(catalog.tokens) == {middle.token_id, long.token_id}
        await passed(3 * 3600)
        assert set(catalog.tokens) == {long.token_id}
        await catalog.renew_token(long.token_id, ALICE, -1)
        await passed(23 * 3600)
        assert set(catalog.tokens) == {long.token_id}, "it was renewed"
        await passed(2 * 3600)
        assert not catalog.tokens
        await catalog.stop()

    at_a_desk(test, config={"delegation.token.secret.key": "hush"})


def test_nobody_looks_where_there_are_no_tokens_or_after_the_end() -> None:
    async def test(desk: Desk) -> None:
        assert desk.cluster.catalog._expiry is None

    at_a_desk(test)

    async def stopped(desk: Desk) -> None:
        catalog = desk.cluster.catalog
        token = await catalog.create_token(NewToken(ALICE, ALICE, (), 1))
        await catalog.stop()
        await passed(2 * 3600)
        assert set(catalog.tokens) == {token.token_id}

    at_a_desk(stopped, config={"delegation.token.secret.key": "hush"})
