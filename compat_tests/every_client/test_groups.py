"""Groups: members share partitions, come and go, commit, and come back to what they committed."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence

from compat_tests.drivers import Client, Consumer, Out, Place, poll_until
from compat_tests.tools import Deadline, unique


def places(topic: str, count: int) -> set[Place]:
    return {(topic, partition) for partition in range(count)}


def shared_out(consumers: Sequence[Consumer], whole: set[Place]) -> bool:
    """Does each partition belong to exactly one of them, and does each of them have some?"""
    parts = [consumer.assignment() for consumer in consumers]
    return all(parts) and sum(map(len, parts)) == len(whole) and set.union(*parts) == whole


def fill(client: Client, topic: str, partitions: int, each: int, start: int = 0) -> None:
    with client.producer() as producer:
        producer.send(
            topic,
            *(
                Out(b"%d-%d" % (partition, number), partition=partition)
                for number in range(start, start + each)
                for partition in range(partitions)
            ),
        )


def test_members_share_the_partitions_as_they_join_and_leave(client: Client, group: str) -> None:
    name = client.create_topic(unique("topic"), partitions=6)
    whole = places(name, 6)
    first, second, third = (client.consumer(group=group) for _ in range(3))
    first.subscribe(name)
    poll_until("the first has all", [first], lambda: first.assignment() == whole)
    second.subscribe(name)
    poll_until("two share", [first, second], lambda: shared_out([first, second], whole))
    third.subscribe(name)
    members = [first, second, third]
    poll_until("three share", members, lambda: shared_out(members, whole))
    assert sorted(len(member.assignment()) for member in members) == [2, 2, 2]
    second.close()
    poll_until("two share again", [first, third], lambda: shared_out([first, third], whole))
    first.close()
    poll_until("the last has all", [third], lambda: third.assignment() == whole)


def test_a_member_more_than_partitions_gets_none_and_takes_over(client: Client, group: str) -> None:
    name = client.create_topic(unique("topic"), partitions=1)
    first, second = client.consumer(group=group), client.consumer(group=group)
    first.subscribe(name)
    poll_until("the first has it", [first], lambda: first.assignment() == {(name, 0)})
    second.subscribe(name)
    poll_until("the second has joined", [first, second], lambda: second.rebalances.assigned > 0 and first.assignment() | second.assignment() == {(name, 0)})
    owner, spare = (first, second) if first.assignment() else (second, first)
    assert spare.assignment() == set()
    owner.close()
    poll_until("the spare took over", [spare], lambda: spare.assignment() == {(name, 0)})


def test_a_group_resumes_at_its_commit(client: Client, group: str) -> None:
    name = client.create_topic(unique("topic"), partitions=2)
    fill(client, name, 2, 10)
    with client.consumer(group=group) as consumer:
        consumer.subscribe(name)
        assert len(consumer.read(20)) == 20
        consumer.commit({(name, 0): 4, (name, 1): 7})
        assert (consumer.committed((name, 0)), consumer.committed((name, 1))) == (4, 7)
    with client.consumer(group=group) as consumer:
        consumer.subscribe(name)
        seen = consumer.read(9)
    assert sorted((record.partition, record.offset) for record in seen) == [(0, offset) for offset in range(4, 10)] + [
        (1, offset) for offset in range(7, 10)
    ]


def test_committing_what_was_polled_resumes_behind_it(client: Client, group: str) -> None:
    name = client.create_topic(unique("topic"))
    fill(client, name, 1, 30)
    with client.consumer(group=group) as consumer:
        consumer.subscribe(name)
        consumer.read(30)
        consumer.commit()
    fill(client, name, 1, 5, start=30)
    with client.consumer(group=group) as consumer:
        consumer.subscribe(name)
        assert [record.offset for record in consumer.read(5)] == list(range(30, 35))


def test_groups_do_not_see_each_others_commits(client: Client, group: str) -> None:
    name = client.create_topic(unique("topic"))
    fill(client, name, 1, 10)
    other = unique("group")
    for name_of_group in (group, other):
        with client.consumer(group=name_of_group) as consumer:
            consumer.subscribe(name)
            assert [record.offset for record in consumer.read(10)] == list(range(10))
            consumer.commit({(name, 0): 10 if name_of_group == group else 3})
    with client.consumer(group=other) as consumer:
        consumer.subscribe(name)
        assert consumer.read(7)[0].offset == 3


def test_a_consumer_without_subscription_commits_and_reads_commits(client: Client, group: str) -> None:
    name = client.create_topic(unique("topic"))
    fill(client, name, 1, 10)
    with client.consumer(group=group) as consumer:
        consumer.assign([(name, 0)])
        consumer.read(10)
        assert consumer.committed((name, 0)) is None
        consumer.commit({(name, 0): 6})
        assert consumer.committed((name, 0)) == 6
    with client.consumer(group=group) as consumer:
        consumer.assign([(name, 0)])
        assert consumer.read(4)[0].offset == 6


def test_a_static_member_that_comes_back_keeps_its_partitions_without_a_rebalance(client: Client, group: str) -> None:
    """KIP-345: close() of a static member sends no LeaveGroup, and its return within the session is no change."""
    name = client.create_topic(unique("topic"), partitions=4)
    whole = places(name, 4)
    first = client.consumer(group=group, instance_id="one")
    second = client.consumer(group=group, instance_id="two")
    first.subscribe(name)
    second.subscribe(name)
    poll_until("two share", [first, second], lambda: shared_out([first, second], whole))
    before, calls = second.assignment(), first.rebalances.assigned
    second.close()
    back = client.consumer(group=group, instance_id="two")
    back.subscribe(name)
    poll_until("the static member is back", [first, back], lambda: back.assignment() == before)
    fill(client, name, 4, 1)
    seen = poll_until_records([first, back], 4)
    assert len(seen) == 4
    assert first.rebalances.assigned == calls, "the other member was not disturbed"


def poll_until_records(consumers: Sequence[Consumer], count: int) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    deadline = Deadline(f"{count} records")
    while len(seen) < count:
        for consumer in consumers:
            seen += [(record.partition, record.offset) for record in consumer.poll(0.1)]
        deadline.check(seen)
    return seen


def test_two_consumers_with_long_fetches_keep_their_membership(client: Client, group: str) -> None:
    """Fetches that wait longer than the session: if a parked fetch held heartbeats up, the group would rebalance."""
    name = client.create_topic(unique("topic"), partitions=2)
    members = [
        client.consumer(group=group, session_timeout_ms=6000, heartbeat_ms=1000, fetch_max_wait_ms=12_000)
        for _ in range(2)
    ]
    for member in members:
        member.subscribe(name)
    poll_until("two share", members, lambda: shared_out(members, places(name, 2)))
    calls = [member.rebalances.assigned for member in members]
    patience = Deadline("two sessions", 9)
    while patience.left():
        for member in members:
            assert member.poll(0.5) == []
    assert [member.rebalances.assigned for member in members] == calls
    fill(client, name, 2, 1)
    assert len(poll_until_records(members, 2)) == 2


class Member(threading.Thread):
    """A consumer polled in a thread of its own, as a service would, until it is told to end."""

    def __init__(self, consumer: Consumer, enough: threading.Event, counter: list[int], total: int) -> None:
        super().__init__(daemon=True)
        self.consumer = consumer
        self.enough = enough
        self.counter = counter
        self.total = total
        self.seen: dict[int, list[int]] = defaultdict(list)
        self.values: dict[int, list[bytes | None]] = defaultdict(list)
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                polled = self.consumer.poll(0.2)
                for record in polled:
                    self.seen[record.partition].append(record.offset)
                    self.values[record.partition].append(record.value)
                self.counter.append(len(polled))
                if sum(self.counter) >= self.total:
                    self.enough.set()
        except BaseException as error:
            self.error = error
            self.enough.set()


def test_200_000_records_through_six_partitions_and_three_consumers(client: Client, group: str) -> None:
    """Each record once, and in order per partition: offsets without a gap, values as they were numbered."""
    total, partitions = 200_000, 6
    name = client.create_topic(unique("topic"), partitions=partitions)
    consumers = [client.consumer(group=group) for _ in range(3)]
    for consumer in consumers:
        consumer.subscribe(name)
    poll_until("three share", consumers, lambda: shared_out(consumers, places(name, partitions)))
    enough, counter = threading.Event(), [0]
    members = [Member(consumer, enough, counter, total) for consumer in consumers]
    for member in members:
        member.start()
    with client.producer(compression="lz4", linger_ms=20) as producer:
        step = 20_000
        for first in range(0, total, step):
            producer.send(
                name,
                *(
                    Out(b"%08d" % (number // partitions), b"%d" % number, partition=number % partitions)
                    for number in range(first, first + step)
                ),
            )
    enough.wait(180)
    enough.set()
    for member in members:
        member.join(30)
        assert member.error is None, member.error
    assert all(member.seen for member in members), "each of the three had a part"
    each = [len(range(partition, total, partitions)) for partition in range(partitions)]
    for partition in range(partitions):
        owners = [member for member in members if member.seen[partition]]
        assert len(owners) == 1, "nothing moved while it ran"
        assert owners[0].seen[partition] == list(range(each[partition]))
        assert owners[0].values[partition] == [b"%08d" % number for number in range(each[partition])]
