"""The layers: defaults, the file, --set, flags - and what contradicts itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kbroker.config import Config, ConfigError
from kbroker.listeners import listeners
from kbroker.settings import Seed, gather


def configured(file: str | None = None, sets: Sequence[str] = (), **more: Any) -> Config:
    return gather(file, sets, **more).config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kbroker.toml"


def test_later_layers_go_before_earlier_ones(file: Path) -> None:
    file.write_text('num.partitions = 3\nlisteners = "A://h:1"\n[log]\ndir = "/file"\n')
    assert configured(str(file))["num.partitions"] == 3
    assert configured(str(file), ["num.partitions=4"])["num.partitions"] == 4
    assert configured(str(file), listen=["h:2", "B://[::1]:3"])["listeners"] == ("PLAINTEXT://h:2", "B://[::1]:3")
    assert configured(str(file), data="/flag")["log.dirs"] == ("/flag",)


def test_toml_values_of_every_kind_are_taken(file: Path) -> None:
    file.write_text('auto.create.topics.enable = false\n"log.cleanup.policy" = ["compact", "delete"]\nnode.id = 7\n')
    config = configured(str(file))
    assert not config["auto.create.topics.enable"]
    assert config["log.cleanup.policy"] == ("compact", "delete")
    assert config["node.id"] == 7


def test_whoever_says_where_the_data_is_puts_away_what_the_file_says_of_it(file: Path) -> None:
    file.write_text("kbroker.memory = true\n")
    config = configured(str(file), data="/flag")
    assert not config["kbroker.memory"]
    file.write_text('log.dirs = "/file"\n')
    assert not configured(str(file), memory=True).is_set("log.dirs")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"memory": True, "data": "d"}, "--memory and --data DIR contradict each other"),
        (
            {"listen": ["h:1"], "sets": ["listeners=A://h:2"]},
            "--listen and --set listeners=... say the same thing twice",
        ),
        ({"data": "d", "sets": ["log.dir=e"]}, "--data and --set log.dir=... say the same thing twice"),
        (
            {"sets": ["num.partitions=1", "num.partitions=2"]},
            "--set num.partitions=1 and --set num.partitions=2 contradict each other",
        ),
        ({"sets": ["node.id=1", "broker.id=1"]}, "--set node.id=1 and --set broker.id=1 contradict each other"),
        ({"sets": ["num.partitions"]}, "--set wants NAME=VALUE, not num.partitions"),
        ({"sets": ["num.partition=1"]}, "Unknown config name: num.partition (did you mean num.partitions?)"),
        ({"listen": ["nowhere"]}, "Invalid value nowhere for configuration --listen: Expected [NAME://]HOST:PORT"),
        ({"file": "/there/is/none"}, "cannot read /there/is/none: no such file or directory"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        gather(arguments.pop("file", None), arguments.pop("sets", ()), **arguments)
    assert str(caught.value) == sentence


def test_the_same_set_twice_is_no_contradiction() -> None:
    assert configured(None, ["num.partitions=2", "num.partitions=2"])["num.partitions"] == 2


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("num.partitions = ", "is not TOML"),
        ("max.connections = 1\nmax.connections.per.ip = 2\n", "needs quotes"),
        ("num.partitons = 1", "Unknown config name: num.partitons (did you mean num.partitions?)"),
        ("num.partitions = 1979-05-27", "Expected text, a number, true or false"),
    ],
)
def test_what_is_wrong_with_a_file_names_the_file(file: Path, text: str, part: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        configured(str(file))
    assert str(file) in str(caught.value)
    assert part in str(caught.value)


def test_the_environment_goes_between_the_file_and_the_flags(file: Path) -> None:
    file.write_text("num.partitions = 3\nlog.dir = '/file'\n")
    environment = {
        "KAFKA_NUM_PARTITIONS": "4",
        "KAFKA_LOG_DIRS": "/variable",
        "OTHER": "x",
        "KAFKA_HEAP_OPTS": "-Xmx1G",
    }
    config = configured(str(file), environment=environment)
    assert (config["num.partitions"], config["log.dirs"], config.is_set("log.dir")) == (4, ("/variable",), False)
    assert configured(str(file), ["num.partitions=5"], environment=environment)["num.partitions"] == 5


def test_a_variable_has_dots_underscores_and_dashes() -> None:
    gathered = gather(environment={"KAFKA_A_B__C___D": "1", "KAFKA_BOOTSTRAP_SERVERS": "h:1"})
    assert gathered.unknown == ["a.b_c-d"]


SERVER_PROPERTIES = """
# of a combined node
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
socket.send.buffer.bytes=102400
log.dirs=/tmp/kraft-combined-logs
num.partitions=2
offsets.topic.replication.factor=1
log.retention.hours=168
confluent.something.else = yes
"""


def test_a_server_properties_of_kafka_is_understood(tmp_path: Path) -> None:
    file = tmp_path / "server.properties"
    file.write_text(SERVER_PROPERTIES)
    gathered = gather(str(file))
    assert gathered.config["num.partitions"] == 2
    assert gathered.config["log.dirs"] == ("/tmp/kraft-combined-logs",)
    assert [one.name for one in listeners(gathered.config)] == ["PLAINTEXT"]
    assert gathered.unknown == ["confluent.something.else"]
    file.write_text("num.partitions=many\n")
    with pytest.raises(ConfigError, match=r"server\.properties: Invalid value many"):
        gather(str(file))


def test_topics_to_begin_with(file: Path) -> None:
    file.write_text(
        '[topics.orders]\npartitions = 3\nretention.ms = 1000\n"cleanup.policy" = ["compact", "delete"]\n[topics.b]\n'
    )
    gathered = gather(str(file), topics=["a", "b:2", "c:1:cleanup.policy=compact,delete:retention.ms=5", "d:k=v"])
    assert list(gathered.topics) == [
        Seed("orders", 3, {"retention.ms": "1000", "cleanup.policy": "compact,delete"}),
        Seed("b", 2),
        Seed("a"),
        Seed("c", 1, {"cleanup.policy": "compact,delete", "retention.ms": "5"}),
        Seed("d", -1, {"k": "v"}),
    ]
    for wrong in ("", ":3", "a:0", "a:x", "a:1:b"):
        with pytest.raises(ConfigError, match="--topic wants"):
            gather(topics=[wrong])
    file.write_text("topics.a = 3\n")
    with pytest.raises(ConfigError, match="is no table"):
        gather(str(file))
