"""The layers: defaults, the file, --set, flags - and what contradicts itself."""

from pathlib import Path
from typing import Any

import pytest

from kbroker.config import ConfigError
from kbroker.settings import gather


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kbroker.toml"


def test_later_layers_go_before_earlier_ones(file: Path) -> None:
    file.write_text('num.partitions = 3\nlisteners = "A://h:1"\n[log]\ndir = "/file"\n')
    assert gather(str(file))["num.partitions"] == 3
    assert gather(str(file), ["num.partitions=4"])["num.partitions"] == 4
    assert gather(str(file), listen=["h:2", "B://[::1]:3"])["listeners"] == ("PLAINTEXT://h:2", "B://[::1]:3")
    assert gather(str(file), data="/flag")["log.dirs"] == ("/flag",)


def test_toml_values_of_every_kind_are_taken(file: Path) -> None:
    file.write_text('auto.create.topics.enable = false\n"log.cleanup.policy" = ["compact", "delete"]\nnode.id = 7\n')
    config = gather(str(file))
    assert not config["auto.create.topics.enable"]
    assert config["log.cleanup.policy"] == ("compact", "delete")
    assert config["node.id"] == 7


def test_whoever_says_where_the_data_is_puts_away_what_the_file_says_of_it(file: Path) -> None:
    file.write_text("kbroker.memory = true\n")
    config = gather(str(file), data="/flag")
    assert not config["kbroker.memory"]
    file.write_text('log.dirs = "/file"\n')
    assert not gather(str(file), memory=True).is_set("log.dirs")


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
    assert gather(None, ["num.partitions=2", "num.partitions=2"])["num.partitions"] == 2


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
        gather(str(file))
    assert str(file) in str(caught.value)
    assert part in str(caught.value)
