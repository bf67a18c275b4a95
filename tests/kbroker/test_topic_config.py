"""Topic configs: where a value comes from, and what is refused."""

import json
from pathlib import Path

import pytest

from kbroker.config import Config
from kbroker.config import entries as broker_entries
from kbroker.topic_config import TABLE, Synonym, TopicConfig, check, entries
from wire.errors import ErrorCode, KafkaError

FACTS = Path(__file__).resolve().parents[3] / "shared" / "kafka" / "configs" / "topic_configs.json"
OBSERVED = FACTS.with_name("describeconfigs_observed.json")


def test_a_value_is_the_topics_own_then_the_brokers_then_the_default() -> None:
    broker = Config.parse({"message.max.bytes": "2000"})
    assert TopicConfig({"max.message.bytes": "1000"}, broker)["max.message.bytes"] == 1000
    assert TopicConfig({}, broker)["max.message.bytes"] == 2000
    assert TopicConfig({}, Config())["max.message.bytes"] == 1048588


@pytest.mark.parametrize(
    ("broker", "milliseconds"),
    [
        ({}, 604_800_000),
        ({"log.retention.hours": "2"}, 7_200_000),
        ({"log.retention.hours": "2", "log.retention.minutes": "3"}, 180_000),
        ({"log.retention.hours": "2", "log.retention.minutes": "3", "log.retention.ms": "4"}, 4),
        ({"log.retention.hours": "-1"}, -1),
    ],
)
def test_retention_is_found_in_three_units_the_finest_first(broker: dict[str, str], milliseconds: int) -> None:
    assert TopicConfig({}, Config.parse(broker))["retention.ms"] == milliseconds


def test_sources_and_synonyms_are_told_as_kafka_tells_them() -> None:
    config = TopicConfig({"cleanup.policy": "compact"}, Config.parse({"log.segment.bytes": "1048576"}))
    assert config.source("cleanup.policy") == "topic"
    assert config.synonyms("cleanup.policy") == [
        Synonym("cleanup.policy", "compact", "topic"),
        Synonym("log.cleanup.policy", "delete", "default"),
    ]
    assert config.source("segment.bytes") == "static"
    assert config.synonyms("segment.bytes") == [
        Synonym("log.segment.bytes", "1048576", "static"),
        Synonym("log.segment.bytes", "1073741824", "default"),
    ]
    assert config.source("retention.ms") == "default"
    assert config.synonyms("retention.ms") == []


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"nothing": "1"}, "Unknown topic config name: nothing"),
        ({"retention.ms": None}, "Null value not supported for topic configs: retention.ms"),
        ({"retention.ms": "soon"}, "Invalid value soon for configuration retention.ms: Not a number of type LONG"),
        (
            {"cleanup.policy": "shred"},
            "Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete",
        ),
        (
            {"min.compaction.lag.ms": "9", "max.compaction.lag.ms": "8"},
            "conflict topic config setting min.compaction.lag.ms (9) > max.compaction.lag.ms (8)",
        ),
    ],
)
def test_bad_overrides_are_refused_in_kafkas_words(overrides: dict[str, str | None], sentence: str) -> None:
    with pytest.raises(KafkaError) as caught:
        check(overrides)
    assert (caught.value.code, caught.value.message) == (ErrorCode.INVALID_CONFIG, sentence)


def test_good_overrides_pass() -> None:
    given = {"cleanup.policy": "compact,delete", "retention.ms": "-1", "compression.gzip.level": "9"}
    check(given)
    config = TopicConfig(given, Config())
    assert [config[name] for name in given] == [("compact", "delete"), -1, 9]


def test_every_synonym_is_a_broker_config_and_every_default_keeps_its_rules() -> None:
    config = TopicConfig({}, Config())
    for entry in TABLE:
        assert set(entry.synonyms) <= set(broker_entries())
        assert (config[entry.name] is None) == (entry.default is None)


def test_a_config_acts_if_it_is_read_and_so_do_its_synonyms() -> None:
    root = Path(__file__).resolve().parents[2] / "kbroker"
    code = "".join(path.read_text() for path in root.rglob("*.py") if "config" not in path.name)
    for entry in TABLE:
        assert entry.acts == (f'["{entry.name}"]' in code), entry.name
        assert all(broker_entries()[name].acts == entry.acts for name in entry.synonyms), entry.name


@pytest.mark.skipif(not FACTS.exists(), reason="needs ../shared/kafka/configs")
def test_the_table_is_kafkas() -> None:
    rows = json.loads(FACTS.read_text())["configs"]
    assert {row["name"] for row in rows} == set(entries())
    for row in rows:
        entry = entries()[row["name"]]
        assert (entry.default, entry.synonyms[:1]) == (
            row.get("default"), (row["brokerSynonym"],) if row.get("brokerSynonym") else ()
        )  # fmt: skip


@pytest.mark.skipif(not OBSERVED.exists(), reason="needs ../shared/kafka/configs")
def test_values_and_synonyms_are_those_that_a_real_broker_has_answered() -> None:
    config = TopicConfig({}, Config())
    (topic,) = [row for row in json.loads(OBSERVED.read_text())["results"] if row["resourceName"] == "t1"]
    for row in topic["configs"]:
        assert config.text(row["name"]) == row["value"]
        defaults = [(name, value) for name, value, source in row["synonyms"] if source == 5]
        assert [(one.name, one.value) for one in config.synonyms(row["name"])] == defaults
