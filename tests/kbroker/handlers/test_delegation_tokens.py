"""Delegation tokens as clients meet them: who may ask, what each is answered, and logging in with one. What is expected
was answered by Apache Kafka 4.4.0 to the same questions.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kbroker.broker import Broker
from kbroker.security.authorizer import CLASS_NAME
from kbroker.security.delegation_tokens import Seal
from tests.kbroker.running import Client, connect, run, serving
from tests.kbroker.security.logging_in import KEY, WITH_TOKENS, log_in, log_in_by_token
from tests.kbroker.security.probes import build
from tests.kbroker.security.stage import rule
from wire.errors import ErrorCode

NOT_ALLOWED, DISABLED = ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED
AUTHORIZATION = ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED
NO_PRINCIPAL = ErrorCode.INVALID_PRINCIPAL_TYPE
LOCKED = {"authorizer_class_name": CLASS_NAME, "super_users": "User:admin"}
DAY_MS, WEEK_MS = 86_400_000, 604_800_000


def who(name: str, kind: str = "User") -> dict[str, str]:
    return {"principal_type": kind, "principal_name": name}


class Person:
    """One connection, and the four questions."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def create(self, version: int = 3, owner: tuple[str | None, str] | None = None, **fields: Any) -> Any:
        kind, name = owner or ("", "")
        asked = {"owner_principal_type": kind, "owner_principal_name": name, "max_lifetime_ms": -1, **fields}
        return await self.client.ask(build("create_delegation_token", asked), version)

    async def renew(self, hmac: bytes, period_ms: int = -1, version: int = 2) -> tuple[int, int]:
        asked = build("renew_delegation_token", {"hmac": hmac, "renew_period_ms": period_ms})
        answer = await self.client.ask(asked, version)
        return answer.error_code, answer.expiry_timestamp_ms

    async def expire(self, hmac: bytes, period_ms: int = -1, version: int = 2) -> tuple[int, int]:
        asked = build("expire_delegation_token", {"hmac": hmac, "expiry_time_period_ms": period_ms})
        answer = await self.client.ask(asked, version)
        return answer.error_code, answer.expiry_timestamp_ms

    async def describe(self, *owners: str, version: int = 3, nobody: bool = False) -> Any:
        """By owners; without any, all tokens."""
        named = [who(owner) for owner in owners] if owners or nobody else None
        return await self.client.ask(build("describe_delegation_token", {"owners": named}), version)

    async def sees(self, *owners: str) -> set[str]:
        answer = await self.describe(*owners)
        assert not answer.error_code
        return {token.token_id for token in answer.tokens}


class House:
    """A broker, and who has come to it."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.clients: list[Client] = []

    async def stranger(self) -> Client:
        client = await connect(self.broker)
        self.clients.append(client)
        return client

    async def person(self, name: str) -> Person:
        client = await self.stranger()
        await log_in(client, name, f"{name}-secret")
        return Person(client)

    async def holder(self, token: Any) -> tuple[Person, Any]:
        """Who has logged in with a token, and the answer to that."""
        client = await self.stranger()
        return Person(client), await log_in_by_token(client, token.token_id, bytes(token.hmac))


@asynccontextmanager
async def house(**texts: str) -> AsyncIterator[House]:
    async with serving(**WITH_TOKENS | {name.replace("_", "."): text for name, text in texts.items()}) as broker:
        made = House(broker)
        try:
            yield made
        finally:
            for client in made.clients:
                await client.close()


NOTHING_MADE, NOTHING_TOLD, NOTHING_DONE = (NOT_ALLOWED, -1, "", b""), (NOT_ALLOWED, []), (NOT_ALLOWED, -1)
NOT_ALLOWED_ANYTHING = [NOTHING_MADE, NOTHING_TOLD] * 3 + [NOTHING_DONE] * 2


async def asks_for_everything(person: Person) -> list[Any]:
    """What is answered to creating and describing in each version, to renewing and to expiring."""
    answers: list[Any] = []
    for version in (1, 2, 3):
        made = await person.create(version)
        answers.append((made.error_code, made.issue_timestamp_ms, made.token_id, bytes(made.hmac)))
        told = await person.describe(version=version)
        answers.append((told.error_code, told.tokens))
    return [*answers, await person.renew(b"x"), await person.expire(b"x")]


def test_who_is_not_proved_may_not_ask() -> None:
    async def body() -> None:
        async with house(listeners="PLAINTEXT://127.0.0.1:0") as here:
            assert await asks_for_everything(Person(await here.stranger())) == NOT_ALLOWED_ANYTHING

    run(body)


def test_who_has_come_with_a_token_may_not_ask() -> None:
    async def body() -> None:
        async with house() as here:
            holder, answer = await here.holder(await (await here.person("alice")).create())
            assert 0 < answer.session_lifetime_ms <= DAY_MS
            assert await asks_for_everything(holder) == NOT_ALLOWED_ANYTHING

    run(body)


def test_without_a_key_there_are_no_tokens() -> None:
    async def body() -> None:
        async with house(delegation_token_secret_key="") as here:
            alice = await here.person("alice")
            made = await alice.create()
            assert (made.error_code, made.principal_name, made.expiry_timestamp_ms) == (DISABLED, "alice", 0)
            assert (await alice.create(renewers=[who("g", "Group")])).error_code == NO_PRINCIPAL, "looked at before"
            assert await alice.renew(b"x") == await alice.expire(b"x") == (DISABLED, 0)
            assert (await alice.describe(nobody=True)).error_code == DISABLED
            stranger = await here.stranger()
            refused = await log_in_by_token(stranger, "id", Seal(KEY).hmac("id"))
            assert refused.error_code == ErrorCode.SASL_AUTHENTICATION_FAILED

    run(body)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_token_for_oneself(version: int) -> None:
    async def body() -> None:
        async with house(**LOCKED) as here:
            alice = await here.person("alice")
            made = await alice.create(version, renewers=[who("bob")])
            assert (made.error_code, made.principal_type, made.principal_name) == (0, "User", "alice")
            requester = (made.token_requester_principal_type, made.token_requester_principal_name)
            assert requester == (("User", "alice") if version >= 3 else ("", ""))
            assert made.expiry_timestamp_ms - made.issue_timestamp_ms == DAY_MS
            assert made.max_timestamp_ms - made.issue_timestamp_ms == WEEK_MS
            assert len(made.token_id) == 22
            assert bytes(made.hmac) == Seal(KEY).hmac(made.token_id)
            (told,) = (await alice.describe(version=version)).tokens
            assert (told.token_id, told.hmac, told.expiry_timestamp, told.max_timestamp) == (
                made.token_id, made.hmac, made.expiry_timestamp_ms, made.max_timestamp_ms,
            )  # fmt: skip
            assert [(one.principal_type, one.principal_name) for one in told.renewers] == [("User", "bob")]

    run(body)


def test_a_token_for_somebody_else_needs_a_right_on_that_user() -> None:
    async def body() -> None:
        async with house(**LOCKED) as here:
            alice, carol = await here.person("alice"), await here.person("carol")
            refused = await alice.create(owner=("User", "carol"), renewers=[who("g", "Group")])
            assert (refused.error_code, refused.principal_name) == (AUTHORIZATION, "carol")
            assert (refused.token_requester_principal_name, refused.max_timestamp_ms) == ("alice", -1)
            assert (await alice.create(owner=("User", "alice"))).error_code == 0, "that is oneself"
            may = rule("CREATE_TOKENS", "USER", allows=True, name="User:carol", principal="User:alice")
            await here.broker.cluster.catalog.create_acls([may])
            made = await alice.create(owner=("User", "carol"))
            assert (made.error_code, made.principal_name, made.token_requester_principal_name) == (0, "carol", "alice")
            assert made.token_id in await alice.sees(), "who asked for it sees it"
            mismatch = (ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH, 0)
            assert await alice.renew(bytes(made.hmac)) == await alice.expire(bytes(made.hmac)) == mismatch
            assert (await carol.renew(bytes(made.hmac)))[0] == 0
            holder, _ = await here.holder(made)
            principals = {connection.principal for connection in here.broker.server.connections}
            assert principals == {"User:alice", "User:carol"}
            assert await asks_for_everything(holder) == NOT_ALLOWED_ANYTHING

    run(body)


def test_renewers_are_users_and_owners_have_a_type() -> None:
    async def body() -> None:
        async with house() as here:
            alice = await here.person("alice")
            assert (await alice.create(renewers=[who("bob"), who("g", "Group")])).error_code == NO_PRINCIPAL
            assert (await alice.create(owner=(None, "bob"))).error_code == NO_PRINCIPAL
            assert await alice.sees() == set()

    run(body)


def test_a_token_of_what_is_no_user_logs_nobody_in() -> None:
    async def body() -> None:
        async with house() as here:
            made = await (await here.person("alice")).create(owner=("Group", "bob"))
            assert made.error_code == 0
            _, answer = await here.holder(made)
            assert answer.error_code == ErrorCode.SASL_AUTHENTICATION_FAILED

    run(body)


def test_who_sees_which_tokens() -> None:
    async def body() -> None:
        async with house(**LOCKED) as here:
            alice, bob, carol = [await here.person(name) for name in ("alice", "bob", "carol")]
            of_alice = (await alice.create(renewers=[who("bob")])).token_id
            of_carol = (await carol.create()).token_id
            assert (
                await alice.sees() == await bob.sees() == await bob.sees("alice") == await bob.sees("bob") == {of_alice}
            )
            assert await carol.sees() == {of_carol}
            assert await carol.sees("alice") == await alice.sees("carol") == set()
            assert (await alice.describe(nobody=True)).tokens == []
            by_id = rule("DESCRIBE", "DELEGATION_TOKEN", allows=True, name=of_carol, principal="User:alice")
            by_owner = rule("DESCRIBE_TOKENS", "USER", allows=True, name="User:carol", principal="User:bob")
            await here.broker.cluster.catalog.create_acls([by_id, by_owner])
            assert await alice.sees() == await bob.sees() == await bob.sees("alice", "carol") == {of_alice, of_carol}
            assert await carol.sees() == {of_carol}

    run(body)


def test_renewing_and_ending_by_the_secret() -> None:
    async def body() -> None:
        async with house() as here:
            alice, bob, carol = [await here.person(name) for name in ("alice", "bob", "carol")]
            made = await alice.create(renewers=[who("bob")])
            hmac = bytes(made.hmac)
            for version in (1, 2):
                code, expires_at_ms = await bob.renew(hmac, 100_000, version)
                assert code == 0
                assert 100_000 <= expires_at_ms - made.issue_timestamp_ms < 130_000
                code, expires_at_ms = await bob.expire(hmac, 1 << 62, version)
                assert (code, expires_at_ms) == (0, made.max_timestamp_ms)
            mismatch, unknown = ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH, ErrorCode.DELEGATION_TOKEN_NOT_FOUND
            assert await carol.renew(hmac) == await carol.expire(hmac) == (mismatch, 0)
            assert await alice.renew(b"x") == await alice.expire(b"") == (unknown, 0)
            code, ended_at_ms = await alice.expire(hmac)
            assert code == 0
            assert ended_at_ms >= made.issue_timestamp_ms
            assert await alice.renew(hmac) == (unknown, 0)
            assert await alice.sees() == set()

    run(body)


def test_only_the_secret_of_a_token_that_is_there_logs_in() -> None:
    async def body() -> None:
        async with house() as here:
            alice = await here.person("alice")
            made, other = await alice.create(), await alice.create()
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                answer = await log_in_by_token(await here.stranger(), made.token_id, bytes(made.hmac), mechanism)
                assert answer.error_code == 0
            wrong = [(made.token_id, bytes(other.hmac)), ("alice", bytes(made.hmac)), ("alice", b"alice-secret")]
            await alice.expire(bytes(other.hmac))
            for token_id, hmac in (*wrong, (other.token_id, bytes(other.hmac))):
                answer = await log_in_by_token(await here.stranger(), token_id, hmac)
                assert answer.error_code == ErrorCode.SASL_AUTHENTICATION_FAILED
                assert answer.error_message == (
                    "Authentication failed during authentication due to invalid credentials with SASL mechanism "
                    "SCRAM-SHA-256"
                )

    run(body)


def test_a_session_ends_with_its_token() -> None:
    async def body() -> None:
        async with house() as here:
            alice = await here.person("alice")
            made = await alice.create()
            code, _ = await alice.expire(bytes(made.hmac), 0)
            assert code == 0
            holder, answer = await here.holder(made)
            assert (answer.error_code, answer.session_lifetime_ms) == (0, 0), "it is not swept yet"
            holder.client.send(build("metadata", {"topics": []}), 9)
            assert await holder.client.is_closed()

    run(body)


def test_a_renewed_token_renews_its_session_and_no_other_token_does() -> None:
    """KIP-368 on the connection of KIP-48."""

    async def body() -> None:
        async with house() as here:
            alice, bob = await here.person("alice"), await here.person("bob")
            made, others = await alice.create(), await bob.create()
            await alice.expire(bytes(made.hmac), 60_000)
            holder, answer = await here.holder(made)
            assert 0 < answer.session_lifetime_ms <= 60_000
            await alice.renew(bytes(made.hmac))
            answer = await log_in_by_token(holder.client, made.token_id, bytes(made.hmac))
            assert 60_000 < answer.session_lifetime_ms <= DAY_MS
            assert await asks_for_everything(holder) == NOT_ALLOWED_ANYTHING
            second, _ = await here.holder(made)
            answer = await log_in_by_token(second.client, others.token_id, bytes(others.hmac))
            assert answer.error_message == (
                "Cannot change principals during re-authentication from User.alice: User.bob"
            )
            assert await second.client.is_closed()

    run(body)


def test_no_secret_of_a_token_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    secrets: list[str] = []

    async def body() -> None:
        async with house() as here:
            alice = await here.person("alice")
            made = await alice.create()
            holder, _ = await here.holder(made)
            await log_in_by_token(await here.stranger(), "no-such-token", bytes(made.hmac))
            await alice.renew(bytes(made.hmac))
            await alice.renew(bytes(made.hmac)[1:])
            await alice.expire(bytes(made.hmac))
            said = [repr(here.broker.cluster.catalog.tokens), repr(holder.client), caplog.text]
            secrets.extend(
                secret
                for secret in (KEY, Seal(KEY).password(made.token_id), repr(bytes(made.hmac))[2:-1])
                if secret in "".join(said)
            )

    with caplog.at_level(logging.DEBUG):
        run(body)
    assert "there is no such delegation token" in caplog.text
    assert secrets == []


def test_tokens_log_in_after_a_restart_unless_the_key_is_another(tmp_path: Path) -> None:
    disk = {"kbroker_memory": "false", "log_dir": str(tmp_path)}

    async def body() -> None:
        async with house(**disk) as here:
            made = await (await here.person("alice")).create()
        async with house(**disk) as here:
            _, answer = await here.holder(made)
            assert answer.error_code == 0
            assert await (await here.person("alice")).sees() == {made.token_id}
        async with house(**disk, delegation_token_secret_key="another") as here:
            _, answer = await here.holder(made)
            assert answer.error_code == ErrorCode.SASL_AUTHENTICATION_FAILED
        stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert made.token_id.encode() in stored
        assert bytes(made.hmac) not in stored
        assert KEY.encode() not in stored

    run(body)
