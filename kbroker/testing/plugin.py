"""The pytest plugin. It is there once kbroker is installed; nothing starts before a test asks for it.

    kafka          a broker for one test: empty, with topics, groups, clock, faults and a port of its own. It is gone
                   after the test, and its port refuses: a client that outlived its test meets nobody
    kafka_cluster  three brokers for one test, in a process of their own, which stop, die and come back (cluster.py)
    kafka_broker   the process that these brokers live in, itself a broker; one for the session, one per xdist worker

    pytest --kafka-bootstrap HOST:PORT    the same tests on a real Kafka: what only a test broker can do is skipped
    pytest --kafka-set NAME=VALUE         any broker config, as often as one likes; `kafka_configs` in the ini file
    pytest --kafka-trace DIR              of each test that fails, all requests as JSON lines and as a pcap file
    pytest --kafka-scenario FILE          what is done to every broker before its test begins: topics, faults ...

A test that fails shows what the broker saw: the newest requests with their outcomes, groups, faults and what they hit.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from kbroker.testing.broker import Broker

SECTION = "what the broker saw"
_FIXTURES = ("kafka", "kafka_cluster", "kafka_broker")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kafka", "the test broker (kbroker)")
    group.addoption("--kafka-bootstrap", metavar="HOST:PORT", help="run the tests on this Kafka")
    group.addoption("--kafka-set", metavar="NAME=VALUE", action="append", default=[], help="a config of the broker")
    group.addoption("--kafka-trace", metavar="DIR", help="where to keep the traffic of tests that fail")
    group.addoption("--kafka-scenario", metavar="FILE", help="play this to every broker before its test begins")
    parser.addini("kafka_configs", "configs of the test broker, NAME=VALUE each", type="linelist", default=[])


@pytest.fixture(scope="session")
def kafka_broker(pytestconfig: pytest.Config) -> Iterator[Any]:
    """A broker for the whole session, in a process of its own. Tests share it: see `kafka`."""
    remote = pytestconfig.getoption("--kafka-bootstrap")
    if remote:
        from kbroker.testing.remote import Remote

        yield Remote(remote)
        return
    with Broker(configs_of(pytestconfig)) as broker:
        yield broker


@pytest.fixture
def kafka(kafka_broker: Any, pytestconfig: pytest.Config) -> Iterator[Any]:
    """A broker for this test alone, in milliseconds."""
    if not isinstance(kafka_broker, Broker):
        from kbroker.testing.remote import Remote

        yield Remote(kafka_broker.bootstrap)
        return
    broker = kafka_broker.another(configs_of(pytestconfig))
    scenario = pytestconfig.getoption("--kafka-scenario")
    if scenario:
        broker.play(scenario)
    yield broker
    broker.close()


@pytest.fixture
def kafka_cluster(pytestconfig: pytest.Config) -> Iterator[Any]:
    """Three brokers for this test alone, in racks a, b and c."""
    if pytestconfig.getoption("--kafka-bootstrap"):
        pytest.skip("brokers of a real Kafka cannot be stopped from a test")
    from kbroker.testing.cluster import Cluster

    with Cluster(3, ["a", "b", "c"], configs=configs_of(pytestconfig)) as cluster:
        scenario = pytestconfig.getoption("--kafka-scenario")
        if scenario:
            cluster.play(scenario)
        yield cluster


def configs_of(config: pytest.Config) -> dict[str, str]:
    """What the ini file says, and then the command line."""
    found = {}
    for text in [*config.getini("kafka_configs"), *config.getoption("--kafka-set")]:
        name, equals, value = text.partition("=")
        if not equals:
            raise pytest.UsageError(f"a config of the test broker is NAME=VALUE, not {text}")
        found[name.strip()] = value.strip()
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Of a test that has failed, while its broker is still there."""
    found = yield
    if call.when == "call" and found.failed:
        arguments = getattr(item, "funcargs", {})
        broker = next((arguments[name] for name in _FIXTURES if isinstance(arguments.get(name), Broker)), None)
        if broker is not None:
            found.sections.append((SECTION, _saw(item, broker)))
    return found


def _saw(item: pytest.Item, broker: Broker) -> str:
    from kbroker.testing.report import report, write_trace

    try:
        text = report(broker)
        folder = item.config.getoption("--kafka-trace")
        if folder:
            name = re.sub(r"[^\w.-]+", "_", item.nodeid)
            paths = write_trace(broker, Path(folder), name)
            text += "\ntrace:\n" + "\n".join(f"  {path}" for path in paths)
        return text
    except Exception as error:
        return f"it cannot be asked any more: {type(error).__name__}: {error}"
