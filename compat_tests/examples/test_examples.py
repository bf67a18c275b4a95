"""The test broker under the other two libraries, as short as `tests/examples`: aiokafka in one event loop with the
waiting, and confluent-kafka, whose librdkafka is another implementation of everything.
"""

import asyncio
from typing import Any

import aiokafka
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from kbroker.testing import Broker


def test_aiokafka_and_the_waiting_share_a_loop() -> None:
    async def body() -> None:
        async with Broker(topics=["orders"]) as broker:
            consumer = aiokafka.AIOKafkaConsumer(
                "orders", group_id="g", auto_offset_reset="earliest", **broker.client_config("aiokafka")
            )
            producer = aiokafka.AIOKafkaProducer(enable_idempotence=True, **broker.client_config("aiokafka"))
            await consumer.start()
            await producer.start()
            try:
                await broker.wait_assigned.aio("g")
                dropped = await broker.faults.install.aio("Produce", drop="after", times=1)
                await producer.send_and_wait("orders", b"once")
                assert (await consumer.getone()).value == b"once"
                await consumer.commit()
                await broker.wait_consumed.aio("g", "orders")
                assert len((await dropped.look.aio()).hits) == 1
                assert len(await broker.records.aio("orders")) == 1
            finally:
                await producer.stop()
                await consumer.stop()

    asyncio.run(asyncio.wait_for(body(), 60))


def consume(consumer: Consumer, count: int) -> list[bytes]:
    values: list[bytes] = []
    while len(values) < count:
        message = consumer.poll(10)
        assert message is not None, f"after {len(values)} of {count} records nothing came"
        assert message.error() is None, message.error()
        values.append(message.value())
    return values


def test_librdkafka_retries_a_lost_answer_and_follows_a_reset() -> None:
    with Broker(topics=["orders"]) as broker:
        settings = broker.client_config("confluent")
        producer = Producer(settings | {"enable.idempotence": True})
        broker.faults.disconnect("Produce", after=True, times=1)
        producer.produce("orders", b"once")
        assert producer.flush(30) == 0
        assert [record.value for record in broker.records("orders")] == [b"once"]
        broker.reset(keep="topics")
        producer.produce("orders", b"again")
        assert producer.flush(30) == 0
        assert [record.value for record in broker.records("orders")] == [b"again"]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_librdkafka_is_put_out_of_its_group_and_comes_back(protocol: str) -> None:
    with Broker(topics=["orders"]) as broker:
        settings: dict[str, Any] = broker.client_config("confluent") | {
            "group.id": "g", "group.protocol": protocol, "auto.offset.reset": "earliest", "client.id": "app",
        }  # fmt: skip
        consumer = Consumer(settings)
        consumer.subscribe(["orders"])
        broker.produce("orders", "1")
        assert consume(consumer, 1) == [b"1"]
        before = broker.wait_assigned("g")
        broker.evict("g", "app")
        while not (after := broker.group("g")).members or after.state != "Stable":
            consumer.poll(0.1)  # it finds out with its next heartbeat
        assert after.epoch > before.epoch
        broker.produce("orders", "2")
        while b"2" not in consume(consumer, 1):  # what was not committed comes again
            continue
        consumer.close()


def test_librdkafka_reads_a_stale_leader_and_gets_over_it() -> None:
    with Broker(topics=["orders"]) as broker:
        lie = broker.faults.install("Metadata", topic="orders", leader=7, times=2)
        broker.produce("orders", "1")
        consumer = Consumer(broker.client_config("confluent") | {"group.id": "g", "auto.offset.reset": "earliest"})
        consumer.assign([TopicPartition("orders", 0, 0)])
        assert consume(consumer, 1) == [b"1"]
        assert lie.hits
        consumer.close()


def test_a_fenced_transaction_is_fatal_to_librdkafka() -> None:
    with Broker(topics=["payments"]) as broker:
        settings = broker.client_config("confluent") | {"transactional.id": "tx"}
        first, second = Producer(settings), Producer(settings)
        first.init_transactions(30)
        first.begin_transaction()
        first.produce("payments", b"of the zombie")
        first.flush(30)
        second.init_transactions(30)
        with pytest.raises(KafkaException) as fenced:
            first.commit_transaction(30)
        assert fenced.value.args[0].fatal()
        second.begin_transaction()
        second.produce("payments", b"of the new one")
        second.commit_transaction(30)
        assert [record.value for record in broker.records("payments")] == [b"of the new one"]
