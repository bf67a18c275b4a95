"""Each row of the table of rights against the handlers: allowed, denied with the exact error, what is enough instead.

A whole broker with an authorizer, over a socket. That every handler asks for exactly what the table says is watched by
a spy in place of the authorizer.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kbroker.acls import AclFilter
from kbroker.broker import Broker
from kbroker.catalog.delegation import NewToken
from kbroker.operations import SENSIBLE
from kbroker.security.authorizer import CLASS_NAME, Authorizer
from kbroker.security.rights import RIGHTS, Right
from tests.kbroker.running import Client, connect, run, serving
from tests.kbroker.security.logging_in import WITH_TOKENS, log_in
from tests.kbroker.security.probes import KEYS, PROBES, Probe, errors
from tests.kbroker.security.stage import EVERYTHING, prepare, probe, rule
from wire.errors import ErrorCode

HANDLERS = {path.stem for path in (Path(__file__).parents[3] / "kbroker/handlers").glob("[!_]*.py")}
ALL = AclFilter(1, None, 1, None, None, 1, 1)
REFUSALS = {right.refusal for rights in RIGHTS.values() for right in rights}

# These are asked by their own tests, with states of their own.
ELSEWHERE = {
    "describe_transactions": {("DESCRIBE", "TOPIC")},
}
# Says unasked what may be done with each topic (KIP-430), and asks for all of that.
TELLS_OPERATIONS = {"describe_topic_partitions"}
# Of groups that need much around them; their rows are held by the spy, and by the tests of their handlers.
OTHERS = ("share_", "streams_", "_share_group_")


@asynccontextmanager
async def locked_down() -> AsyncIterator[tuple[Broker, Client]]:
    """The client has logged in: who has not is told nothing of tokens."""
    async with serving(authorizer_class_name=CLASS_NAME, **WITH_TOKENS) as broker:
        await allow(broker)
        await broker.cluster.catalog.create_token(NewToken("User:other", "User:other", (), 0))
        client = await connect(broker)
        await log_in(client, "alice", "alice-secret")
        await prepare(client)
        try:
            yield broker, client
        finally:
            await client.close()


async def allow(broker: Broker, *denied: tuple[str, str]) -> None:
    """Everything but that."""
    catalog = broker.cluster.catalog
    await catalog.delete_acls([ALL])
    refused = await catalog.create_acls([*EVERYTHING, *(rule(*right, allows=False) for right in denied)])
    assert set(refused) == {None}


def row(one: Probe, right: tuple[str, str]) -> Right:
    (found,) = [each for each in RIGHTS[one.api] if (each.operation, each.resource_type) == right]
    return found


def test_every_handler_is_in_the_table_and_every_row_is_asked_for() -> None:
    assert HANDLERS - set(RIGHTS) == set()
    assert set(RIGHTS) <= set(KEYS)
    probed = {(one.api, right) for one in PROBES for right in one.rights}
    for api, rights in RIGHTS.items():
        if api in HANDLERS and not any(part in api for part in OTHERS):
            wanted = {(right.operation, right.resource_type) for right in rights} - ELSEWHERE.get(api, set())
            assert {right for name, right in probed if name == api} == wanted, api


def test_each_row_allows_and_denies_with_its_error() -> None:
    async def body() -> None:
        async with locked_down() as (broker, client):
            for one in PROBES:
                if one.api not in HANDLERS:
                    continue
                for right in one.rights:
                    await _is_denied(broker, client, one, row(one, right))
                await allow(broker)
                allowed = await probe(client, one)
                assert not REFUSALS & set(errors(allowed)), (one.name, allowed)

    run(body)


async def _is_denied(
    broker: Broker, client: Client, one: Probe, right: Right, also: tuple[tuple[str, str], ...] = ()
) -> None:
    asked = (right.operation, right.resource_type)
    await allow(broker, asked, *right.instead, *also)
    response = await probe(client, one)
    if right.refusal is None:
        assert set(errors(response)) <= {0}, (one.name, asked, response)
        assert not _names_anything(response), (one.name, asked, response)
    else:
        assert REFUSALS & set(errors(response)) == {right.refusal}, (one.name, asked, response)
    for other in right.instead:
        await allow(broker, asked, *(each for each in right.instead if each != other))
        response = await probe(client, one)
        assert right.refusal not in errors(response), (one.name, asked, "with", other, response)
        if right.refusal is None:
            assert _names_anything(response), (one.name, asked, "with", other, response)


def _of_another_topic(value: Any) -> Any:
    """The same question about a topic that is not there."""
    if isinstance(value, dict):
        return {key: _of_another_topic(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_of_another_topic(inner) for inner in value]
    return "absent" if value == "t" else value


def test_a_denial_does_not_tell_whether_the_topic_is_there() -> None:
    async def body() -> None:
        async with locked_down() as (broker, client):
            for one in PROBES:
                # One asks of a group; the other may know that there is no such topic, as it may describe it.
                if one.api not in HANDLERS or one.api in ("consumer_group_describe", "delete_topics"):
                    continue
                for right in (row(one, each) for each in one.rights):
                    if right.refusal == ErrorCode.TOPIC_AUTHORIZATION_FAILED and right.operation != "DESCRIBE_CONFIGS":
                        absent = one._replace(fields=_of_another_topic(one.fields))
                        await _is_denied(broker, client, absent, right._replace(instead=()), right.instead)

    run(body)


def _names_anything(response: Any) -> bool:
    return any(getattr(response, field.name) for field in response.__fields__ if field.kind == "array")


class Spy(Authorizer):
    """Allows everything, and notes what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[tuple[str, str]] = set()

    def may(self, principal: str, host: str, operation: str, resource_type: str, names: Any) -> list[bool]:
        self.asked.add((operation, resource_type))
        return [True] * len(names)

    def may_any(self, principal: str, host: str, operation: str, resource_type: str) -> bool:
        self.asked.add((operation, resource_type))
        return True


def test_no_handler_asks_for_what_the_table_does_not_have() -> None:
    async def body() -> None:
        async with locked_down() as (broker, client):
            for one in PROBES:
                if one.api not in HANDLERS:
                    continue
                spy = broker.cluster.authorizer = Spy()
                await probe(client, one)
                known = {(right.operation, right.resource_type) for right in RIGHTS[one.api]}
                known |= {other for right in RIGHTS[one.api] for other in right.instead}
                known |= {(operation, "TOPIC") for operation in SENSIBLE["TOPIC"] if one.api in TELLS_OPERATIONS}
                assert spy.asked <= known, (one.name, spy.asked - known)
                assert spy.asked & {*one.rights} or any(row(one, right).instead for right in one.rights), one.name

    run(body)


def test_a_planted_hole_is_found() -> None:
    """A handler that forgets one right is caught: the proof that the matrix looks."""

    class Forgetful(Authorizer):
        def may(self, principal: str, host: str, operation: str, resource_type: str, names: Any) -> list[bool]:
            if (operation, resource_type) == ("READ", "GROUP"):
                return [True] * len(names)
            return super().may(principal, host, operation, resource_type, names)

    async def body() -> None:
        async with locked_down() as (broker, client):
            broker.cluster.authorizer = Forgetful()
            found = []
            for one in PROBES:
                if ("READ", "GROUP") in one.rights:
                    try:
                        await _is_denied(broker, client, one, row(one, ("READ", "GROUP")))
                    except AssertionError:
                        found.append(one.api)
            assert {"heartbeat", "offset_commit", "txn_offset_commit", "add_offsets_to_txn"} <= set(found)

    run(body)


def test_what_may_not_be_described_is_as_if_it_were_not_there() -> None:
    async def body() -> None:
        async with locked_down() as (broker, client):
            from wire.messages.metadata import MetadataRequest

            everything = MetadataRequest(topics=None, include_topic_authorized_operations=True)
            seen = [topic.name for topic in (await client.ask(everything, 9)).topics]
            assert "t" in seen
            await allow(broker, ("DESCRIBE", "TOPIC"))
            assert (await client.ask(everything, 9)).topics == []

    run(body)


def test_authorized_operations_are_what_is_allowed() -> None:
    async def body() -> None:
        async with locked_down() as (broker, client):
            from wire.messages.describe_cluster import DescribeClusterRequest
            from wire.messages.describe_groups import DescribeGroupsRequest
            from wire.messages.metadata import MetadataRequest, MetadataRequestTopic

            async def bits() -> tuple[int, int, int]:
                topics = MetadataRequest(
                    topics=[MetadataRequestTopic(name="t")], include_topic_authorized_operations=True
                )
                (topic,) = (await client.ask(topics, 9)).topics
                groups = DescribeGroupsRequest(groups=["g"], include_authorized_operations=True)
                (group,) = (await client.ask(groups, 5)).groups
                cluster = await client.ask(DescribeClusterRequest(include_cluster_authorized_operations=True), 1)
                return (
                    topic.topic_authorized_operations,
                    group.authorized_operations,
                    cluster.cluster_authorized_operations,
                )

            assert await bits() == (3576, 3400, 8096)
            await allow(broker, ("WRITE", "TOPIC"), ("DELETE", "GROUP"), ("IDEMPOTENT_WRITE", "CLUSTER"))
            assert await bits() == (3576 - (1 << 4), 3400 - (1 << 6), 8096 - (1 << 12))
            await allow(broker, ("DESCRIBE", "CLUSTER"))
            assert (await bits())[2] == 0

    run(body)


def test_rules_are_there_again_after_a_restart(tmp_path: Path) -> None:
    async def body() -> None:
        settings = {"authorizer_class_name": CLASS_NAME, "kbroker_memory": "false", "log_dir": str(tmp_path)}
        async with serving(**settings) as broker:
            await allow(broker)
        async with serving(**settings) as broker:
            client = await connect(broker)
            assert len(broker.cluster.catalog.acls) == len(EVERYTHING)
            await prepare(client)
            await client.close()

    run(body)


def test_the_page_on_authorization_has_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs/authorization.md").read_text()
    expected = table()
    assert expected in page, f"the table should be:\n{expected}"


def table() -> str:
    """The rows as the page has them."""
    from wire.registry import APIS

    lines = ["| request | right | on | without it | when |", "|---|---|---|---|---|"]
    for api, rights in RIGHTS.items():
        for right in rights:
            enough = "".join(f", or {operation} on {kind}" for operation, kind in right.instead)
            refusal = "left out" if right.refusal is None else ErrorCode(right.refusal).name
            lines.append(
                f"| {APIS[KEYS[api]].kafka_name} | {right.operation}{enough} | {right.resource_type} | {refusal} "
                f"| {right.when or 'always'} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
