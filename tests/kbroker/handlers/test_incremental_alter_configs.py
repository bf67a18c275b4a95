"""IncrementalAlterConfigs, in every version; sentences and codes are what Apache Kafka 4.4.0 was seen to answer."""

import logging
from typing import Any

import pytest

from kbroker.catalog import NewTopic
from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

TOPIC, BROKER, LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)
Change = tuple[str, int, str | None]


def resource(kind: int, name: str, *changes: Change) -> AlterConfigsResource:
    configs = [AlterableConfig(name=one, config_operation=operation, value=value) for one, operation, value in changes]
    return AlterConfigsResource(resource_type=kind, resource_name=name, configs=configs)


async def alter(
    desk: Desk, *resources: AlterConfigsResource, version: int = 1, node: int = 1, validate_only: bool = False
) -> list[tuple[int, str | None]]:
    request = IncrementalAlterConfigsRequest(resources=list(resources), validate_only=validate_only)
    responses = (await desk.ask(request, version, node=node)).responses
    asked = [(one.resource_type, one.resource_name) for one in resources]
    assert [(one.resource_type, one.resource_name) for one in responses] == asked
    return [(one.error_code, one.error_message) for one in responses]


async def change(desk: Desk, kind: int, name: str, *changes: Change, node: int = 1) -> tuple[int, str | None]:
    (answer,) = await alter(desk, resource(kind, name, *changes), node=node)
    return answer


async def shown(desk: Desk, kind: int, name: str, *keys: str, node: int = 1) -> dict[str, tuple[Any, ...]]:
    """Value, source and the sources of the synonyms, as DescribeConfigs tells them."""
    asked = DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=list(keys))
    request = DescribeConfigsRequest(resources=[asked], include_synonyms=True)
    (result,) = (await desk.ask(request, 4, node=node)).results
    return {one.name: (one.value, one.config_source, [each.source for each in one.synonyms]) for one in result.configs}


async def with_a_topic(desk: Desk) -> None:
    await desk.cluster.catalog.create_topics([NewTopic("a")])


@pytest.mark.parametrize("version", versions("incremental_alter_configs"))
def test_a_topics_config_is_set_and_deleted_and_acts_at_once(version: int) -> None:
    async def test(desk: Desk) -> None:
        await with_a_topic(desk)
        both = resource(TOPIC, "a", ("retention.ms", SET, "5"), ("segment.ms", SET, " 7 "))
        assert await alter(desk, both, version=version) == [(0, None)]
        topic = desk.cluster.catalog.topic("a")
        assert topic is not None
        assert (topic.config["retention.ms"], topic.overrides) == (5, {"retention.ms": "5", "segment.ms": "7"})
        gone = resource(TOPIC, "a", ("retention.ms", DELETE, None), ("no.such", DELETE, None))
        assert await alter(desk, gone, version=version) == [(0, None)]
        assert topic.overrides == {"segment.ms": "7"}

    at_a_desk(test)


def test_lists_grow_and_shrink_from_what_is_in_force() -> None:
    async def test(desk: Desk) -> None:
        await with_a_topic(desk)
        policy = "cleanup.policy"
        for operation, value, expected in (
            (APPEND, "compact", "delete,compact"),
            (APPEND, "compact,delete", "delete,compact"),
            (SUBTRACT, "compact,nothing", "delete"),
            (SUBTRACT, "delete", ""),
        ):
            assert await change(desk, TOPIC, "a", (policy, operation, value)) == (0, None)
            assert (await shown(desk, TOPIC, "a", policy))[policy] == (expected, 1, [1, 5])

    at_a_desk(test)


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ([("cleanup.policy", APPEND, "shred")], 40,
         "Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete"),
        ([("retention.ms", APPEND, "5")], 40, "Can't APPEND to key retention.ms because its type is not LIST."),
        ([("no.such", SUBTRACT, "5")], 40, "Can't SUBTRACT to key no.such because its type is not LIST."),
        ([("retention.ms", SET, "abc")], 40,
         "Invalid value abc for configuration retention.ms: Not a number of type LONG"),
        ([("retention.ms", SET, None)], 42, "Null value not supported for : retention.ms"),
        ([("cleanup.policy", APPEND, None)], 42, "Null value not supported for : cleanup.policy"),
        ([("no.such", SET, "7")], 40, "Unknown topic config name: no.such"),
        ([("retention.ms", SET, "7"), ("retention.ms", DELETE, None)], 42, "Error due to duplicate config keys"),
        ([("retention.ms", 9, "7")], -1, None),
        ([("min.compaction.lag.ms", SET, "10"), ("max.compaction.lag.ms", SET, "5")], 40,
         "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)"),
        ([("retention.ms", SET, "10"), ("segment.ms", SET, "-5")], 40,
         "Invalid value -5 for configuration segment.ms: Value must be at least 1"),
        ([("remote.storage.enable", SET, "true")], 40,
         "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."),
        ([("leader.replication.throttled.replicas", SET, "0:1,x")], 40,
         "Invalid value [0:1, x] for configuration leader.replication.throttled.replicas: "
         "leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: "
         "[partitionId]:[brokerId],[partitionId]:[brokerId],..."),
    ],
)  # fmt: skip
def test_a_topic_that_is_refused_something_keeps_everything(changes: list[Change], code: int, message: str) -> None:
    async def test(desk: Desk) -> None:
        await with_a_topic(desk)
        version = desk.cluster.catalog.version
        assert await change(desk, TOPIC, "a", *changes) == (code, message)
        assert desk.cluster.catalog.version == version

    at_a_desk(test)


@pytest.mark.parametrize(
    ("kind", "name", "code", "message"),
    [
        (TOPIC, "no", 3, "The topic 'no' does not exist."),
        (TOPIC, "", 42, "Default topic resources are not allowed."),
        (TOPIC, "no!", 17, "Topic name is invalid: 'no!' contains one or more characters other than ASCII "
         "alphanumerics, '.', '_' and '-'"),
        (BROKER, "2", 42, "Unexpected broker id, expected 1, but received 2"),
        (BROKER, "x", 42, "Node id must be an integer, but it is: x"),
        (LOGGER, "2", 42, "Unexpected node id. Expected 1, but received 2"),
        (LOGGER, "", 42, "Node id must be an integer, but it is: "),
        (CLIENT_METRICS, "", 42, "Subscription name can't be empty"),
        (GROUP, "", 42, "Default group resources are not allowed."),
        (99, "a", 42, "Unknown resource type 99"),
    ],
)  # fmt: skip
def test_a_resource_that_cannot_be_altered_is_refused(kind: int, name: str, code: int, message: str) -> None:
    async def test(desk: Desk) -> None:
        assert await change(desk, kind, name, ("retention.ms", SET, "5")) == (code, message)

    at_a_desk(test)


def test_each_resource_stands_alone_but_may_be_named_once_only() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a"), NewTopic("b")])
        answers = await alter(
            desk,
            resource(TOPIC, "a", ("retention.ms", SET, "1")),
            resource(TOPIC, "a", ("segment.ms", SET, "1")),
            resource(TOPIC, "b", ("segment.ms", SET, "1")),
        )
        twice = (42, "Each resource must appear at most once.")
        assert answers == [twice, twice, (0, None)]
        assert [topic.overrides for topic in desk.cluster.catalog.topics()] == [{}, {"segment.ms": "1"}]

    at_a_desk(test)


def test_what_is_only_validated_changes_nothing() -> None:
    async def test(desk: Desk) -> None:
        await with_a_topic(desk)
        asked = [resource(TOPIC, "a", ("retention.ms", SET, "5")), resource(BROKER, "", ("log.retention.ms", SET, "5")),
                 resource(GROUP, "g", ("nothing", SET, "5"))]  # fmt: skip
        before = desk.cluster.catalog.version
        answers = await alter(desk, *asked, validate_only=True)
        assert answers == [(0, None), (0, None), (40, "Unknown group config name: nothing")]
        assert desk.cluster.catalog.version == before

    at_a_desk(test)


def test_a_brokers_config_goes_before_that_of_all_and_topics_follow() -> None:
    async def test(desk: Desk) -> None:
        await with_a_topic(desk)
        topic = desk.cluster.catalog.topic("a")
        assert topic is not None
        heard: list[int] = []
        desk.cluster.catalog.on_configured(lambda: heard.append(desk.cluster.config["message.max.bytes"]))
        size = "message.max.bytes"
        assert await change(desk, BROKER, "", (size, SET, "5000")) == (0, None)
        assert (await shown(desk, BROKER, "1", size))[size] == ("5000", 3, [3, 5])
        assert topic.config["max.message.bytes"] == 5000
        assert await change(desk, BROKER, "1", (size, SET, "6000")) == (0, None)
        assert (await shown(desk, BROKER, "1", size))[size] == ("6000", 2, [2, 3, 5])
        assert (await shown(desk, TOPIC, "a", "max.message.bytes"))["max.message.bytes"] == ("6000", 2, [2, 3, 5])
        assert topic.config["max.message.bytes"] == 6000
        assert await shown(desk, BROKER, "") == {size: ("5000", 3, [3])}
        assert await change(desk, BROKER, "1", (size, DELETE, None)) == (0, None)
        assert await change(desk, BROKER, "", (size, DELETE, None)) == (0, None)
        assert topic.config["max.message.bytes"] == 1048588
        assert heard == [5000, 6000, 5000, 1048588]

    at_a_desk(test)


def test_the_configs_of_one_broker_are_not_those_of_another() -> None:
    async def test(desk: Desk) -> None:
        size = "message.max.bytes"
        assert await change(desk, BROKER, "2", (size, SET, "6000"), node=2) == (0, None)
        assert (await shown(desk, BROKER, "2", size, node=2))[size] == ("6000", 2, [2, 5])
        assert (await shown(desk, BROKER, "1", size))[size] == ("1048588", 5, [5])

    at_a_desk(test, nodes=(1, 2))


@pytest.mark.parametrize(
    ("name", "change_", "code", "message"),
    [
        ("1", ("num.partitions", SET, "3"), 42, "Cannot update these configs dynamically: [num.partitions]"),
        ("", ("log.retention.ms", SET, "x"), 42,
         "Invalid value x for configuration log.retention.ms: Not a number of type LONG"),
        ("", ("max.connections.per.ip.overrides", SET, "127.0.0.1:abc"), 42, 'For input string: "abc"'),
        ("", ("log.cleaner.threads", APPEND, "x"), 40,
         "Config value append is not allowed for config key: log.cleaner.threads"),
        ("1", ("ssl.keystore.password", SET, "x"), 42,
         "These security configs can be dynamically updated only per-listener using the listener prefix: "
         "[ssl.keystore.password]"),
        ("", ("sasl.enabled.mechanisms", SET, "PLAIN"), 42,
         "Cannot update these configs at default cluster level, broker id must be specified: "
         "[sasl.enabled.mechanisms]"),
    ],
)  # fmt: skip
def test_what_a_running_broker_cannot_change_is_refused(name: str, change_: Change, code: int, message: str) -> None:
    async def test(desk: Desk) -> None:
        assert await change(desk, BROKER, name, change_) == (code, message)

    at_a_desk(test)


def test_a_brokers_list_grows_and_a_plugins_config_is_kept_and_never_shown() -> None:
    async def test(desk: Desk) -> None:
        assert await change(desk, BROKER, "", ("log.cleanup.policy", APPEND, "compact")) == (0, None)
        assert await change(desk, BROKER, "1", ("a.plugins.secret", SET, "hush")) == (0, None)
        assert (await shown(desk, BROKER, ""))["log.cleanup.policy"] == ("delete,compact", 3, [3])
        assert (await shown(desk, BROKER, "1", "a.plugins.secret"))["a.plugins.secret"] == (None, 2, [2])

    at_a_desk(test)


def test_a_group_has_configs_of_its_own_within_the_brokers_ranges() -> None:
    async def test(desk: Desk) -> None:
        timeout = "consumer.session.timeout.ms"
        assert await change(desk, GROUP, "g", (timeout, SET, "50000")) == (0, None)
        assert (await shown(desk, GROUP, "g", timeout))[timeout] == ("50000", 8, [8, 5])
        assert (await shown(desk, GROUP, "h", timeout))[timeout] == ("45000", 5, [5])
        for config, text, message in (
            (timeout, "5", "consumer.session.timeout.ms must be in the range 100 to 60000 inclusive."),
            ("streams.num.standby.replicas", "9", "streams.num.standby.replicas must be less than or equal to 2"),
            ("share.delivery.count.limit", "1",
             "Invalid value 1 for configuration share.delivery.count.limit: Value must be at least 2"),
            ("share.auto.offset.reset", "bogus",
             "Invalid value bogus for configuration share.auto.offset.reset: Invalid value `bogus` for configuration "
             "share.auto.offset.reset. The value must be either 'earliest', 'latest' or of the format "
             "'by_duration:<PnDTnHnMn.nS>'."),
            ("streams.assignor.name", "bogus",
             "streams.assignor.name 'bogus' is not a registered task assignor. Registered assignors are: [sticky]."),
        ):  # fmt: skip
            assert await change(desk, GROUP, "g", (config, SET, text)) == (40, message)
        assert await change(desk, GROUP, "g", ("share.auto.offset.reset", SET, "by_duration:P1DT1H")) == (0, None)
        lag = "streams.acceptable.recovery.lag"
        assert lag not in await shown(desk, GROUP, "g")
        assert await change(desk, GROUP, "g", (lag, SET, "9")) == (0, None)
        assert (await shown(desk, GROUP, "g", lag))[lag] == ("9", 8, [8, 5])

    at_a_desk(test)


def test_a_client_metrics_subscription_is_made_by_its_configs() -> None:
    async def test(desk: Desk) -> None:
        interval = "interval.ms"
        assert await change(desk, CLIENT_METRICS, "s", (interval, SET, "1000")) == (0, None)
        assert (await shown(desk, CLIENT_METRICS, "s"))[interval] == ("1000", 7, [7])
        assert await change(desk, CLIENT_METRICS, "s", ("match", SET, "client_id=abc.*")) == (0, None)
        for config, text, code, message in (
            (interval, "5", 42, "Invalid value 5 for interval.ms, interval must be between 100 and 3600000 (1 hour)"),
            (interval, "x", 40, "Invalid value x for configuration interval.ms: Not a number of type INT"),
            ("match", "client_id=[[", 40, "Illegal client matching pattern: client_id=[["),
            ("match", "bogus", 40, "Illegal client matching pattern: bogus"),
            ("no.such", "1", 42, "Unknown client metrics configuration: no.such"),
        ):
            assert await change(desk, CLIENT_METRICS, "s", (config, SET, text)) == (code, message)
        assert await change(desk, CLIENT_METRICS, "s", ("metrics", APPEND, "a")) == (
            40, "Can't APPEND to key metrics because its type is not LIST.",
        )  # fmt: skip

    at_a_desk(test)


def test_loggers_are_set_to_log4js_levels_and_back() -> None:
    logger = logging.getLogger("kbroker.of.this.test")

    async def test(desk: Desk) -> None:
        name = logger.name
        above = (await shown(desk, LOGGER, "1", name))[name][0]
        for level, number in (("TRACE", 5), ("WARN", logging.WARNING), ("FATAL", logging.CRITICAL)):
            assert await change(desk, LOGGER, "1", (name, SET, level)) == (0, None)
            assert (logger.level, (await shown(desk, LOGGER, "1", name))[name][0]) == (number, level)
        (answer,) = await alter(desk, resource(LOGGER, "1", (name, SET, "INFO")), validate_only=True)
        assert (answer, logger.level) == ((0, None), logging.CRITICAL)
        assert await change(desk, LOGGER, "1", (name, DELETE, "INFO")) == (0, None)
        assert (logger.level, (await shown(desk, LOGGER, "1", name))[name][0]) == (logging.NOTSET, above)
        for change_, code, message in (
            ((name, SET, "loud"), 40, f"Cannot set the log level of {name} to loud as it is not a supported log level. "
             "Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN"),
            ((name, SET, None), 42, f"Null value not supported for : {name}"),
            ((name, APPEND, "INFO"), 42, "APPEND operation is not allowed for the BROKER_LOGGER resource"),
            ((name, 9, "INFO"), 42, "Unknown operation type 9 is not allowed for the BROKER_LOGGER resource"),
            (("no.such.logger", SET, "INFO"), 40, "Logger no.such.logger does not exist!"),
            (("root", DELETE, None), 42, "Removing the log level of the root logger is not allowed"),
        ):  # fmt: skip
            assert await change(desk, LOGGER, "1", change_) == (code, message)

    at_a_desk(test)


def test_those_who_may_not_are_told_so_by_kind() -> None:
    async def test(desk: Desk) -> None:
        await with_a_topic(desk)
        desk.denied = {("ALTER_CONFIGS", "TOPIC", "a"), ("ALTER_CONFIGS", "CLUSTER", "kafka-cluster")}
        desk.denied.add(("ALTER_CONFIGS", "GROUP", "g"))
        asked = [(TOPIC, "a"), (BROKER, "1"), (LOGGER, "1"), (CLIENT_METRICS, "s"), (GROUP, "g")]
        answers = await alter(desk, *[resource(kind, name) for kind, name in asked])
        assert [code for code, _ in answers] == [29, 31, 31, 31, 30]

    at_a_desk(test)
