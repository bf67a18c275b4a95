"""The shop of `kbroker demo`: it moves by itself, in the ways that there is something to see."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kbroker.client import groups
from kbroker.client.cluster import Client
from kbroker.client.offsets import EARLIEST, LATEST, offsets
from kbroker.client.reading import Reader
from kbroker.client.settings import settings
from kbroker.demo.goods import Goods, read_order
from kbroker.demo.shop import TOPICS, Shop
from kbroker.records.read import Read

from ..cli.processes import running


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client in a shop that is open, and in a hurry."""
    with running("serve", "--memory", "--listen", "127.0.0.1:0", cwd=tmp_path_factory.mktemp("shop")) as (_, ready):
        shop = Shop(ready[2], seed=1, order_every_s=0.05)
        shop.start()
        with Client(settings(ready[2], {})) as client:
            yield client
        shop.stop()
        assert not [thread for thread in shop._threads if thread.is_alive()], "everybody has gone home"


def reader_of(client: Client, topic: str, *, committed_only: bool = False) -> Reader:
    places = [(topic, at) for at in client.leaders(topic)]
    return Reader(client, offsets(client, dict.fromkeys(places, EARLIEST)), committed_only=committed_only)


def first(client: Client, topic: str, count: int = 1, *, committed_only: bool = False) -> list[Read]:
    """So many records of a topic, once they are there."""
    client.settled(lambda: client.leaders(topic))
    reader = reader_of(client, topic, committed_only=committed_only)
    found: list[Read] = []
    while len(found) < count:
        found += reader.turn(500)
    return found


def wait_for_topics(client: Client) -> None:
    while {topic.name for topic in client.metadata(None).topics if not topic.is_internal} < TOPICS.keys():
        pass


def test_orders_are_paid_and_shipped(shop: Client) -> None:
    wait_for_topics(shop)
    order = first(shop, "orders")[0]
    assert order.key and {name for name, _ in order.headers} == {"trace", "source", "content-type"}
    parcel = json.loads(first(shop, "shipments")[0].value or b"")
    paid = {json.loads(read.value or b"")["order"] for read in first(shop, "payments", 1, committed_only=True)}
    assert parcel["order"].startswith("o-") and paid
    assert first(shop, "stock")[0].key


def test_what_cannot_be_read_goes_to_the_dead_letters_with_the_reason(shop: Client) -> None:
    wait_for_topics(shop)
    letter = first(shop, "orders.dlq")[0]
    told = {name: (content or b"").decode() for name, content in letter.headers}
    assert told["dlq.topic"] == "orders" and told["dlq.reason"] and told["source"] == "legacy"
    with pytest.raises(ValueError):
        read_order(letter.value)


def test_what_is_refused_is_taken_back(shop: Client) -> None:
    wait_for_topics(shop)
    reader = reader_of(shop, "payments")
    states: set[str] = set()
    while "refused" not in states:
        states |= {json.loads(read.value or b"")["state"] for read in reader.turn(500)}
    assert all(b"refused" not in (read.value or b"") for read in first(shop, "payments", 5, committed_only=True))


def test_one_group_keeps_up_and_one_falls_behind(shop: Client) -> None:
    wait_for_topics(shop)
    places = [("orders", at) for at in shop.leaders("orders")]

    def lag(group: str) -> int:
        ends = offsets(shop, dict.fromkeys(places, LATEST))
        committed = groups.committed(shop, group)
        return sum(ends[place] - max(committed.get(place, 0), 0) for place in places)

    while sum(offsets(shop, dict.fromkeys(places, LATEST)).values()) < 40:
        pass
    while lag("billing") > 10:
        pass
    assert lag("analytics") > 20


def test_a_seed_is_a_shop() -> None:
    first, second, other = Goods(7), Goods(7), Goods(8)
    orders = [first.order() for _ in range(30)]
    assert orders == [second.order() for _ in range(30)] != [other.order() for _ in range(30)]
    poison = [number for number, order in enumerate(orders, 1) if not _is_readable(order.value)]
    assert poison[0] == 7


def _is_readable(value: bytes | None) -> bool:
    try:
        read_order(value)
    except ValueError:
        return False
    return True


def test_topics_keep_little(tmp_path: Path) -> None:
    for partitions, configs in TOPICS.values():
        assert int(configs["retention.bytes"]) * partitions < 4 << 20
        assert int(configs["retention.ms"]) <= 600_000
