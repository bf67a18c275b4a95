"""FindCoordinator, in every version."""

from typing import Any

import pytest

from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.find_coordinator import FindCoordinatorRequest


def question(version: int, key: str, kind: int = 0) -> FindCoordinatorRequest:
    if version >= 4:
        return FindCoordinatorRequest(coordinator_keys=[key], key_type=kind)
    return FindCoordinatorRequest(key=key, key_type=kind) if version else FindCoordinatorRequest(key=key)


def answer(version: int, response: Any) -> tuple[int, int, str, int]:
    found = response.coordinators[0] if version >= 4 else response
    return found.error_code, found.node_id, found.host, found.port


@pytest.mark.parametrize("version", versions("find_coordinator"))
def test_a_groups_coordinator_leads_its_partition_of_the_offsets_topic_which_is_made_now(version: int) -> None:
    async def test(desk: Desk) -> None:
        assert desk.cluster.catalog.topic("__consumer_offsets") is None
        found = {}
        for key in ("", "g", "gg"):
            response = await desk.ask(question(version, key), version)
            leader, _ = desk.cluster.catalog.leader("__consumer_offsets", len(key))
            assert answer(version, response) == (0, leader, f"host{leader}", 9000 + leader)
            found[key] = leader
        assert set(found.values()) == {1, 2}

    at_a_desk(test, nodes=(1, 2))


@pytest.mark.parametrize("version", [4, 5, 6])
def test_many_keys_are_answered_each(version: int) -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("DESCRIBE", "GROUP", "secret")}
        request = FindCoordinatorRequest(coordinator_keys=["g", "secret"], key_type=0)
        response = await desk.ask(request, version)
        assert [(one.key, one.error_code, one.node_id) for one in response.coordinators] == [
            ("g", 0, 1), ("secret", 30, -1),
        ]  # fmt: skip
        assert (await desk.ask(FindCoordinatorRequest(coordinator_keys=[], key_type=0), version)).coordinators == []

    at_a_desk(test)


@pytest.mark.parametrize("version", [version for version in versions("find_coordinator") if version >= 1])
def test_the_coordinator_of_a_transactional_id_leads_its_partition_of_the_transactions_topic(version: int) -> None:
    async def test(desk: Desk) -> None:
        assert desk.cluster.catalog.topic("__transaction_state") is None
        response = await desk.ask(question(version, "my-id", kind=1), version)
        leader, _ = desk.cluster.catalog.leader("__transaction_state", len("my-id"))
        assert answer(version, response) == (0, leader, f"host{leader}", 9000 + leader)
        desk.denied = {("DESCRIBE", "TRANSACTIONAL_ID", "secret")}
        assert answer(version, await desk.ask(question(version, "secret", kind=1), version)) == (53, -1, "", -1)

    at_a_desk(test, nodes=(1, 2))


def test_the_transactions_topic_is_made_as_kafka_makes_it() -> None:
    async def test(desk: Desk) -> None:
        await desk.ask(question(4, "my-id", kind=1), 4)
        topic = desk.cluster.catalog.topic("__transaction_state")
        assert topic is not None
        assert (len(topic.partitions), topic.replication_factor) == (50, 2)
        assert topic.overrides == {
            "cleanup.policy": "compact",
            "compression.type": "uncompressed",
            "min.insync.replicas": "2",
            "segment.bytes": "104857600",
            "unclean.leader.election.enable": "false",
        }

    at_a_desk(test, nodes=(1, 2))


@pytest.mark.parametrize("version", versions("find_coordinator"))
def test_kinds_of_keys_that_the_version_does_not_know_are_invalid(version: int) -> None:
    async def test(desk: Desk) -> None:
        knows_share = version >= 6  # KIP-932
        for kind in (3, -1) if knows_share else (2, 3, -1) if version else ():
            response = await desk.ask(question(version, "g:AAAAAAAAAAAAAAAAAAAAAA:0", kind=kind), version)
            assert answer(version, response) == (42, -1, "", -1)

    at_a_desk(test)


@pytest.mark.parametrize("key", ["g:AAAAAAAAAAAAAAAAAAAAAA:0", "a:b:AAAAAAAAAAAAAAAAAAAAAA:12"])
def test_a_share_partition_lives_in_the_topic_that_keeps_its_state(key: str) -> None:
    async def test(desk: Desk) -> None:
        assert answer(6, await desk.ask(question(6, key, kind=2), 6))[:2] == (0, 1)
        topic = desk.cluster.catalog.topic("__share_group_state")
        assert topic is not None and len(topic.partitions) == 50

    at_a_desk(test)


@pytest.mark.parametrize("key", ["", "g", "g:0", ":AAAAAAAAAAAAAAAAAAAAAA:0", "g:xx:0", "g:AAAAAAAAAAAAAAAAAAAAAA:-1"])
def test_a_malformed_name_of_a_share_partition_is_invalid(key: str) -> None:
    async def test(desk: Desk) -> None:
        assert answer(6, await desk.ask(question(6, key, kind=2), 6)) == (42, -1, "", -1)

    at_a_desk(test)


def test_a_coordinator_that_cannot_be_reached_is_not_available() -> None:
    async def test(desk: Desk) -> None:
        for node in desk.cluster.catalog.nodes.values():
            node.endpoints.clear()
        assert answer(6, await desk.ask(question(6, "g"), 6)) == (15, -1, "", -1)

    at_a_desk(test)
