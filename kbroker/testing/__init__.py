"""A Kafka broker for tests, in a fifth of a second:

    from kbroker.testing import Broker

    with Broker() as broker:
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
        ...
        assert broker.wait_records("orders", 3)[0].value == b"first"

It is the real broker, in a process of its own, that ends with the test; and the object is the handle to everything a
test wants to do to it. Each method does its work and answers; in asyncio, `await broker.wait_records.aio("orders", 3)`
is the same without blocking the loop. `docs/testing.md` has the whole list.

    link.py      the process, and the lines to it          ask.py    one question, asked in either way
    broker.py    Broker                                    verbs.py, groups.py   what can be asked
    cluster.py   Cluster                                   partition.py          one partition

The standard library, `kbroker.control.plain` and `kbroker.control.shapes`; nothing of the broker itself is imported
into the process of the test.
"""

from kbroker.control.shapes import Header, Record
from kbroker.testing.broker import Broker
from kbroker.testing.cluster import Cluster
from kbroker.testing.link import BrokerGone, ControlError, NotSeen

__all__ = ["Broker", "BrokerGone", "Cluster", "ControlError", "Header", "NotSeen", "Record"]
