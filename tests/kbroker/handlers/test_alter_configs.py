"""AlterConfigs, in every version: what is named is all there is."""

import pytest

from kbroker.catalog import NewTopic
from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.alter_configs import AlterableConfig, AlterConfigsRequest, AlterConfigsResource

TOPIC, BROKER, LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32


async def replace(
    desk: Desk, kind: int, name: str, *configs: tuple[str, str | None], version: int = 2, validate_only: bool = False
) -> tuple[int, str | None]:
    resource = AlterConfigsResource(
        resource_type=kind,
        resource_name=name,
        configs=[AlterableConfig(name=one, value=value) for one, value in configs],
    )
    request = AlterConfigsRequest(resources=[resource], validate_only=validate_only)
    (answer,) = (await desk.ask(request, version)).responses
    return answer.error_code, answer.error_message


@pytest.mark.parametrize("version", versions("alter_configs"))
def test_what_is_not_named_goes_back_to_its_default(version: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", configs=[("segment.ms", "7")])])
        topic = desk.cluster.catalog.topic("a")
        assert topic is not None
        assert await replace(desk, TOPIC, "a", ("retention.ms", "9"), version=version, validate_only=True) == (0, None)
        assert topic.overrides == {"segment.ms": "7"}
        assert await replace(desk, TOPIC, "a", ("retention.ms", "9"), version=version) == (0, None)
        assert topic.overrides == {"retention.ms": "9"}
        assert await replace(desk, TOPIC, "a", version=version) == (0, None)
        assert topic.overrides == {}

    at_a_desk(test)


def test_brokers_groups_and_subscriptions_are_replaced_too() -> None:
    async def test(desk: Desk) -> None:
        catalog = desk.cluster.catalog
        for kind, name, config, value in (
            (BROKER, "", "log.retention.ms", "5"),
            (BROKER, "1", "log.segment.bytes", "2000000"),
            (GROUP, "g", "consumer.session.timeout.ms", "60000"),
            (CLIENT_METRICS, "s", "interval.ms", "2000"),
        ):
            assert await replace(desk, kind, name, (config, value)) == (0, None)
            assert catalog.overrides(kind, name) == {config: value}
            assert await replace(desk, kind, name) == (0, None)
            assert catalog.overrides(kind, name) == {}
            assert name not in catalog.configured(kind)

    at_a_desk(test)


def test_what_cannot_be_is_refused_in_kafkas_words() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a")])
        for kind, name, configs, code, message in (
            (TOPIC, "a", [("retention.ms", None)], 42, "Null value not supported for : retention.ms"),
            (TOPIC, "a", [("retention.ms", "8"), ("retention.ms", "9")], 42, "Error due to duplicate config keys"),
            (TOPIC, "a", [("no.such", "9")], 40, "Unknown topic config name: no.such"),
            (TOPIC, "no", [("retention.ms", "9")], 3, "The topic 'no' does not exist."),
            (BROKER, "", [("num.partitions", "3")], 42, "Cannot update these configs dynamically: [num.partitions]"),
            (LOGGER, "1", [("root", "INFO")], 42, "Unknown resource type 8"),
        ):
            assert await replace(desk, kind, name, *configs) == (code, message)

    at_a_desk(test)


def test_who_may_not_alter_a_topic_is_told_so() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a")])
        desk.denied = {("ALTER_CONFIGS", "TOPIC", "a")}
        assert (await replace(desk, TOPIC, "a", ("retention.ms", "9")))[0] == 29

    at_a_desk(test)
