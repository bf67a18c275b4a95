"""The pytest plugin. It is there once kbroker is installed; nothing starts before a test asks for it.

    kafka          a broker for one test: empty, with topics, groups, clock, faults and a port of its own. It is gone
                   after the test, and its port refuses: a client that outlived its test meets nobody
    kafka_cluster  three brokers for one test, in a process of their own, which stop, die and come back (cluster.py)
    kafka_broker   the process that these brokers live in, itself a broker; one for the session, one per xdist worker

    pytest --kafka-bootstrap HOST:PORT    the same tests on a real Kafka: what only a test broker can do is skipped
    pytest --kafka-set NAME=VALUE         any broker config, as often as one likes; `kafka_configs` in the ini file
    pytest --kafka-trace DIR              of each test that fails, all requests as JSON lines and as a pcap file
    pytest --kafka-data DIR               of each test that fails, the data; brokers keep theirs on disk then
    pytest --kafka-scenario FILE          what is done to every broker before its test begins: topics, faults ...
    pytest --kafka-seed N                 the same ids and the same chance as in the run that showed this seed

All but the first have a place in the ini file, too: `kafka_trace`, `kafka_data`, `kafka_scenario`, `kafka_seed`.

A test that fails shows what the broker saw: the newest requests with their outcomes, groups, faults and what they hit,
and its seed; what was done to it is kept in a file, for --kafka-scenario.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from kbroker.testing.broker import Broker

SECTION = "what the broker saw"
_FIXTURES = ("kafka", "kafka_cluster", "kafka_broker")
_OPTIONS = {
    "trace": ("DIR", "where to keep the traffic of tests that fail"),
    "data": ("DIR", "where to keep the data of tests that fail"),
    "scenario": ("FILE", "play this to every broker before its test begins"),
    "seed": ("N", "make ids and chance those of the run that showed this seed"),
}
_SEED = pytest.StashKey[int]()
_FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kafka", "the test broker (kbroker)")
    group.addoption("--kafka-bootstrap", metavar="HOST:PORT", help="run the tests on this Kafka")
    group.addoption("--kafka-set", metavar="NAME=VALUE", action="append", default=[], help="a config of the broker")
    parser.addini("kafka_configs", "configs of the test broker, NAME=VALUE each", type="linelist", default=[])
    for name, (metavar, text) in _OPTIONS.items():
        group.addoption(f"--kafka-{name}", metavar=metavar, help=text)
        parser.addini(f"kafka_{name}", text, type="string", default="")


def _option(config: pytest.Config, name: str) -> str:
    """What the command line says, or the ini file, whose paths begin at the ini file."""
    given: str = config.getoption(f"--kafka-{name}")
    if given:
        return given
    found: str = config.getini(f"kafka_{name}")
    return str(config.rootpath / found) if found and name != "seed" else found


def pytest_configure(config: pytest.Config) -> None:
    text = _option(config, "seed")
    if text and not text.isdecimal():
        raise pytest.UsageError(f"--kafka-seed is a number, not {text}")
    worker = getattr(config, "workerinput", None)  # with xdist all workers have the seed of the session
    config.stash[_SEED] = int(text or (worker or {}).get("kafka_seed") or secrets.randbelow(1 << 31))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker of xdist is about to start."""
    node.workerinput["kafka_seed"] = node.config.stash[_SEED]


def seed_of(item: pytest.Item) -> int:
    """Of one test: another one for each, and the same again in the next run with the same session's seed."""
    return item.config.stash[_SEED] ^ crc32(item.nodeid.encode())


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
def kafka(kafka_broker: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A broker for this test alone, in milliseconds."""
    if not isinstance(kafka_broker, Broker):
        from kbroker.testing.remote import Remote

        remote = Remote(kafka_broker.bootstrap)
        yield remote
        remote.close()
        return
    folder = _data_folder(request.node)
    configs = configs_of(request.config) | ({} if folder is None else {"log.dirs": str(folder)})
    broker = kafka_broker.another(configs, seed=seed_of(request.node))
    _play(broker, request.config)
    yield broker
    broker.close()
    _forget(request.node, folder)


@pytest.fixture
def kafka_cluster(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Three brokers for this test alone, in racks a, b and c."""
    if request.config.getoption("--kafka-bootstrap"):
        pytest.skip("brokers of a real Kafka cannot be stopped from a test")
    from kbroker.testing.cluster import Cluster

    folder = _data_folder(request.node)
    configs, seed = configs_of(request.config), seed_of(request.node)
    with Cluster(3, ["a", "b", "c"], configs=configs, data=folder, seed=seed) as cluster:
        _play(cluster, request.config)
        yield cluster
    _forget(request.node, folder)


def _play(broker: Broker, config: pytest.Config) -> None:
    scenario = _option(config, "scenario")
    if scenario:
        broker.play(scenario)


def _name(item: pytest.Item) -> str:
    """A file name of the test's."""
    return re.sub(r"[^\w.-]+", "_", item.nodeid)


def _data_folder(item: pytest.Item) -> Path | None:
    """Where this test's broker keeps its data, empty; None is in memory."""
    if not _option(item.config, "data"):
        return None
    folder = _data_path(item)
    _remove(folder)
    return folder


def _data_path(item: pytest.Item) -> Path:
    return Path(_option(item.config, "data")).absolute() / _name(item)


def _forget(item: pytest.Item, folder: Path | None) -> None:
    """The data of a test that passed."""
    if folder is not None and not item.stash.get(_FAILED, False):
        _remove(folder)


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


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
        item.stash[_FAILED] = True
        arguments = getattr(item, "funcargs", {})
        brokers = {name: arguments[name] for name in _FIXTURES if isinstance(arguments.get(name), Broker)}
        for name, broker in list(brokers.items())[:1]:
            found.sections.append((SECTION, _saw(item, name, broker)))
    return found


def _saw(item: pytest.Item, name: str, broker: Broker) -> str:
    from kbroker.testing.report import report, write_scenario, write_trace

    try:
        lines = [report(broker)]
        if name != "kafka_broker":
            lines.append(f"seed: {item.config.stash[_SEED]} (--kafka-seed {item.config.stash[_SEED]})")
        trace = _option(item.config, "trace")
        if trace:
            lines += ["trace:", *[f"  {path}" for path in write_trace(broker, Path(trace), _name(item))]]
        elif broker.scenario():
            factory = item.config._tmp_path_factory  # type: ignore[attr-defined]  # what tmp_path is made by
            file = write_scenario(broker, factory.mktemp("kafka-scenario", numbered=True), _name(item))
            lines.append(f"scenario: {file} (--kafka-scenario {file})")
        if _option(item.config, "data") and name != "kafka_broker":
            lines.append(f"data: {_data_path(item)} (kbroker serve --data {_data_path(item)})")
        return "\n".join(lines)
    except Exception as error:
        return f"it cannot be asked any more: {type(error).__name__}: {error}"
