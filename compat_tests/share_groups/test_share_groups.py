"""Share groups through librdkafka's share consumer (KIP-932): every record is delivered, to one member at a time, until
it is accepted or given up; also across kill -9.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.tools import DEADLINE_S, Deadline, need_module, unique

need_module("confluent_kafka")

import confluent_kafka  # noqa: E402
from confluent_kafka import Producer  # noqa: E402
from confluent_kafka.admin import (  # noqa: E402
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

if not hasattr(confluent_kafka, "ShareConsumer"):
    pytest.skip("this confluent-kafka has no share consumer", allow_module_level=True)
from confluent_kafka import AcknowledgeType, ShareConsumer  # noqa: E402

Broker = Process | Outside
Make = Callable[..., Process]
GROUP = 32  # the kind of resource; older versions of the library have no name for it


class Work:
    """A topic with records, and a group that reads it from the beginning."""

    def __init__(self, broker: Broker, count: int, **configs: str) -> None:
        self.broker, self.topic, self.group, self.count = broker, unique("share"), unique("share-group"), count
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        for made in admin.create_topics([NewTopic(self.topic, 2, 1)]).values():
            made.result(DEADLINE_S)
        named = {"share.auto.offset.reset": "earliest"} | {key.replace("_", "."): text for key, text in configs.items()}
        entries = [
            ConfigEntry(name, text, incremental_operation=AlterConfigOpType.SET) for name, text in named.items()
        ]
        kind = getattr(ResourceType, "GROUP", GROUP)
        resource = ConfigResource(kind, self.group, incremental_configs=entries)
        for altered in admin.incremental_alter_configs([resource]).values():
            altered.result(DEADLINE_S)
        self.produce(range(count))

    def produce(self, numbers: range) -> None:
        producer = Producer({"bootstrap.servers": self.broker.bootstrap, "enable.idempotence": True})
        for number in numbers:
            producer.produce(self.topic, b"%d" % number, partition=number % 2)
        assert producer.flush(DEADLINE_S) == 0

    def member(self, mode: str = "explicit") -> Any:
        settings = {
            "bootstrap.servers": self.broker.bootstrap,
            "group.id": self.group,
            "share.acknowledgement.mode": mode,
            "reconnect.backoff.max.ms": 200,
        }
        member = ShareConsumer(settings)
        member.subscribe([self.topic])
        return member


@pytest.fixture
def closing() -> Iterator[list[Any]]:
    members: list[Any] = []
    yield members
    for member in members:
        member.close()


def test_two_members_get_every_record_between_them_and_none_twice(broker: Broker) -> None:
    work = Work(broker, 2_000)
    seen: Counter[bytes] = Counter()
    lock, ended = threading.Lock(), threading.Event()

    def consume() -> None:
        member = work.member()
        while not ended.is_set():
            messages = list(member.poll(0.2))
            for message in messages:
                assert message.error() is None
                member.acknowledge(message)
            if messages:
                assert not any(member.commit_sync(DEADLINE_S).values())
            with lock:
                seen.update([message.value() for message in messages])
                if len(seen) == work.count:
                    ended.set()
        member.close()

    members = [threading.Thread(target=consume) for _ in range(2)]
    for member in members:
        member.start()
    assert ended.wait(DEADLINE_S), f"{len(seen)} of {work.count}"
    for member in members:
        member.join(DEADLINE_S)
    assert set(seen.values()) == {1}


def test_what_is_released_comes_again_and_what_is_rejected_does_not(broker: Broker, closing: list[Any]) -> None:
    work = Work(broker, 100)
    member = work.member()
    closing.append(member)
    times: Counter[int] = Counter()
    done = 0
    deadline = Deadline("every record accepted or rejected")
    while done < work.count:
        for message in member.poll(0.5):
            number = int(message.value())
            times[number] += 1
            if number % 3 == 0 and times[number] == 1:
                member.acknowledge(message, AcknowledgeType.RELEASE)
            else:
                member.acknowledge(message, AcknowledgeType.REJECT if number % 3 == 1 else AcknowledgeType.ACCEPT)
                done += 1
        member.commit_sync(DEADLINE_S)
        deadline.check(str(done))
    assert times == {number: 2 if number % 3 == 0 else 1 for number in range(work.count)}
    assert list(member.poll(1.0)) == []


def test_a_member_that_goes_silent_gives_its_records_to_others(broker: Broker, closing: list[Any]) -> None:
    """Its connections end without a word; what it held is delivered again."""
    work = Work(broker, 50)
    silent, other = work.member(), work.member()
    closing.append(other)
    held = []
    deadline = Deadline("records for the one that will be silent")
    while not held:
        held = [message.value() for message in silent.poll(0.5)]
        deadline.check()
    silent.close()
    seen: set[bytes] = set()
    while len(seen) < work.count:
        for message in other.poll(0.5):
            seen.add(message.value())
            other.acknowledge(message)
        other.commit_sync(DEADLINE_S)
        deadline.check(str(len(seen)))
    assert set(held) <= seen


def test_what_was_accepted_stays_so_when_the_broker_is_killed(new_broker: Make, closing: list[Any]) -> None:
    """Everything arrives at least once; nothing arrives again whose acceptance was confirmed."""
    broker = new_broker()
    work = Work(broker, 600)
    member = work.member()
    closing.append(member)
    confirmed: set[int] = set()
    deadline = Deadline("every record confirmed, across kills")
    kills = 0
    while len(confirmed) < work.count:
        numbers = set()
        for message in member.poll(0.5):
            assert message.error() is None
            number = int(message.value())
            assert number not in confirmed, "it was accepted before"
            numbers.add(number)
            member.acknowledge(message)
        if kills < 2 and numbers and len(confirmed) >= 200 * kills:
            kills += 1
            outcome = member.commit_sync(DEADLINE_S)
            if outcome and not any(outcome.values()):
                confirmed |= numbers
            broker.kill()
            broker.restart()
            work.produce(range(work.count, work.count + 100))
            work.count += 100
            continue
        outcome = member.commit_sync(DEADLINE_S)
        if outcome and not any(outcome.values()):
            confirmed |= numbers
        deadline.check(f"{len(confirmed)} of {work.count}")
    assert kills == 2
