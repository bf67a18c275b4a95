"""DescribeConfigs, in every version, and against what a real broker was seen to answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from kbroker.catalog import NewTopic
from kbroker.settings import PRESETS
from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource

TOPIC, BROKER, LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
OBSERVED = Path(__file__).resolve().parents[4] / "shared" / "kafka" / "configs" / "describeconfigs_observed.json"


def question(kind: int, name: str, keys: list[str] | None = None, **options: bool) -> DescribeConfigsRequest:
    resource = DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=keys)
    return DescribeConfigsRequest(resources=[resource], **options)  # type: ignore[arg-type]


async def entries(desk: Desk, request: DescribeConfigsRequest, version: int = 4, node: int = 1) -> dict[str, Any]:
    (result,) = (await desk.ask(request, version, node=node)).results
    assert (result.error_code, result.error_message) == (0, "")
    return {config.name: config for config in result.configs}


async def refusal(desk: Desk, kind: int, name: str) -> int:
    (result,) = (await desk.ask(question(kind, name), 4)).results
    assert result.configs == []
    code: int = result.error_code
    return code


@pytest.mark.parametrize("version", versions("describe_configs"))
def test_a_topics_override_stands_before_the_default(version: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", configs=[("retention.ms", "5")])])
        found = await entries(desk, question(TOPIC, "a", include_synonyms=True), version)
        entry = found["retention.ms"]
        assert (entry.value, entry.config_source, entry.read_only, entry.is_sensitive) == ("5", 1, False, False)
        assert next((one.name, one.value, one.source) for one in entry.synonyms) == ("retention.ms", "5", 1)
        assert entry.config_type == (5 if version >= 3 else 0)
        assert entry.documentation == (None if version >= 3 else "")
        assert "internal.segment.bytes" not in found

    at_a_desk(test)


@pytest.mark.parametrize("version", [3, 4])
def test_documentation_and_synonyms_come_only_when_asked_for(version: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a")])
        documented = await entries(desk, question(TOPIC, "a", include_documentation=True), version)
        assert all(entry.documentation for entry in documented.values())
        assert all(entry.synonyms == [] for entry in documented.values())

    at_a_desk(test)


def test_only_the_keys_that_were_asked_for_are_told_and_unknown_ones_left_out() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a")])
        assert set(await entries(desk, question(TOPIC, "a", ["segment.ms", "no.such"]))) == {"segment.ms"}
        assert len(await entries(desk, question(TOPIC, "a", []))) > 30, "no keys are all keys"

    at_a_desk(test)


def test_a_topics_value_can_come_from_the_brokers_config() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a")])
        entry = (await entries(desk, question(TOPIC, "a", ["segment.bytes"], include_synonyms=True)))["segment.bytes"]
        assert (entry.value, entry.config_source) == ("1048576", 4)
        assert [(one.name, one.value, one.source) for one in entry.synonyms] == [
            ("log.segment.bytes", "1048576", 4), ("log.segment.bytes", "1073741824", 5),
        ]  # fmt: skip

    at_a_desk(test, config={"log.segment.bytes": "1048576"})


def test_a_broker_tells_its_own_configs_and_only_those() -> None:
    async def test(desk: Desk) -> None:
        found = await entries(desk, question(BROKER, "2", include_synonyms=True), node=2)
        assert found["node.id"].value == "2"
        partitions = found["num.partitions"]
        assert (partitions.value, partitions.config_source, partitions.read_only) == ("7", 4, True)
        assert [(one.value, one.source) for one in partitions.synonyms] == [("7", 4), ("1", 5)]
        assert (found["log.retention.bytes"].config_source, found["log.retention.bytes"].read_only) == (5, False)
        assert await entries(desk, question(BROKER, "")) == {}
        assert await refusal(desk, BROKER, "2") == 42
        assert await refusal(desk, BROKER, "one") == 42

    at_a_desk(test, nodes=(1, 2), config={"num.partitions": "7"})


def test_secrets_are_never_shown() -> None:
    async def test(desk: Desk) -> None:
        found = await entries(desk, question(BROKER, "1", include_synonyms=True))
        secrets = [entry for entry in found.values() if entry.is_sensitive]
        assert any(entry.name == "ssl.keystore.password" for entry in secrets)
        assert all(entry.value is None for entry in secrets)
        assert all(one.value is None for entry in secrets for one in entry.synonyms)

    at_a_desk(test, config={"ssl.keystore.password": "hush"})


def test_what_is_not_there_or_not_allowed_is_refused() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a")])
        assert await refusal(desk, TOPIC, "no") == 3
        assert await refusal(desk, TOPIC, "no!") == 17
        desk.denied = {("DESCRIBE_CONFIGS", "TOPIC", "a"), ("DESCRIBE_CONFIGS", "CLUSTER", "kafka-cluster")}
        desk.denied.add(("DESCRIBE_CONFIGS", "GROUP", "g"))
        assert [await refusal(desk, kind, name) for kind, name in ((TOPIC, "a"), (BROKER, "1"), (GROUP, "g"))] == [
            29, 31, 30,
        ]  # fmt: skip

    at_a_desk(test)


def test_a_kind_of_resource_that_nobody_knows_fails_the_whole_request() -> None:
    async def test(desk: Desk) -> None:
        request = question(99, "x")
        request.resources += question(BROKER, "1").resources
        assert [result.error_code for result in (await desk.ask(request, 4)).results] == [42, 42]

    at_a_desk(test)


def test_our_own_loggers_are_told_with_their_levels() -> None:
    async def test(desk: Desk) -> None:
        found = await entries(desk, question(LOGGER, "1"))
        assert "root" in found
        assert {entry.config_source for entry in found.values()} == {6}
        assert await refusal(desk, LOGGER, "") == await refusal(desk, LOGGER, "9") == 42

    at_a_desk(test)


@pytest.mark.skipif(not OBSERVED.exists(), reason="needs the facts in ../shared")
@pytest.mark.parametrize("kind", [TOPIC, CLIENT_METRICS, GROUP])
def test_topics_groups_and_client_metrics_look_as_on_a_real_broker(kind: int) -> None:
    seen = next(one for one in json.loads(OBSERVED.read_text())["results"] if one["resourceType"] == kind)
    # What that one broker had been told, or sets when it is formatted.
    told = {"min.insync.replicas", "cleanup.policy", "segment.bytes"} if kind == TOPIC else set()
    # The timing of groups is quicker here; with Kafka's own, where we have been told it, all but the sources is alike.
    preset = PRESETS["kafka"] if kind == GROUP else {}
    told |= {name.removeprefix("group.") for name in preset}

    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("t1")])
        found = await entries(desk, question(kind, seen["resourceName"], include_synonyms=True))
        assert set(found) == {config["name"] for config in seen["configs"]}
        for config in seen["configs"]:
            ours = found[config["name"]]
            assert (ours.value, ours.config_type, ours.read_only, ours.is_sensitive) == (
                config["value"], config["configType"], config["readOnly"], config["isSensitive"],
            ), config["name"]  # fmt: skip
            if config["name"] not in told:
                assert ours.config_source == config["configSource"], config["name"]
                synonyms = [[one.name, one.value, one.source] for one in ours.synonyms]
                assert synonyms == config["synonyms"], config["name"]

    at_a_desk(test, config=preset)


def test_what_kafka_keeps_to_itself_is_told_when_it_is_set() -> None:
    async def test(desk: Desk) -> None:
        names = ["super.users", "log.initial.task.delay.ms"]
        found = await entries(desk, question(BROKER, "1", names))
        assert {name: one.value for name, one in found.items()} == {"super.users": "User:root"}

    at_a_desk(test, config={"super.users": "User:root"})


@pytest.mark.skipif(not OBSERVED.exists(), reason="needs the facts in ../shared")
def test_every_broker_config_of_a_real_broker_is_told_with_its_type() -> None:
    seen = next(
        one for one in json.loads(OBSERVED.read_text())["results"]
        if (one["resourceType"], one["resourceName"]) == (BROKER, "1")
    )  # fmt: skip

    async def test(desk: Desk) -> None:
        found = await entries(desk, question(BROKER, "1"))
        theirs = {config["name"]: config for config in seen["configs"]}
        assert sorted(set(theirs) - set(found)) == []
        assert [name for name in found if name not in theirs and not name.startswith("kbroker.")] == []
        wrong = {
            name: (found[name].config_type, config["configType"])
            for name, config in theirs.items()
            if found[name].config_type != config["configType"] or found[name].is_sensitive != config["isSensitive"]
        }
        assert wrong == {}

    at_a_desk(test)
