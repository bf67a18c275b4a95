"""Where to listen and what to tell clients: the rules of the three configs."""

import pytest

from kbroker.config import Config, ConfigError
from kbroker.listeners import ListenerSpec, for_node, listeners


def specs(**texts: str) -> list[ListenerSpec]:
    return listeners(Config.parse({name.replace("_", "."): text for name, text in texts.items()}))


def test_the_default_is_this_machine_alone() -> None:
    assert specs() == [ListenerSpec("PLAINTEXT", "PLAINTEXT", "127.0.0.1", 9092, "127.0.0.1", 0)]


def test_listeners_and_advertised_listeners_are_paired_by_name() -> None:
    found = specs(
        listeners="INSIDE://0.0.0.0:9092,OUTSIDE://[::1]:9093",
        advertised_listeners="OUTSIDE://kafka.example:443",
    )
    assert [(one.name, one.host, one.port, one.advertised_host, one.advertised_port) for one in found] == [
        ("INSIDE", "0.0.0.0", 9092, "", 0),
        ("OUTSIDE", "::1", 9093, "kafka.example", 443),
    ]


@pytest.mark.parametrize("host", ["0.0.0.0", "", "[::]"])
def test_all_addresses_are_told_as_whatever_the_client_came_in_on(host: str) -> None:
    (spec,) = specs(listeners=f"PLAINTEXT://{host}:9092")
    assert spec.advertised_host == ""


def test_the_listener_of_a_controller_is_nobodys() -> None:
    assert [one.name for one in specs(listeners="PLAINTEXT://:9092,CONTROLLER://:9093")] == ["PLAINTEXT"]


def test_each_node_of_a_process_has_ports_of_its_own() -> None:
    (spec,) = for_node(specs(listeners="PLAINTEXT://h:9092", advertised_listeners="PLAINTEXT://x:80"), 1)
    assert (spec.port, spec.advertised_port) == (9093, 81)
    (free,) = for_node(specs(listeners="PLAINTEXT://h:0"), 1)
    assert free.port == 0


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({"listeners": "here"}, "Invalid value here for configuration listeners: Expected [NAME://]HOST:PORT"),
        ({"listeners": "A://h:70000"}, "Invalid value A://h:70000 for configuration listeners: Expected "),
        ({"listeners": "A://::1:9092"}, "Invalid value A://::1:9092 for configuration listeners: Expected "),
        ({"listeners": "A://h:1,A://h:2"}, "listeners has two listeners called A"),
        ({"advertised.listeners": "B://h:1"}, "advertised.listeners has B://h:1, but no listener is called B"),
        (
            {"advertised.listeners": "PLAINTEXT://0.0.0.0:1"},
            "advertised.listeners has PLAINTEXT://0.0.0.0:1, but clients cannot connect to that address",
        ),
        (
            {"listeners": "A://h:1", "listener.security.protocol.map": "B:PLAINTEXT"},
            "listener.security.protocol.map has no security protocol for the listener A",
        ),
        (
            {"listener.security.protocol.map": "A"},
            "Invalid value A for configuration listener.security.protocol.map: Expected NAME:PROTOCOL",
        ),
        ({"listeners": ""}, "Invalid value for configuration listeners: There is nothing to listen on"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(texts: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        listeners(Config.parse(texts))
    assert str(caught.value).startswith(sentence)
