"""Who leads, where brokers are, what Metadata says of it; brokers that go away and come back."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from compat_tests.primitives.clients import librd, reader, send, take
from compat_tests.tools import Deadline
from kbroker.testing import Broker, Cluster


def test_metadata_names_a_wrong_leader(cluster: Cluster) -> None:
    """The client goes where it was sent, hears NOT_LEADER_OR_FOLLOWER, and finds the right one."""
    cluster.create_topic("orders")
    cluster.partition("orders").leader = 2
    lie = cluster.faults.install("Metadata", topic="orders", client_id="lost", leader=3, times=1)
    assert send(Producer(librd(cluster, client_id="lost")), "orders", b"1") == [None]
    first = cluster.requests("Produce")[0]
    assert (first.node, first.errors, len(lie.hits)) == (3, ["NOT_LEADER_OR_FOLLOWER"], 1)


def test_a_partition_has_no_leader(kafka: Broker) -> None:
    kafka.create_topic("orders", 2)
    kafka.partition("orders", 0).leader = None
    client = Producer(librd(kafka))
    assert send(client, "orders", b"now", partition=1) == [None]
    told: list[KafkaError | None] = []
    client.produce("orders", b"late", partition=0, on_delivery=lambda error, _: told.append(error))
    assert (client.flush(0.3), told) == (1, [])
    kafka.partition("orders", 0).leader = 1
    assert client.flush(60) == 0
    assert told == [None]
    kafka.create_topic("lost")
    with kafka.faults.install("Metadata", topic="lost", leader=-1):
        (error,) = send(Producer(librd(kafka, message_timeout_ms=300)), "lost", b"never")
    assert error is not None
    assert kafka.records("lost") == []


def test_a_topic_that_was_made_again_has_its_old_id_for_a_while(kafka: Broker) -> None:
    """Metadata lags: the client fetches by the old id, which nobody knows any more, and waits until it hears the new
    one. Who reads the topic gets what is in the new one."""
    kafka.create_topic("orders")
    kafka.produce("orders", "old")
    client = reader(kafka, "orders")
    assert take(client, 1) == [b"old"]
    old = kafka.topic("orders").id
    lag = kafka.faults.metadata_lag("orders")
    kafka.delete_topic("orders")
    kafka.create_topic("orders")
    mark = kafka.mark()
    deadline = Deadline("a refused fetch of the old id")
    while not (refused := kafka.requests("Fetch", since=mark, failed=True)):
        client.poll(0.1)
        deadline.check()
    assert refused[0].errors[0] in ("UNKNOWN_TOPIC_ID", "UNKNOWN_TOPIC_OR_PARTITION", "FETCH_SESSION_TOPIC_ID_ERROR")
    assert lag.look().seen > 0
    lag.remove()
    assert kafka.topic("orders").id != old
    kafka.produce("orders", "new", "newer")
    assert take(client, 1)[0] in (b"new", b"newer")
    client.close()


def test_metadata_lags_behind_a_move(cluster: Cluster) -> None:
    cluster.create_topic("orders")
    cluster.partition("orders").leader = 1
    client = Producer(librd(cluster))
    lag = cluster.faults.metadata_lag(for_ms=300)
    cluster.partition("orders").leader = 2
    assert send(client, "orders", b"1") == [None]
    assert cluster.requests("Produce")[0].errors == ["NOT_LEADER_OR_FOLLOWER"]
    assert lag.hits


def test_a_broker_goes_away_and_comes_back(cluster: Cluster) -> None:
    cluster.create_topic("orders")
    cluster.partition("orders").leader = 2
    client = Producer(librd(cluster))
    assert send(client, "orders", b"1") == [None]
    cluster[2].kill()
    assert send(client, "orders", b"2") == [None]
    assert cluster.partition("orders").leader != 2
    cluster[2].start()
    assert [record.value for record in cluster.records("orders")] == [b"1", b"2"]


def test_nobody_is_elected_until_somebody_notices(cluster: Cluster) -> None:
    cluster.create_topic("orders")
    cluster.partition("orders").leader = 2
    client = Producer(librd(cluster, message_timeout_ms=500))
    cluster[2].stop(elect=False)
    (error,) = send(client, "orders", b"lost")
    assert error is not None
    cluster[2].notice()
    assert send(Producer(librd(cluster)), "orders", b"1") == [None]


def test_a_broker_hangs(cluster: Cluster) -> None:
    cluster.create_topic("orders")
    cluster.partition("orders").leader = 2
    client = Producer(librd(cluster, socket_timeout_ms=300, enable_idempotence=True))
    cluster[2].pause()
    client.produce("orders", b"1", partition=0)
    assert client.flush(0.5) == 1
    cluster[2].notice()
    assert client.flush(60) == 0
    assert [record.value for record in cluster.records("orders")] == [b"1"]


def test_a_broker_joins_later_or_is_hidden(cluster: Cluster) -> None:
    admin = AdminClient(librd(cluster))
    cluster[3].stop()
    assert sorted(admin.list_topics(timeout=30).brokers) == [1, 2]
    cluster[3].start()
    assert sorted(admin.list_topics(timeout=30).brokers) == [1, 2, 3]
    with cluster.faults.install("Metadata", hide_brokers=[3]):
        assert sorted(AdminClient(librd(cluster)).list_topics(timeout=30).brokers) == [1, 2]


def test_a_broker_is_advertised_elsewhere_and_changes_its_rack(cluster: Cluster) -> None:
    host, _, port = cluster[2].bootstrap.rpartition(":")
    try:
        cluster[2].advertise("elsewhere.invalid", 9)
        cluster[2].move_rack("moon")
        told = AdminClient(librd(cluster)).list_topics(timeout=30).brokers[2]
        assert (told.host, told.port, cluster[2].look().rack) == ("elsewhere.invalid", 9, "moon")
    finally:
        cluster[2].advertise(host, int(port))
        cluster[2].move_rack("b")


def test_leaders_move_and_clients_follow(cluster: Cluster) -> None:
    cluster.create_topic("orders", 3)
    client = Producer(librd(cluster, enable_idempotence=True))
    for seed in range(3):
        for partition in range(3):
            assert send(client, "orders", b"%d" % seed, partition=partition) == [None]
        assert cluster.shuffle_leaders(seed) >= 3
    assert len(cluster.records("orders")) == 9
    assert {each.node for each in cluster.requests("Produce")} == {1, 2, 3}


def test_a_consumer_reads_from_the_replica_nearby_as_far_as_that_has_come() -> None:
    selector = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
    with Cluster(3, ["a", "b", "c"], replica_selector_class=selector) as cluster:
        cluster.create_topic("orders")
        place = cluster.partition("orders")
        place.leader = 1
        cluster.produce("orders", "1")
        place.isr = [1, 3]
        place.hold(2)
        cluster.produce("orders", "2")
        place.isr = [1, 2, 3]
        place.hold(2)
        client = Consumer(librd(cluster, group_id="g", client_rack="b"))
        client.assign([TopicPartition("orders", 0, 0)])
        assert take(client, 2) == [b"1", b"2"]
        cluster.wait_requests("Fetch", 3)
        assert 2 in {each.node for each in cluster.requests("Fetch")}
        mark = cluster.mark()
        assert send(Producer(librd(cluster, acks="1")), "orders", b"3") == [None]
        place.release(2)
        cluster.produce("orders", "4")
        assert b"4" in take(client, 2)
        assert 2 in {each.node for each in cluster.requests("Fetch", since=mark)}
        client.close()


def test_a_log_is_truncated_and_readers_start_where_it_ends(kafka: Broker) -> None:
    """What an unclean election leaves: the end lies before the reader's position."""
    kafka.create_topic("orders")
    for number in range(5):
        kafka.produce("orders", f"{number}")
    client = reader(kafka, "orders")
    assert len(take(client, 5)) == 5
    kafka.truncate("orders", 0, 2)
    assert [record.value for record in kafka.records("orders")] == [b"0", b"1"]
    assert kafka.partition("orders").leader_epoch > 0
    kafka.produce("orders", "again")
    while take(client, 1) != [b"again"]:
        continue
    client.close()


def test_an_unclean_election_loses_what_nobody_else_had(cluster: Cluster) -> None:
    cluster.create_topic("orders")
    place = cluster.partition("orders")
    place.leader = 1
    assert send(Producer(librd(cluster)), "orders", b"1") == [None]
    place.isr = [1]
    place.hold(2)
    place.hold(3)
    assert send(Producer(librd(cluster, acks="1")), "orders", b"2") == [None]
    cluster[1].kill()
    assert place.leader is None
    cluster.elect("orders", unclean=True)
    assert place.leader in (2, 3)
    client = reader(cluster, "orders")
    assert take(client, 1) == [b"1"]
    client.close()
    assert len(cluster.records("orders")) == 1
