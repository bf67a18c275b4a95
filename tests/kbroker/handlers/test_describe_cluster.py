"""DescribeCluster, in every version."""

import pytest

from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.describe_cluster import DescribeClusterRequest

UNASKED = -(2**31)


@pytest.mark.parametrize("version", versions("describe_cluster"))
def test_brokers_controller_and_id_are_told(version: int) -> None:
    async def test(desk: Desk) -> None:
        response = await desk.ask(DescribeClusterRequest(include_cluster_authorized_operations=True), version)
        assert (response.error_code, response.cluster_id, response.endpoint_type) == (0, "the-cluster", 1)
        assert [(one.broker_id, one.host, one.port, one.rack) for one in response.brokers] == [
            (1, "host1", 9001, "rack1"), (2, "host2", 9002, "rack2"),
        ]  # fmt: skip
        assert not any(one.is_fenced for one in response.brokers)
        assert response.controller_id in (1, 2)
        assert response.cluster_authorized_operations == 8096
        plain = await desk.ask(DescribeClusterRequest(), version)
        assert plain.cluster_authorized_operations == UNASKED

    at_a_desk(test, nodes=(1, 2))


@pytest.mark.parametrize(("endpoint_type", "code"), [(2, 114), (0, 115), (3, 115)])
def test_only_brokers_are_to_be_had_at_a_brokers_listener(endpoint_type: int, code: int) -> None:
    async def test(desk: Desk) -> None:
        response = await desk.ask(DescribeClusterRequest(endpoint_type=endpoint_type), 2)
        assert (response.error_code, response.cluster_id, response.brokers) == (code, "", [])
        assert response.error_message

    at_a_desk(test)


def test_who_may_not_describe_the_cluster_may_do_nothing_with_it() -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("DESCRIBE", "CLUSTER", "kafka-cluster")}
        response = await desk.ask(DescribeClusterRequest(include_cluster_authorized_operations=True), 1)
        assert (response.error_code, response.cluster_authorized_operations) == (0, 0)

    at_a_desk(test)
