"""ListConfigResources: everything that can be configured, or that somebody has configured."""

import pytest

from kbroker.catalog import NewTopic
from kbroker.catalog.configs import SET, Alteration, ConfigChange
from tests.kbroker.handlers.desk import Desk, at_a_desk
from wire.messages.list_config_resources import ListConfigResourcesRequest

TOPIC, BROKER, LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32


async def listed(desk: Desk, version: int, *kinds: int) -> list[tuple[int, str]]:
    request = ListConfigResourcesRequest()
    if version >= 1:
        request.resource_types = list(kinds)
    response = await desk.ask(request, version)
    assert response.error_code == 0
    return [(one.resource_type, one.resource_name) for one in response.config_resources]


async def configured(desk: Desk) -> None:
    await desk.cluster.catalog.create_topics([NewTopic("b"), NewTopic("a")])
    changes = [(GROUP, "g", "consumer.session.timeout.ms", "50000"), (CLIENT_METRICS, "s", "interval.ms", "1000")]
    await desk.cluster.catalog.alter_configs(
        [Alteration(kind, name, [ConfigChange(config, SET, value)]) for kind, name, config, value in changes]
    )


def test_version_0_lists_client_metrics_subscriptions_only() -> None:
    async def test(desk: Desk) -> None:
        assert await listed(desk, 0) == []
        await configured(desk)
        assert await listed(desk, 0) == [(CLIENT_METRICS, "s")]

    at_a_desk(test)


def test_version_1_lists_what_is_asked_for_or_all() -> None:
    async def test(desk: Desk) -> None:
        await configured(desk)
        brokers = [(LOGGER, "1"), (LOGGER, "2"), (BROKER, "1"), (BROKER, "2")]
        rest = [(GROUP, "g"), (TOPIC, "a"), (TOPIC, "b")]
        assert await listed(desk, 1) == [(CLIENT_METRICS, "s"), *brokers, *rest]
        assert await listed(desk, 1, TOPIC, GROUP) == rest
        assert await listed(desk, 1, BROKER, BROKER) == [(BROKER, "1"), (BROKER, "2")]

    at_a_desk(test, nodes=(1, 2))


@pytest.mark.parametrize(("denied", "kinds", "code"), [(False, [99], 35), (True, [], 31)])
def test_an_unknown_kind_or_who_may_not_know_gets_an_error(denied: bool, kinds: list[int], code: int) -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("DESCRIBE_CONFIGS", "CLUSTER", "kafka-cluster")} if denied else set()
        response = await desk.ask(ListConfigResourcesRequest(resource_types=kinds), 1)
        assert (response.error_code, response.config_resources) == (code, [])

    at_a_desk(test)
