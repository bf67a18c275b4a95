"""The shop: who does what. Each is a thread with a client and a name of its own, so that one sees who talks.

    storefront   writes to orders
    billing      reads orders and pays in transactions: payments and stock; keeps up. What cannot be read goes to
                 orders.dlq, what is refused is aborted
    shipping     reads payments, writes shipments; keeps up
    analytics    looks at orders too slowly: its lag grows

Topics keep ten minutes, or a megabyte a partition, whatever is less: hours later there is no more than that. Who
meets a fault (a reset, a fenced id, a broker without topics) begins anew a moment later.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from kbroker.client.cluster import Client
from kbroker.client.errors import ClientError
from kbroker.client.offsets import Place
from kbroker.client.settings import Settings, addresses
from kbroker.client.topics import create_topics
from kbroker.client.writing import Writer
from kbroker.demo.goods import GOODS, REFUSED_EVERY, Goods, read_order
from kbroker.demo.ledger import Ledger
from kbroker.demo.member import Member
from kbroker.records.read import Read
from wire.errors import ErrorCode, KafkaError
from wire.records import Record

log = logging.getLogger("kbroker.demo")

KEPT: Mapping[str, str] = {
    "retention.ms": "600000",
    "segment.ms": "60000",
    "retention.bytes": "1048576",
    "segment.bytes": "1048576",
}
TOPICS: Mapping[str, tuple[int, Mapping[str, str]]] = {
    "orders": (3, KEPT),
    "payments": (3, KEPT),
    "shipments": (2, KEPT),
    "orders.dlq": (1, KEPT),
    "stock": (1, {"cleanup.policy": "compact,delete", "max.compaction.lag.ms": "60000", **KEPT}),
}
ORDER_EVERY_S = 0.4
LOOK_EVERY_S = 2.0
POLL_MS = 500
AGAIN_S = 1.0
TIMEOUT_S = 5.0
STOPPING_S = 3.0


class Shop:
    """`start` opens it, `stop` closes it: then nobody of it runs any more."""

    def __init__(self, bootstrap: str, seed: int, order_every_s: float = ORDER_EVERY_S) -> None:
        self._bootstrap = addresses(bootstrap)
        self._goods = Goods(seed)
        self._order_every_s = order_every_s
        self._stock = dict.fromkeys(GOODS, 1000)
        self._closing = threading.Event()
        self._people = (self._storefront, self._billing, self._shipping, self._analytics)
        self._threads = [
            threading.Thread(target=self._live, args=(each,), name=each.__name__.strip("_"), daemon=True)
            for each in self._people
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._closing.set()
        end = time.monotonic() + STOPPING_S
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _live(self, work: Callable[[Client], None]) -> None:
        """Work until the shop closes; after whatever a broker may do to a client, from the beginning."""
        name, told = work.__name__.strip("_"), set[str]()
        while not self._closing.is_set():
            try:
                with Client(Settings(self._bootstrap, client_id=name, timeout=TIMEOUT_S)) as client:
                    self._open(client)
                    work(client)
            except (ClientError, KafkaError) as error:
                if not self._closing.is_set() and str(error) not in told:
                    told.add(str(error))
                    log.warning("%s begins anew: %s", name, error)
            self._closing.wait(AGAIN_S)

    def _open(self, client: Client) -> None:
        """The topics, made by whoever comes first."""
        for topic, (partitions, configs) in TOPICS.items():
            error = create_topics(client, (topic,), partitions, configs=configs)[topic]
            if error is not None and error.code != ErrorCode.TOPIC_ALREADY_EXISTS:
                raise error

    # --- who works here ----------------------------------------------------------------------------------------------

    def _storefront(self, client: Client) -> None:
        writer = Writer(client)
        while not self._closing.wait(self._order_every_s):
            writer.add("orders", self._goods.order()._replace(timestamp=now_ms()))
            writer.flush()
            writer.written.clear()

    def _billing(self, client: Client) -> None:
        member, ledger = Member(client, "billing", ["orders"]), Ledger(client, "billing-1")
        letters = Writer(client)
        try:
            while not self._closing.is_set():
                for read in list(member.poll(POLL_MS)):
                    self._pay(member, ledger, letters, read)
        finally:
            self._leave(member)

    def _pay(self, member: Member, ledger: Ledger, letters: Writer, read: Read) -> None:
        done = {(read.topic, read.partition): read.offset + 1}
        try:
            order = read_order(read.value)
        except ValueError as error:
            letters.add("orders.dlq", dead_letter(read, str(error)))
            letters.flush()
            letters.written.clear()
            member.commit(done)
            return
        number = int(order.id.partition("-")[2])
        payment = {"order": order.id, "customer": order.customer, "amount": order.total}
        if number % REFUSED_EVERY == 0:  # written, then taken back: readers of committed records never see it
            ledger.write("payments", _record(order.id, payment | {"state": "refused"}))
            ledger.end(committed=False)
            member.commit(done)
            return
        ledger.write("payments", _record(order.id, payment | {"state": "paid"}))
        for item in order.items:
            sku = item["sku"]
            self._stock[sku] -= item["quantity"]
            if self._stock[sku] < 0:
                self._stock[sku] += 1000
            ledger.write("stock", _record(sku, {"sku": sku, "left": self._stock[sku]}))
        ledger.commit_offsets(member, done)
        ledger.end(committed=True)

    def _shipping(self, client: Client) -> None:
        member, writer = Member(client, "shipping", ["payments"]), Writer(client)
        try:
            while not self._closing.is_set():
                reads = list(member.poll(POLL_MS))
                for read in reads:
                    payment = json.loads(read.value or b"{}")
                    parcel = {"order": payment.get("order"), "parcel": f"p-{read.partition}-{read.offset}"}
                    writer.add("shipments", _record(str(parcel["order"]), parcel))
                if reads:
                    writer.flush()
                    writer.written.clear()
                    member.commit()
        finally:
            self._leave(member)

    def _analytics(self, client: Client) -> None:
        member = Member(client, "analytics", ["orders"])
        waiting: deque[Read] = deque()
        done: dict[Place, int] = {}
        try:
            while not self._closing.wait(LOOK_EVERY_S if waiting else 0):
                if not waiting:
                    waiting.extend(member.poll(POLL_MS))
                    continue
                member.beat()
                read = waiting.popleft()
                done[read.topic, read.partition] = read.offset + 1
                member.commit(done)
        finally:
            self._leave(member)

    def _leave(self, member: Member) -> None:
        try:
            member.leave()
        except (ClientError, KafkaError):
            pass  # the broker is gone, or has thrown us out: its session ends by itself


def dead_letter(read: Read, why: str) -> Record:
    """The record as it was, and why it could not be worked on, in headers."""
    headers = [
        *read.headers,
        ("dlq.reason", why.encode()),
        ("dlq.topic", read.topic.encode()),
        ("dlq.partition", str(read.partition).encode()),
        ("dlq.offset", str(read.offset).encode()),
    ]
    return Record(read.key, read.value, headers, now_ms())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _record(key: str, value: object) -> Record:
    return Record(key.encode(), json.dumps(value).encode(), [], now_ms())
