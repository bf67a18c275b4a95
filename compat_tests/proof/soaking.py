"""The clients of the soak: threads that send, copy and consume at a modest pace until they are told to end.

Each counts what it has done, and keeps whatever it did not expect.
"""

from __future__ import annotations

import itertools
import random
import threading
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer

PAUSE_S = 0.05


class Client(threading.Thread):
    """Runs `turn` over and over; `count` is what it has done, `faults` what went wrong."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.count = 0
        self.faults: list[str] = []
        self.ended = threading.Event()

    def turn(self) -> None:
        raise AssertionError

    def last(self) -> None:
        """After the last turn."""

    def run(self) -> None:
        try:
            while not self.ended.is_set():
                self.turn()
            self.last()
        except Exception as error:
            self.faults.append(f"{type(self).__name__}: {error}")

    def end(self) -> None:
        self.ended.set()
        self.join(30)
        if self.is_alive():
            self.faults.append(f"{type(self).__name__} did not come to its end")


class Sender(Client):
    """An idempotent producer: so many records a second, with keys if there are any."""

    def __init__(self, bootstrap: str, topic: str, per_second: int, size: int, keys: int = 0) -> None:
        super().__init__()
        self.topic, self.keys = topic, keys
        self.each = max(1, int(per_second * PAUSE_S))
        self.value = random.Random(topic).randbytes(size)
        self.rng = random.Random(1)
        self.producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5})

    def _delivered(self, error: Any, message: Any) -> None:
        if error is None:
            self.count += 1
        else:
            self.faults.append(f"{self.topic}: {error}")

    def turn(self) -> None:
        for _ in range(self.each):
            key = b"%d" % self.rng.randrange(self.keys) if self.keys else None
            self.producer.produce(self.topic, self.value, key, on_delivery=self._delivered)
        self.producer.poll(0)
        self.ended.wait(PAUSE_S)

    def last(self) -> None:
        self.producer.flush(20)


class Transactor(Client):
    """Ten records in a transaction, one after the other; every fourth is aborted."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        super().__init__()
        self.topic = topic
        self.producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": "soak", "linger.ms": 0})
        self.producer.init_transactions(30)

    def turn(self) -> None:
        self.producer.begin_transaction()
        for number in range(10):
            self.producer.produce(self.topic, b"x" * 200, b"%d" % number)
        if self.count % 4 == 3:
            self.producer.abort_transaction(30)
        else:
            self.producer.commit_transaction(30)
        self.count += 1
        self.ended.wait(4 * PAUSE_S)


class Member(Client):
    """A place in a group: a consumer that leaves after some seconds, and another one that comes in its stead."""

    names = itertools.count()

    def __init__(self, bootstrap: str, topics: list[str], protocol: str, life_s: tuple[float, float]) -> None:
        super().__init__()
        self.settings = {
            "bootstrap.servers": bootstrap,
            "group.id": f"soak-{protocol}",
            "group.protocol": protocol,
            "auto.offset.reset": "latest",
            "isolation.level": "read_committed",
            "auto.commit.interval.ms": 500,
        }
        self.topics = topics
        self.life_s = life_s
        self.rng = random.Random(next(self.names))
        self.rebalances = 0

    def turn(self) -> None:
        consumer = Consumer(self.settings)
        consumer.subscribe(self.topics, on_assign=self._assigned)
        left_s = self.rng.uniform(*self.life_s)
        try:
            while left_s > 0 and not self.ended.is_set():
                for message in consumer.consume(500, 0.1):
                    if (error := message.error()) is None:
                        self.count += 1
                    elif not error.retriable():
                        self.faults.append(f"member: {error}")
                left_s -= 0.1
        except KafkaException as error:
            self.faults.append(f"member: {error}")
        finally:
            consumer.close()

    def _assigned(self, consumer: Consumer, places: list[Any]) -> None:
        self.rebalances += 1
