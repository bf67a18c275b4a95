"""The README of aiokafka, in tests: async iteration, send_and_wait, hand-made batches, listeners, its admin client."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.tools import DEADLINE_S, T0, Deadline, need_module, unique

need_module("aiokafka")

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # noqa: E402
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete  # noqa: E402
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # noqa: E402
from aiokafka.errors import (  # noqa: E402
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
)

Broker = Process | Outside


def run(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, DEADLINE_S))


def test_produce_and_iterate_with_the_defaults(broker: Broker) -> None:
    async def scene() -> None:
        name = unique("readme")
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            for number in range(100):
                metadata = await producer.send_and_wait(name, b"Super message %d" % number)
                assert (metadata.topic, metadata.partition, metadata.offset) == (name, 0, number)
        consumer = AIOKafkaConsumer(
            name, bootstrap_servers=broker.bootstrap, group_id=unique("group"), auto_offset_reset="earliest"
        )
        seen = []
        async with consumer:
            async for message in consumer:
                seen.append(message.value)
                if len(seen) == 100:
                    break
        assert seen == [b"Super message %d" % number for number in range(100)]

    run(scene())


def test_a_hand_made_batch_is_stored_as_it_is(broker: Broker) -> None:
    async def scene() -> None:
        name = unique("batch")
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=True) as producer:
            batch = producer.create_batch()
            for number in range(10):
                batch.append(key=b"%d" % number, value=b"value", timestamp=T0 + number)
            await producer.send_and_wait(name, b"first")
            metadata = await (await producer.send_batch(batch, name, partition=0))
            assert metadata.offset == 1
        consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
        async with consumer:
            consumer.assign([TopicPartition(name, 0)])
            keys = [(await consumer.getone()).key for _ in range(11)]
        assert keys == [None, *(b"%d" % number for number in range(10))]

    run(scene())


def test_a_message_over_the_brokers_limit_has_the_clients_own_error(broker: Broker) -> None:
    async def scene() -> None:
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, max_request_size=8 << 20) as producer:
            with pytest.raises(MessageSizeTooLargeError):
                await producer.send_and_wait(unique("big"), b"x" * (2 << 20))

    run(scene())


def test_without_a_reset_policy_a_bad_offset_is_an_error(broker: Broker) -> None:
    async def scene() -> None:
        name = unique("range")
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            await producer.send_and_wait(name, b"x")
        async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="none") as consumer:
            place = TopicPartition(name, 0)
            consumer.assign([place])
            consumer.seek(place, 99)
            with pytest.raises(OffsetOutOfRangeError):
                await consumer.getone()
            consumer.seek(place, 0)
            assert (await consumer.getone()).value == b"x"

    run(scene())


def test_auto_commit_and_seek_to_committed(broker: Broker) -> None:
    async def scene() -> None:
        name, group = unique("auto"), unique("group")
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            for number in range(10):
                await producer.send_and_wait(name, b"%d" % number)
        place = TopicPartition(name, 0)

        def member() -> AIOKafkaConsumer:
            return AIOKafkaConsumer(
                name,
                bootstrap_servers=broker.bootstrap,
                group_id=group,
                auto_offset_reset="earliest",
                auto_commit_interval_ms=50,
            )

        async with member() as consumer:
            for _ in range(6):
                await consumer.getone()
        async with member() as consumer:  # closing committed
            assert (await consumer.getone()).offset == 6
            await consumer.getone()
            await consumer.commit({place: (2, "note")})
            await consumer.seek_to_committed()
            assert (await consumer.getone()).offset == 2
            assert await consumer.position(place) == 3
            await consumer.seek_to_end()
            assert await consumer.position(place) == 10
            await consumer.seek_to_beginning()
            assert (await consumer.getone()).offset == 0

    run(scene())


def test_the_highwater_shows_the_lag(broker: Broker) -> None:
    async def scene() -> None:
        name = unique("lag")
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            for number in range(10):
                await producer.send_and_wait(name, b"%d" % number)
        async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest") as consumer:
            place = TopicPartition(name, 0)
            consumer.assign([place])
            await consumer.getone()
            assert consumer.highwater(place) == 10
            assert consumer.last_stable_offset(place) in (10, -1)

    run(scene())


def test_many_producers_and_consumers_in_one_loop(broker: Broker) -> None:
    """Twenty of each at once: two connections a consumer, and every record reaches its reader."""

    async def scene() -> None:
        stem = unique("many")

        async def one(number: int) -> None:
            name = f"{stem}-{number}"
            async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=True) as producer:
                for record in range(20):
                    await producer.send(name, b"%d" % record)
                await producer.flush()
            consumer = AIOKafkaConsumer(
                name, bootstrap_servers=broker.bootstrap, group_id=f"{stem}-{number}", auto_offset_reset="earliest"
            )
            async with consumer:
                assert [(await consumer.getone()).value for _ in range(20)] == [b"%d" % record for record in range(20)]

        await asyncio.gather(*(one(number) for number in range(20)))

    run(scene())


def test_administration(broker: Broker) -> None:
    async def scene() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        try:
            await administer(admin, broker)
        finally:
            await admin.close()

    run(scene())


async def administer(admin: AIOKafkaAdminClient, broker: Broker) -> None:
    name = unique("admin")
    created = await admin.create_topics([NewTopic(name, 2, 1, topic_configs={"retention.ms": "123456"})])
    assert [error[1] for error in created.topic_errors] == [0]
    again = await admin.create_topics([NewTopic(name, 2, 1)])
    topic_already_exists = 36
    assert [error[1] for error in again.topic_errors] == [topic_already_exists]
    assert name in await admin.list_topics()

    await admin.create_partitions({name: NewPartitions(4)})
    deadline = Deadline("four partitions")
    while True:
        (topic,) = await admin.describe_topics([name])
        if len(topic["partitions"]) == 4:
            break
        deadline.check()
    assert sorted(partition["partition"] for partition in topic["partitions"]) == [0, 1, 2, 3]
    assert all(partition["leader"] in partition["replicas"] for partition in topic["partitions"])

    cluster = await admin.describe_cluster()
    assert cluster["controller_id"] in [node["node_id"] for node in cluster["brokers"]]
    assert cluster["cluster_id"]

    (configs,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    entries = {entry[0]: entry[1] for entry in configs.resources[0][4]}
    assert (entries["retention.ms"], entries["max.message.bytes"]) == ("123456", "1048588")

    place = TopicPartition(name, 0)
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for number in range(10):
            await producer.send_and_wait(name, b"%d" % number, partition=0)
    await admin.delete_records({place: RecordsToDelete(4)})

    group = unique("group")
    consumer = AIOKafkaConsumer(
        name,
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    async with consumer:
        assert (await consumer.getone()).offset == 4
        await consumer.commit({place: 8})
        assert (group, "consumer") in [(entry[0], entry[1]) for entry in await admin.list_consumer_groups()]
        (described,) = await admin.describe_consumer_groups([group])
        (shown,) = described.groups
        assert (shown[1], shown[2], shown[3]) == (group, "Stable", "consumer")
        assert len(shown[5]) == 1
    offsets = await admin.list_consumer_group_offsets(group)
    assert offsets[place].offset == 8
    assert await admin.find_coordinator(group) == cluster["controller_id"]

    deleted = await admin.delete_topics([name])
    assert [error[1] for error in deleted.topic_error_codes] == [0]
    while name in await admin.list_topics():
        deadline.check()
