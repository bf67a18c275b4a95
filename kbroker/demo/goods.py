"""What is ordered, by whom: a seed is a shop. Now and then an order is poison: half a JSON, or a total below zero."""

from __future__ import annotations

import json
from random import Random
from typing import Any, NamedTuple

from wire.records import Record

CUSTOMERS = ("ada", "alan", "barbara", "dennis", "edsger", "grace", "katherine", "ken", "leslie", "margaret")
GOODS = {
    "tea": 4.5,
    "kettle": 39.0,
    "cup": 7.25,
    "spoon": 2.1,
    "honey": 6.8,
    "biscuits": 3.4,
    "lamp": 54.0,
    "book": 18.9,
}
CITIES = ("Leipzig", "Lyon", "Porto", "Utrecht", "Graz", "Aarhus")
FIRST_POISON, POISON_EVERY = 7, 25
REFUSED_EVERY = 12


class Order(NamedTuple):
    id: str
    customer: str
    total: float
    items: list[dict[str, Any]]


class Goods:
    """Orders in their sequence."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.count = 0

    def order(self) -> Record:
        """The next order as a record, without a time."""
        self.count += 1
        random = self._random
        customer = random.choice(CUSTOMERS)
        items: list[dict[str, Any]] = [
            {"sku": sku, "quantity": random.randint(1, 3), "price": GOODS[sku]}
            for sku in random.sample(sorted(GOODS), random.randint(1, 3))
        ]
        total = round(sum(item["quantity"] * item["price"] for item in items), 2)
        order = {
            "id": f"o-{self.count:05}",
            "customer": customer,
            "city": random.choice(CITIES),
            "items": items,
            "total": total,
            "express": random.random() < 0.2,
        }
        text = json.dumps(order)
        source = random.choice(("web", "app", "phone"))
        if self.count == FIRST_POISON or (self.count > FIRST_POISON and random.randrange(POISON_EVERY) == 0):
            text = text[: len(text) // 2] if random.random() < 0.6 else json.dumps(order | {"total": -total})
            source = "legacy"
        headers = [
            ("trace", f"{random.getrandbits(64):016x}".encode()),
            ("source", source.encode()),
            ("content-type", b"application/json"),
        ]
        return Record(customer.encode(), text.encode(), headers)


def read_order(value: bytes | None) -> Order:
    """The order in a record; ValueError says why it is none."""
    try:
        found = json.loads(value or b"null")
        order = Order(found["id"], found["customer"], found["total"], found["items"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None
    if order.total < 0:
        raise ValueError(f"a total of {order.total} cannot be paid")
    return order
