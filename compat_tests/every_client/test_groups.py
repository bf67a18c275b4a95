"""Groups: members share partitions, come and go, commit, and come back to what they committed."""

from __future__ import annotations

from compat_tests.drivers import Client, Out, Place
from compat_tests.members import Members
from compat_tests.tools import Deadline, unique


def places(topic: str, count: int) -> set[Place]:
    return {(topic, partition) for partition in range(count)}


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
    with Members() as members:
        first = members.join(client.consumer(group=group), name)
        members.wait_shared(whole)
        second = members.join(client.consumer(group=group), name)
        members.wait_shared(whole)
        members.join(client.consumer(group=group), name)
        members.wait_shared(whole)
        assert [len(member.assignment) for member in members.members] == [2, 2, 2]
        members.close(second)
        members.wait_shared(whole)
        members.close(first)
        members.wait_shared(whole)


def test_a_member_more_than_partitions_gets_none_and_takes_over(client: Client, group: str) -> None:
    name = client.create_topic(unique("topic"))
    with Members() as members:
        first = members.join(client.consumer(group=group), name)
        members.wait_shared({(name, 0)})
        second = members.join(client.consumer(group=group), name)
        members.wait(
            "both are in and one has the partition",
            lambda: second.assigned > 0 and len(first.assignment) + len(second.assignment) == 1,
        )
        members.close(first if first.assignment else second)
        members.wait_shared({(name, 0)})


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
    for member_of, offset in ((group, 10), (other, 3)):
        with client.consumer(group=member_of) as consumer:
            consumer.subscribe(name)
            assert [record.offset for record in consumer.read(10)] == list(range(10))
            consumer.commit({(name, 0): offset})
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
    with Members() as members:
        first = members.join(client.consumer(group=group, instance_id="one"), name)
        second = members.join(client.consumer(group=group, instance_id="two"), name)
        members.wait_shared(places(name, 4))
        before, calls = second.assignment, first.assigned
        members.close(second)
        back = members.join(client.consumer(group=group, instance_id="two"), name)
        members.wait("the static member is back", lambda: back.assignment == before)
        fill(client, name, 4, 1)
        members.wait_records(4)
        assert {(record.topic, record.partition) for record in back.records} == before
        assert first.assigned == calls, "the other member was not disturbed"


def test_fetches_that_wait_longer_than_the_session_do_not_end_it(client: Client, group: str) -> None:
    """A parked fetch that held heartbeats up would have the members thrown out after the session timeout."""
    name = client.create_topic(unique("topic"), partitions=2)
    with Members() as members:
        for _ in range(2):
            consumer = client.consumer(group=group, session_timeout_ms=6000, heartbeat_ms=1000, fetch_max_wait_ms=9000)
            members.join(consumer, name)
        members.wait_shared(places(name, 2))
        calls = [member.assigned for member in members.members]
        with client.consumer() as clock, client.producer() as producer:
            # The wait itself is a client call too: a lone fetch, that ends when another topic gets its record.
            tick = client.create_topic(unique("topic"))
            clock.assign([(tick, 0)])
            patience = Deadline("one session and a half", 9)
            while patience.left():
                assert clock.poll(1) == []
            producer.send(tick, Out(b"tick"))
            clock.read(1)
        assert [member.assigned for member in members.members] == calls
        fill(client, name, 2, 1)
        members.wait_records(2)


def test_200_000_records_through_six_partitions_and_three_consumers(client: Client, group: str) -> None:
    """Each record once, and in order per partition: offsets without a gap, values as they were numbered."""
    total, partitions, step = 200_000, 6, 20_000
    name = client.create_topic(unique("topic"), partitions=partitions)
    with Members() as members:
        for _ in range(3):
            members.join(client.consumer(group=group), name)
        members.wait_shared(places(name, partitions))
        with client.producer(compression="lz4", linger_ms=20) as producer:
            for first in range(0, total, step):
                batch = [
                    Out(b"%08d" % (number // partitions), b"%d" % number, partition=number % partitions)
                    for number in range(first, first + step)
                ]
                producer.send(name, *batch)
        members.wait_records(total, seconds=180)
        for partition in range(partitions):
            owners = [
                [record for record in member.records if record.partition == partition] for member in members.members
            ]
            (records,) = [records for records in owners if records]  # nothing moved while it ran
            count = len(range(partition, total, partitions))
            assert [record.offset for record in records] == list(range(count))
            assert [record.value for record in records] == [b"%08d" % number for number in range(count)]
        assert all(member.records for member in members.members), "each of the three had a part"
