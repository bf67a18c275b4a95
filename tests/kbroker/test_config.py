"""Broker configs: Kafka's names, typed values, Kafka's words for what is wrong."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from kbroker.config import Config, ConfigError, canonical, entries
from kbroker.topic_config import entries as topic_entries

FACTS = Path(__file__).resolve().parents[3] / "shared" / "kafka" / "configs" / "broker_configs.json"

# Where our default is another one, on purpose: docs/differences.md.
OTHER_DEFAULTS = {
    "controller.listener.names",
    "group.consumer.assignment.interval.ms",
    "group.consumer.heartbeat.interval.ms",
    "group.consumer.min.heartbeat.interval.ms",
    "group.consumer.min.session.timeout.ms",
    "group.initial.rebalance.delay.ms",
    "group.min.session.timeout.ms",
    "group.share.assignment.interval.ms",
    "group.share.heartbeat.interval.ms",
    "group.share.min.heartbeat.interval.ms",
    "group.share.min.record.lock.duration.ms",
    "group.share.min.session.timeout.ms",
    "group.streams.assignment.interval.ms",
    "group.streams.heartbeat.interval.ms",
    "group.streams.initial.rebalance.delay.ms",
    "group.streams.min.heartbeat.interval.ms",
    "group.streams.min.session.timeout.ms",
    "listeners",
    "log.dir",
    "node.id",
    "process.roles",
    "queued.max.request.bytes",
    "sasl.enabled.mechanisms",
}


# Read by Kafka's authorizer itself, and so in no list of the broker's.
OF_THE_AUTHORIZER = {"allow.everyone.if.no.acl.found", "super.users"}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("num.partitions", "6", 6),
        ("auto.create.topics.enable", "FALSE", False),
        ("log.cleaner.io.buffer.load.factor", "0.25", 0.25),
        ("log.cleanup.policy", "compact, delete", ("compact", "delete")),
        ("log.dirs", "", ()),
        ("compression.type", " zstd ", "zstd"),
        ("compression.gzip.level", "-1", -1),
        ("group.consumer.migration.policy", "upgrade", "upgrade"),
        ("broker.rack", "a", "a"),
    ],
)
def test_values_are_typed(name: str, text: str, value: object) -> None:
    assert Config.parse({name: text})[name] == value


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("num.partitions", "x", "Invalid value x for configuration num.partitions: Not a number of type INT"),
        ("num.partitions", "1_0", "Invalid value 1_0 for configuration num.partitions: Not a number of type INT"),
        ("num.partitions", "0", "Invalid value 0 for configuration num.partitions: Value must be at least 1"),
        (
            "num.partitions", "2147483648",
            "Invalid value 2147483648 for configuration num.partitions: Not a number of type INT",
        ),
        (
            "group.share.delivery.count.limit", "11",
            "Invalid value 11 for configuration group.share.delivery.count.limit: Value must be no more than 10",
        ),
        (
            "auto.create.topics.enable", "yes",
            "Invalid value yes for configuration auto.create.topics.enable: "
            "Expected value to be either true or false",
        ),
        (
            "log.cleanup.policy", "delete,forget",
            "Invalid value forget for configuration log.cleanup.policy: String must be one of: compact, delete",
        ),
        ("num.partition", "1", "Unknown config name: num.partition (did you mean num.partitions?)"),
        ("nothing.like.it", "1", "Unknown config name: nothing.like.it"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_kafkas_words(name: str, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.parse({name: text})
    assert str(caught.value) == sentence


def test_what_is_not_set_has_its_default_and_says_so() -> None:
    config = Config.parse({"num.partitions": "1"})
    assert (config["num.partitions"], config.source("num.partitions")) == (1, "static")
    assert (config["group.max.size"], config.source("group.max.size")) == (2147483647, "default")
    assert config["broker.rack"] is None
    assert config.text("group.max.size") == "2147483647"
    assert config.is_set("num.partitions")
    assert not config.is_set("group.max.size")


def test_every_default_keeps_its_own_rules() -> None:
    config = Config()
    for name in config:
        assert config[name] is not None or entries()[name].default is None


def test_names_that_are_only_stored_are_told() -> None:
    config = Config.parse({"num.io.threads": "4", "num.partitions": "2", "log.cleaner.threads": "2"})
    assert config.without_effect() == ["num.io.threads", "log.cleaner.threads"]


def test_what_acts_says_what_it_does() -> None:
    acting = [entry for entry in entries().values() if entry.acts]
    assert len(acting) > 30
    assert all(entry.doc.endswith(".") for entry in acting)


def test_every_config_that_acts_is_read_somewhere() -> None:
    root = Path(__file__).resolve().parents[2] / "kbroker"
    tables = {"config_acting.py", "config_shares.py", "config_stored.py"}
    code = "".join(path.read_text() for path in root.rglob("*.py") if path.name not in tables)
    assert [name for name, entry in entries().items() if entry.acts and f'"{name}"' not in code] == []


@pytest.mark.skipif(not FACTS.exists(), reason="needs ../shared/kafka/configs")
def test_names_types_and_defaults_are_those_of_kafka() -> None:
    table = dict(entries())
    for row in json.loads(FACTS.read_text())["configs"]:
        entry = table.pop(row["name"])
        assert (entry.type, entry.dynamic) == (row["type"], row["dynamic"]), row["name"]
        if row["name"] not in OTHER_DEFAULTS:
            assert entry.default == row.get("default"), row["name"]
    assert {name for name in table if not name.startswith("kbroker.")} == OF_THE_AUTHORIZER


def test_what_is_set_at_run_time_goes_before_the_rest_and_goes_away_again() -> None:
    config = Config.parse({"message.max.bytes": "2000"})
    config.change({"message.max.bytes": "4000"}, {"message.max.bytes": "3000", "log.segment.bytes": "2000000"})
    assert (config["message.max.bytes"], config.source("message.max.bytes")) == (4000, "broker")
    assert (config["log.segment.bytes"], config.source("log.segment.bytes")) == (2000000, "brokers")
    assert [(layer.value, layer.source) for layer in config.layers("message.max.bytes")] == [
        ("4000", "broker"), ("3000", "brokers"), ("2000", "static"), ("1048588", "default"),
    ]  # fmt: skip
    config.change({}, {})
    assert (config["message.max.bytes"], config.is_set("log.segment.bytes")) == (2000, False)


def test_values_that_do_not_hold_and_names_that_are_not_ours_are_as_if_not_set() -> None:
    config = Config()
    config.change({"message.max.bytes": "many"}, {"a.plugins.config": "1"})
    assert (config["message.max.bytes"], config.is_set("a.plugins.config")) == (1048588, False)


def test_a_thing_of_several_names_is_told_from_the_first_that_is_set_on() -> None:
    config = Config()
    assert config.layers("log.retention.ms") == []
    config.change({}, {"log.retention.ms": "5"})
    assert [(layer.name, layer.value) for layer in config.layers("log.retention.ms")] == [
        ("log.retention.ms", "5"), ("log.retention.hours", "168"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("delete.topic.enable", " TRUE ", "true"),
        ("log.cleanup.policy", "delete , compact", "delete,compact"),
        ("message.max.bytes", " 5 ", "5"),
    ],
)
def test_a_value_has_one_way_to_be_written(name: str, text: str, kept: str) -> None:
    assert canonical(entries()[name], text) == kept


def test_what_has_no_effect_is_told_to_users_and_nothing_else() -> None:
    """The list in docs/differences.md, in which a * stands for any words."""
    text = (Path(__file__).parents[2] / "docs" / "differences.md").read_text()
    section = text.split("## Configs that have no effect\n")[1].split("\n## ")[0]
    listed = set(re.findall(r"`([a-z*][a-z0-9.*]+)`", section))
    everything = [*entries().values(), *topic_entries().values()]
    idle, acting = [{entry.name for entry in everything if entry.acts == acts} for acts in (False, True)]
    assert [name for name in idle if not any(fnmatchcase(name, pattern) for pattern in listed)] == []
    assert [name for name in acting if any(fnmatchcase(name, pattern) for pattern in listed)] == []
    assert [pattern for pattern in listed if not any(fnmatchcase(name, pattern) for name in idle)] == []
