"""Every request of administration with any fields: no crash, and nothing changes where the answer is an error.

A whole broker with an authorizer (the client is a super user) and something of everything; the requests pass through
codec, connection and dispatcher. What a broker keeps is in its logs, so these are what must not grow.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbroker.broker import Broker
from kbroker.catalog.delegation import NewToken
from kbroker.security.authorizer import CLASS_NAME
from kbroker.security.delegation_tokens import Seal
from kbroker.server.apis import Apis
from tests.kbroker.running import Client, connect, serving
from tests.kbroker.security.logging_in import KEY, WITH_TOKENS, log_in
from tests.kbroker.security.probes import KEYS
from tests.kbroker.security.stage import prepare
from wire.errors import ErrorCode, KafkaError
from wire.registry import APIS
from wire.schema import Field, Struct

# What producers, consumers and members send about themselves. Everything else that a broker has is administration.
OF_CLIENTS = {
    "add_offsets_to_txn", "add_partitions_to_txn", "api_versions", "consumer_group_heartbeat", "end_txn", "fetch",
    "heartbeat", "join_group", "produce", "sasl_authenticate", "sasl_handshake", "share_acknowledge", "share_fetch",
    "share_group_heartbeat", "streams_group_heartbeat", "sync_group", "txn_offset_commit",
}  # fmt: skip
REQUESTS = (
    "alter_share_group_offsets", "delete_share_group_offsets", "describe_share_group_offsets", "find_coordinator",
    "init_producer_id", "leave_group", "list_offsets", "metadata", "offset_commit", "offset_fetch",
    "offset_for_leader_epoch", "share_group_describe", "streams_group_describe",
    "streams_group_topology_description_update", "write_txn_markers",
    "alter_client_quotas", "alter_configs", "alter_partition_reassignments", "alter_replica_log_dirs",
    "alter_user_scram_credentials", "consumer_group_describe", "create_acls", "create_partitions", "create_topics",
    "delete_acls", "delete_groups", "delete_records", "delete_topics", "describe_acls", "describe_client_quotas",
    "describe_cluster", "describe_configs", "describe_groups", "describe_log_dirs", "describe_producers",
    "describe_quorum", "describe_topic_partitions", "describe_transactions", "describe_user_scram_credentials",
    "elect_leaders", "get_telemetry_subscriptions", "incremental_alter_configs", "list_config_resources", "list_groups",
    "list_partition_reassignments", "list_transactions", "offset_delete", "push_telemetry", "unregister_broker",
    "unregister_controller", "update_features", "add_raft_voter", "remove_raft_voter", "create_delegation_token",
    "renew_delegation_token", "expire_delegation_token", "describe_delegation_token",
)  # fmt: skip

TEXTS = (
    "", "t", "g", "c", "x", "1", "-1", "*", "kafka-cluster", "User:a", "User:", "user", "client-id", "ip", "no such",
    "ß😀", "a/b", "..", "y" * 300, "\x00", "retention.ms", "cleanup.policy", "1000", "compact", "metrics", "match",
    "interval.ms", "client_id=(", "producer_byte_rate", "controller_mutation_rate", "connection_creation_rate",
    "metadata.version", "group.version", "__consumer_offsets", "__cluster_metadata", "kbroker.catalog", "INFO",
)  # fmt: skip
OF_A_TOKEN = b"the secret of a token"  # in whose place the house puts a real one
NUMBERS = (0, 1, 2, 3, 4, 5, 7, 8, 16, 32, -1, -2)
_BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}


def struct_of(draw: st.DrawFn, cls: type[Struct], version: int, depth: int = 0) -> Any:
    return cls(
        **{field.name: value_of(draw, field, version, depth) for field in cls.__fields__ if version in field.versions}
    )


def value_of(draw: st.DrawFn, field: Field, version: int, depth: int) -> Any:
    kind = field.kind
    if version in field.nullable and draw(st.integers(0, 4)) == 0:
        return None
    if kind == "array":
        assert field.element is not None
        count = draw(st.integers(0, 3 if depth < 2 else 1))
        return [value_of(draw, field.element, version, depth + 1) for _ in range(count)]
    if kind == "struct":
        assert field.struct is not None
        return struct_of(draw, field.struct, version, depth + 1)
    if kind == "string":
        return draw(st.sampled_from(TEXTS))
    if kind == "bool":
        return draw(st.booleans())
    if kind == "bytes":
        return draw(st.just(OF_A_TOKEN) | st.binary(max_size=40))
    if kind == "uuid":
        return draw(st.sampled_from((bytes(16), b"\x01" * 16, b"\xff" * 16)))
    if kind == "float64":
        return draw(st.sampled_from((0.0, 1.0, -1.0, 1000.0, 0.5, 1e300, float("inf"), float("nan"))))
    if kind[0] == "u":
        return draw(st.sampled_from((0, 1, 9092)))
    most = (1 << _BITS[kind] - 1) - 1
    return draw(st.sampled_from((*NUMBERS, most, -most - 1)))


@st.composite
def asked(draw: st.DrawFn, names: tuple[str, ...] = REQUESTS) -> tuple[Any, int]:
    api = APIS[KEYS[draw(st.sampled_from(names))]]
    version = draw(st.integers(api.min_version, api.max_version))
    return struct_of(draw, api.request_class(), version), version


def outcomes(response: Any) -> list[int]:
    """The error codes of the items, or those at the top where there are no items."""
    own, inner = [], []
    for field in response.__fields__:
        value = getattr(response, field.name)
        if field.name.endswith("error_code") and field.kind == "int16":
            own.append(int(value))
        elif field.kind == "array" and value and isinstance(value[0], Struct):
            inner += [code for item in value for code in outcomes(item)]
    return inner or own


def kept(broker: Broker) -> dict[str, Any]:
    """Where the logs begin and end. One that is opened at its first use, and empty, is no change."""
    engine = broker.cluster.engine
    return {name: bounds for name in engine.logs() if (bounds := engine.bounds(name)).end}


async def check(broker: Broker, client: Client, request: Any, version: int) -> None:
    before = kept(broker)
    crashes.lines.clear()  # other tests of this process have planted their own
    response = await asyncio.wait_for(client.ask(request, version), 20)
    codes = outcomes(response)
    assert not crashes.lines, f"{request} v{version}"
    if codes and all(codes):
        assert kept(broker) == before, f"an error that has changed something: {response}"


class Crashes(logging.Handler):
    """What the dispatcher says when something goes wrong that nobody foresaw."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []
        logging.getLogger("kbroker.requests").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


crashes = Crashes()


class House:
    """One broker for many questions, in a loop of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.serving = serving(authorizer_class_name=CLASS_NAME, super_users="User:alice", **WITH_TOKENS)
        self.broker = self.do(self.serving.__aenter__())
        # Quotas are stored, but do not hold up the one who sets them.
        self.broker.server.limit = lambda quotas: None  # type: ignore[method-assign]
        self.client: Client = self.do(connect(self.broker))
        self.do(log_in(self.client, "alice", "alice-secret"))
        self.do(prepare(self.client))

    def do(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    def check(self, request: Any, version: int) -> None:
        if getattr(request, "hmac", b"") == OF_A_TOKEN:
            request.hmac = self.do(self.secret())
        self.do(check(self.broker, self.client, request, version))

    async def secret(self) -> bytes:
        """The secret of a delegation token, made where there is none."""
        catalog = self.broker.cluster.catalog
        if not catalog.tokens:
            await catalog.create_token(NewToken("User:alice", "User:alice", (), 0))
        return Seal(KEY).hmac(next(iter(catalog.tokens)))

    def replace(self, name: str, handler: Callable[[Any, Any], Any]) -> None:
        entry = self.broker.cluster.apis.entry(KEYS[name])
        assert entry is not None
        entry.handler = handler

    def close(self) -> None:
        self.do(self.client.close())
        self.do(self.serving.__aexit__(None, None, None))
        self.loop.close()


@pytest.fixture(scope="module")
def house() -> Any:
    made = House()
    yield made
    made.close()


def test_every_request_of_administration_is_asked() -> None:
    apis = Apis()
    served = {apis.row(key).name for key in apis.all_keys()}
    assert set(REQUESTS) == served - OF_CLIENTS
    assert len(REQUESTS) == len(set(REQUESTS))
    assert served > OF_CLIENTS


# Many small fields in one example; the broker goes on from one example to the next, on purpose.
anyhow = settings(max_examples=1000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@anyhow
@given(question=asked())
def test_nothing_crashes_and_an_error_changes_nothing(house: House, question: tuple[Any, int]) -> None:
    house.check(*question)


async def _crashes(request: Any, ctx: Any) -> Any:
    raise ValueError("nobody has thought of this")


async def _says_no_but_does(request: Any, ctx: Any) -> Any:
    from kbroker.acls import Acl

    name = f"planted-{ctx.correlation_id}"
    await ctx.cluster.catalog.create_acls([Acl(2, name, 3, "User:a", "*", 3, 3)])
    raise KafkaError(ErrorCode.INVALID_REQUEST)


@pytest.mark.parametrize("planted", [_crashes, _says_no_but_does])
def test_planted_bugs_are_found(planted: Any) -> None:
    house = House()
    house.replace("delete_groups", planted)

    @settings(anyhow, max_examples=20, database=None)
    @given(question=asked(("delete_groups",)))
    def fuzz(question: tuple[Any, int]) -> None:
        house.check(*question)

    try:
        with pytest.raises(AssertionError):
            fuzz()
    finally:
        house.close()
