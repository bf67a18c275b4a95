"""librdkafka with `group.protocol=consumer`: joins, shares, takes over, subscribes by pattern, and migrates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compat_tests.broker import Outside, Process
from compat_tests.tools import DEADLINE_S, need_module, unique, until

need_module("confluent_kafka")

from confluent_kafka import Consumer, Producer  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402

Broker = Process | Outside


def member(broker: Broker, group: str, topic: str, protocol: str = "consumer", **settings: Any) -> Consumer:
    named = {key.replace("_", "."): value for key, value in settings.items()}
    if protocol == "classic":
        named |= {"heartbeat.interval.ms": 200, "session.timeout.ms": 6000}
    made = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": group,
            "group.protocol": protocol,
            "auto.offset.reset": "earliest",
            **named,
        }
    )
    made.subscribe([topic])
    return made


def make_topic(broker: Broker, name: str, partitions: int = 4) -> str:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for made in admin.create_topics([NewTopic(name, partitions)]).values():
        made.result()
    return name


def shares(members: Sequence[Consumer]) -> list[int]:
    """After a short poll of each: how many partitions each has; together they have each one once, or nothing counts."""
    for each in members:
        each.poll(0.02)
    places = [[(place.topic, place.partition) for place in each.assignment()] for each in members]
    everything = [place for mine in places for place in mine]
    assert len(everything) == len(set(everything)), "a partition has two owners"
    return [len(mine) for mine in places]


def wait_for(members: Sequence[Consumer], counts: list[int]) -> None:
    until(f"the members have {counts}", lambda: shares(members) == counts)


def test_members_share_come_and_go(broker: Broker) -> None:
    topic, group = make_topic(broker, unique("topic")), unique("group")
    first = member(broker, group, topic)
    wait_for([first], [4])
    second = member(broker, group, topic)
    wait_for([first, second], [2, 2])
    first.close()
    wait_for([second], [4])
    second.close()


def test_everything_is_read_once_and_commits_are_found_again(broker: Broker) -> None:
    topic, group = make_topic(broker, unique("topic")), unique("group")
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for number in range(100):
        producer.produce(topic, b"%d" % number, key=b"%d" % number)
    assert producer.flush(DEADLINE_S) == 0
    consumer = member(broker, group, topic)
    seen: set[bytes] = set()

    def read() -> bool:
        for message in consumer.consume(50, 0.1):
            assert message.error() is None
            assert message.value() not in seen
            seen.add(message.value())
        return len(seen) == 100

    until("all has been read", read)
    consumer.commit(asynchronous=False)
    consumer.close()
    producer.produce(topic, b"more")
    producer.flush(DEADLINE_S)
    again = member(broker, group, topic)
    message = until("the next record", lambda: again.poll(0.1))
    assert message.value() == b"more"
    again.close()


def test_a_pattern_finds_topics_that_come_later(broker: Broker) -> None:
    name, group = unique("topic"), unique("group")
    make_topic(broker, name, 2)
    consumer = member(broker, group, f"^{name}.*")
    wait_for([consumer], [2])
    make_topic(broker, f"{name}-more", 3)
    wait_for([consumer], [5])
    consumer.close()


def test_a_static_member_comes_back_to_what_it_had(broker: Broker) -> None:
    topic, group = make_topic(broker, unique("topic")), unique("group")
    static = member(broker, group, topic, group_instance_id="one")
    wait_for([static], [4])
    other = member(broker, group, topic)
    wait_for([static, other], [2, 2])
    before = sorted(place.partition for place in static.assignment())
    static.close()
    assert shares([other]) == [2]
    static = member(broker, group, topic, group_instance_id="one")
    wait_for([static, other], [2, 2])
    assert sorted(place.partition for place in static.assignment()) == before
    static.close()
    other.close()


def test_a_group_moves_to_the_new_protocol_and_back_with_its_members_at_work(broker: Broker) -> None:
    topic, group = make_topic(broker, unique("topic")), unique("group")
    old = member(broker, group, topic, "classic")
    wait_for([old], [4])
    new = member(broker, group, topic)
    wait_for([old, new], [2, 2])
    new.close()
    wait_for([old], [4])
    old.close()
