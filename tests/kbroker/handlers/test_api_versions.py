"""ApiVersions: what is advertised, and what is answered to whom."""

import struct
from typing import Any

import pytest

from kbroker.catalog.features import SUPPORTED
from tests.kbroker.running import Client, connect, run, serving
from wire.errors import ErrorCode
from wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from wire.registry import APIS


def ask(request: ApiVersionsRequest, version: int, **config: str) -> ApiVersionsResponse:
    found: list[ApiVersionsResponse] = []

    async def body() -> None:
        async with serving(**config) as broker:
            client = await connect(broker)
            found.append(await client.ask(request, version))
            await client.close()

    run(body)
    return found[0]


def named(**fields: Any) -> ApiVersionsRequest:
    return ApiVersionsRequest(**{"client_software_name": "tester", "client_software_version": "1.0"} | fields)


def test_exactly_what_has_a_handler_is_advertised() -> None:
    from kbroker.server.apis import Apis

    rows = {(row.api_key, row.min_version, row.max_version) for row in ask(named(), 4).api_keys}
    assert rows == {row for row in Apis().advertised() if row[0] not in (71, 72)}, "nobody wants metrics of clients"
    assert (12, 0, 4) in rows
    assert {key for key, _, _ in rows} >= {0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23}
    assert {4, 5, 6, 7, 52, 71}.isdisjoint(key for key, _, _ in rows)


def test_produce_is_advertised_from_version_0_for_old_librdkafka() -> None:
    (produce,) = [row for row in ask(named(), 4).api_keys if row.api_key == 0]
    assert (produce.min_version, produce.max_version) == (0, 13)


def test_the_versions_are_those_of_the_registry() -> None:
    for row in ask(named(), 0).api_keys:
        assert (row.min_version, row.max_version) == (APIS[row.api_key].advertised_min, APIS[row.api_key].max_version)


def test_features_are_told_with_those_finalized_that_exist_here() -> None:
    response = ask(named(), 4)
    supported = [(one.name, one.min_version, one.max_version) for one in response.supported_features]
    assert supported == [(name, low, high) for name, (low, high) in SUPPORTED.items()]
    assert [(one.name, one.max_version_level) for one in response.finalized_features] == [
        ("eligible.leader.replicas.version", 1), ("group.version", 1), ("kraft.version", 1), ("metadata.version", 33),
        ("share.version", 2), ("streams.version", 1), ("transaction.version", 2),
    ]  # fmt: skip
    assert response.finalized_features_epoch >= 0


def test_below_version_4_no_feature_begins_at_0() -> None:
    assert [one.name for one in ask(named(), 3).supported_features] == ["metadata.version"]


@pytest.mark.parametrize(
    "software", [{"client_software_name": ""}, {"client_software_name": "a b"}, {"client_software_version": "-1"}]
)
def test_software_has_to_be_named_properly(software: dict[str, str]) -> None:
    response = ask(named(**software), 3)
    assert (response.error_code, response.api_keys) == (ErrorCode.INVALID_REQUEST, [])


@pytest.mark.parametrize(
    ("destination", "code"),
    [
        ({}, ErrorCode.NONE),
        ({"cluster_id": "another", "node_id": 1}, ErrorCode.REBOOTSTRAP_REQUIRED),
        ({"cluster_id": "another"}, ErrorCode.INVALID_REQUEST),
        ({"node_id": 1}, ErrorCode.INVALID_REQUEST),
    ],
)
def test_a_client_that_means_another_cluster_has_to_bootstrap_again(
    destination: dict[str, Any], code: ErrorCode
) -> None:
    response = ask(named(**destination), 5)
    assert response.error_code == code
    assert bool(response.api_keys) == (code == ErrorCode.NONE)


def test_a_client_that_means_this_node_of_this_cluster_is_right_and_any_other_node_wrong() -> None:
    async def body() -> None:
        async with serving() as broker:
            client = await connect(broker)
            cluster_id = broker.cluster.catalog.cluster_id
            assert (await client.ask(named(cluster_id=cluster_id, node_id=1), 5)).error_code == 0
            wrong = await client.ask(named(cluster_id=cluster_id, node_id=2), 5)
            assert wrong.error_code == ErrorCode.REBOOTSTRAP_REQUIRED
            await client.close()

    run(body)


def test_an_unknown_version_is_answered_in_version_0_with_the_one_entry_to_ask_again() -> None:
    async def body() -> None:
        async with serving() as broker:
            client = await connect(broker)
            frame = struct.pack(">hhih", 18, 99, 7, -1) + b"\0\x05tes\0\xff"
            client.writer.write(struct.pack(">i", len(frame)) + frame)
            (size,) = struct.unpack(">i", await client.reader.readexactly(4))
            reply = await client.reader.readexactly(size)
            assert reply == struct.pack(">i", 7) + struct.pack(">hi3h", 35, 1, 18, 0, 5)
            assert (await client_after(client)).error_code == 0

    async def client_after(client: Client) -> ApiVersionsResponse:
        response: ApiVersionsResponse = await client.ask(named(), 3)
        await client.close()
        return response

    run(body)
