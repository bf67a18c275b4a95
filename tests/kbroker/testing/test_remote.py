"""The verbs that any Kafka can do, on a broker that is not ours to control (one of ours, of which it knows the address
only).
"""

from __future__ import annotations

import asyncio

import pytest

from kbroker.testing import Broker, NotSeen
from kbroker.testing.remote import Remote


def test_topics_and_records_are_the_same_on_any_kafka(kafka: Broker) -> None:
    remote = Remote(kafka.bootstrap)
    orders = remote.name("orders")
    made = remote.create_topic(orders, 2, configs={"retention.ms": 60_000})
    assert (len(made.partitions), made.configs) == (2, {"retention.ms": "60000"})
    remote.produce(orders, "1", b"\xff", key="k", headers={"h": "x"})
    assert remote.wait_records(orders, 2) == kafka.wait_records(orders, 2)
    with pytest.raises(NotSeen, match=f"waited 0.1 s until {orders} has 3 records"):
        remote.wait_records(orders, 3, timeout=0.1)
    remote.close()


def test_waiting_for_any_kafka_leaves_the_loop_alone(kafka: Broker) -> None:
    async def body() -> None:
        waiting = asyncio.ensure_future(remote.wait_records.aio("orders"))
        await kafka.produce.aio("orders", "1")
        assert [record.value for record in await waiting] == [b"1"]

    remote = Remote(kafka.bootstrap)
    asyncio.run(body())
    remote.close()


@pytest.mark.parametrize(
    ("what", "do"),
    [
        ("faults install", lambda remote: remote.faults.fail("Produce", "REQUEST_TIMED_OUT")),
        ("clock freeze", lambda remote: remote.clock.freeze()),
        ("data reset", lambda remote: remote.reset()),
        (r"another\(\)", lambda remote: remote.another()),
    ],
)
def test_what_only_a_test_broker_can_do_skips_the_test(what: str, do: object) -> None:
    remote = Remote("127.0.0.1:1")
    with pytest.raises(pytest.skip.Exception, match=f"a real Kafka has no {what}: this test needs the test broker"):
        do(remote)  # type: ignore[operator]
    remote.close()
