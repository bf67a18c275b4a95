"""A broker and a cluster for all of these tests, and one more broker in the same process for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kbroker.testing import Broker, Cluster


@pytest.fixture(scope="session")
def house() -> Iterator[Broker]:
    with Broker() as running:
        yield running


@pytest.fixture
def kafka(house: Broker) -> Iterator[Broker]:
    """Empty, with a port, faults and a clock of its own."""
    running = house.another()
    yield running
    running.close()


@pytest.fixture(scope="session")
def brokers() -> Iterator[Cluster]:
    with Cluster(brokers=3, racks=["a", "b", "c"]) as running:
        yield running


@pytest.fixture
def cluster(brokers: Cluster) -> Cluster:
    """Three brokers that run, and nothing in them."""
    brokers.reset()
    return brokers
