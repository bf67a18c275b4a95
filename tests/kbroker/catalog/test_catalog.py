"""The facade over a real runtime and a real engine."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from kbroker.catalog import Catalog, Change, NewTopic, Node, TopicCreated, TopicDeleted
from kbroker.config import Config
from storage.engine import Engine, EngineOptions, Failed, Identity, LogFailed, LogOptions, Write
from storage.open import open_engine
from tests.kbroker.virtual import VirtualWorld, run, settle
from wire.errors import ErrorCode, KafkaError


async def an_engine(world: VirtualWorld) -> Engine:
    engine = open_engine("memory:", files=None, now=world.time_ms, options=EngineOptions(Identity("c", 1)))
    await engine.open()
    return engine


def a_catalog(
    engine: Any, world: VirtualWorld, nodes: tuple[int, ...] = (1,), config: Mapping[str, str] | None = None
) -> Catalog:
    return Catalog(
        engine, world, Config(dict(config or {})), nodes={node: Node(node) for node in nodes}, cluster_id="c"
    )


def test_what_was_created_is_there_after_a_restart_and_ids_stay() -> None:
    async def test(world: VirtualWorld) -> None:
        engine = await an_engine(world)
        first = a_catalog(engine, world)
        await first.start()
        (topic,) = await first.create_topics([NewTopic("b", 2, configs=[("retention.ms", "5")])])
        await first.auto_create("a")
        await first.stop()
        second = a_catalog(engine, world)
        await second.start()
        assert [topic.name for topic in second.topics()] == ["a", "b"]
        again = second.topic("b")
        assert again is second.topic_by_id(topic.id) is not None
        assert again.config["retention.ms"] == 5
        assert second.leader("b", 1) == (1, 0)

    run(test)


def test_leaders_that_are_not_there_have_no_number() -> None:
    async def test(world: VirtualWorld) -> None:
        catalog = a_catalog(await an_engine(world), world, (1, 2))
        await catalog.start()
        await catalog.create_topics([NewTopic("a", 2, 1)])
        assert [catalog.leader("a", index)[0] for index in range(2)] == [1, 2]
        assert catalog.leader("a", 2) == catalog.leader("no", 0) == (-1, -1)
        assert catalog.controller_id in catalog.nodes

    run(test)


def test_views_change_at_once_and_subscribers_hear_when_it_is_durable() -> None:
    async def test(world: VirtualWorld) -> None:
        catalog = a_catalog(await an_engine(world), world)
        heard: list[Change] = []
        await catalog.start()
        catalog.subscribe(heard.append)
        created = catalog.create_topics([NewTopic("a")])
        assert catalog.topic("a") is not None
        assert heard == []
        await created
        assert [type(change) for change in heard] == [TopicCreated]
        (topic,) = await created
        await catalog.delete_topics([topic.id])
        assert [type(change) for change in heard] == [TopicCreated, TopicDeleted]

    run(test)


def test_an_internal_topic_is_made_once_with_kafkas_configs() -> None:
    async def test(world: VirtualWorld) -> None:
        catalog = a_catalog(await an_engine(world), world, (1, 2))
        await catalog.start()
        both = await asyncio.gather(
            catalog.ensure_internal("__consumer_offsets"), catalog.auto_create("__consumer_offsets")
        )
        assert both[0].id == both[1].id
        topic = catalog.topic("__consumer_offsets")
        assert topic is not None
        assert topic.internal
        assert len(topic.partitions) == 50
        assert topic.config["cleanup.policy"] == ("compact",)
        assert topic.replication_factor <= 2

    run(test)


def test_auto_creation_refuses_what_creation_refuses() -> None:
    async def test(world: VirtualWorld) -> None:
        catalog = a_catalog(await an_engine(world), world)
        await catalog.start()
        with pytest.raises(KafkaError) as caught:
            await catalog.auto_create("no!")
        assert caught.value.code is ErrorCode.INVALID_TOPIC_EXCEPTION

    run(test)


def test_logs_that_a_deletion_left_behind_are_dropped_at_the_next_start() -> None:
    async def test(world: VirtualWorld) -> None:
        engine = await an_engine(world)
        first = a_catalog(engine, world)
        await first.start()
        gone, kept = await first.create_topics([NewTopic("gone"), NewTopic("kept")])
        stranger = f"{bytes(16).hex()}/0"
        await engine.create([(name, LogOptions()) for name in (gone.log(0), kept.log(0), stranger)])
        await first.delete_topics([gone.id])
        assert gone.log(0) in engine.logs(), "whoever drops logs has died just now"
        second = a_catalog(engine, world)
        await second.start()
        assert set(engine.logs()) == {"catalog", kept.log(0), stranger}

    run(test)


class Failing:
    """An engine whose next writes can be made to fail."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.failing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def submit(self, write: Write) -> None:
        if not self.failing:
            self.engine.submit(write)
        else:
            write.answered(Failed(LogFailed("the disk is full")))


def test_a_topic_whose_record_was_lost_is_gone_and_its_logs_are_dropped() -> None:
    async def test(world: VirtualWorld) -> None:
        engine = Failing(await an_engine(world))
        catalog = a_catalog(engine, world)
        heard: list[Change] = []
        await catalog.start()
        catalog.subscribe(heard.append)
        await catalog.create_topics([NewTopic("kept")])
        engine.failing = True
        with pytest.raises(KafkaError) as caught:
            await catalog.create_topics([NewTopic("lost")])
        assert caught.value.code.retriable
        await settle()
        assert [topic.name for topic in catalog.topics()] == ["kept"]
        assert isinstance(heard[-1], TopicDeleted)
        assert heard[-1].topic.name == "lost"
        engine.failing = False
        assert await catalog.next_producer_id() == 0

    run(test)


def test_a_start_that_failed_does_not_hide_an_unclean_stop() -> None:
    async def test(world: VirtualWorld) -> None:
        engine = Failing(await an_engine(world))
        first = a_catalog(engine, world)
        await first.start()
        await first.create_topics([NewTopic("a")])
        engine.failing = True
        second = a_catalog(engine, world)
        with pytest.raises(KafkaError):
            await second.start()
        engine.failing = False
        await second.stop()
        third = a_catalog(engine, world)
        await third.start()
        assert third.leader("a", 0) == (1, 1)

    run(test)
