"""One broker for most tests, brokers of their own for those that kill or configure it, and the three clients.

pytest compat_tests                                     a kbroker process
pytest compat_tests --bootstrap 127.0.0.1:9092          an outside Kafka; tests that need the process skip
pytest compat_tests --broker-command 'start {port} {dir}'   another broker, started and killed by us
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.drivers import Client
from compat_tests.tools import need_module, unique

CLIENTS = {
    "kafka-python": ("kafka", "compat_tests.drivers.kafka_python", "KafkaPython"),
    "aiokafka": ("aiokafka", "compat_tests.drivers.aiokafka", "AioKafka"),
    "confluent": ("confluent_kafka", "compat_tests.drivers.confluent", "Confluent"),
}
_brokers: list[Process | Outside] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("broker")
    group.addoption("--bootstrap", help="HOST:PORT of a running Kafka to test instead of kbroker")
    group.addoption(
        "--broker-command", help="command that runs another broker in the foreground, with {port} and {dir}"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "kbroker_only(reason): what is shown here is ours, not Kafka's")
    # The clients leave sockets and threads to the collector and use what newer Pythons deprecate.
    for warning in ("ResourceWarning", "DeprecationWarning", "pytest.PytestUnraisableExceptionWarning"):
        config.addinivalue_line("filterwarnings", f"ignore::{warning}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    foreign = config.getoption("--bootstrap") or config.getoption("--broker-command")
    for item in items:
        mark = item.get_closest_marker("kbroker_only")
        if foreign and mark:
            item.add_marker(pytest.mark.skip(reason=f"kbroker only: {mark.args[0]}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.failed:
        for broker in _brokers:
            if tail := broker.stderr_tail():
                report.sections.append((f"stderr of the broker on {broker.bootstrap}", tail))
    return report


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process | Outside]:
    """The broker that most tests share; each test uses topics and groups of its own."""
    if address := request.config.getoption("--bootstrap"):
        running: Process | Outside = Outside(address)
    else:
        command = request.config.getoption("--broker-command")
        running = Process(tmp_path_factory.mktemp("broker"), command=command).start()
    _brokers.append(running)
    yield running
    running.close()
    _brokers.remove(running)


@pytest.fixture
def new_broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Process]]:
    """Makes brokers that belong to one test: it may kill, restart and configure them."""
    if request.config.getoption("--bootstrap"):
        pytest.skip("needs a broker process of its own, and --bootstrap names an outside one")
    mine: list[Process] = []

    def make(*settings: str, listen: str = "127.0.0.1:0", memory: bool = False) -> Process:
        command = request.config.getoption("--broker-command")
        home = tmp_path_factory.mktemp("own")
        process = Process(home, settings=settings, listen=listen, command=command, memory=memory)
        mine.append(process)
        _brokers.append(process)
        return process.start()

    yield make
    for process in mine:
        process.close()
        _brokers.remove(process)


def open_client(name: str, bootstrap: str) -> Client:
    """A client by the name of its library, or a visible skip when that is not installed."""
    library, module, kind = CLIENTS[name]
    need_module(library)
    driver: Callable[[str], Client] = getattr(importlib.import_module(module), kind)
    return driver(bootstrap)


@pytest.fixture
def open_clients() -> Iterator[Callable[[str, str], Client]]:
    """Opens clients by name and closes them, with all that they made, at the end of the test."""
    mine: list[Client] = []

    def make(name: str, bootstrap: str) -> Client:
        mine.append(open_client(name, bootstrap))
        return mine[-1]

    yield make
    for client in reversed(mine):
        client.close()


@pytest.fixture(params=list(CLIENTS))
def client(
    request: pytest.FixtureRequest, broker: Process | Outside, open_clients: Callable[[str, str], Client]
) -> Client:
    """Each stock client in turn, on the shared broker."""
    return open_clients(request.param, broker.bootstrap)


@pytest.fixture
def topic(client: Client, request: pytest.FixtureRequest) -> str:
    """A new topic with one partition."""
    return client.create_topic(unique("topic"))


@pytest.fixture
def group() -> str:
    return unique("group")
