"""The catalog's decisions, each as it is told to a client or written for the next start."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.catalog.configs import DELETE, SET, Alteration, ConfigChange
from kbroker.catalog.events import (
    AlterConfigs,
    CreatePartitions,
    CreateTopics,
    DeleteTopics,
    EnsureTopic,
    LeaderChanged,
    MoveLeader,
    NextProducerId,
    Start,
    Stop,
    TopicConfigured,
    TopicCreated,
    TopicDeleted,
    TopicGrown,
)
from kbroker.catalog.state import TOPIC, NewPartitions, NewTopic, Topic
from kbroker.machine import Record
from tests.kbroker.catalog.support import CLUSTER, Life, state, told
from wire.durable.catalog import CatalogNodeKey, CatalogNodeValue
from wire.errors import ErrorCode, KafkaError
from wire.primitives import uuid_text


def configure(life: Life, name: str, changes: dict[str, str | None]) -> None:
    """Set overrides of a topic, or take them away (None)."""
    operations = [ConfigChange(one, DELETE if text is None else SET, text) for one, text in changes.items()]
    (error,) = life.ask(lambda ticket: AlterConfigs(ticket, [Alteration(TOPIC, name, operations)]))
    if error is not None:
        raise error


def create(life: Life, *topics: NewTopic, validate_only: bool = False) -> list[Any]:
    answer: list[Any] = life.ask(lambda ticket: CreateTopics(ticket, topics, validate_only))
    return answer


def refusal(life: Life, topic: NewTopic) -> tuple[ErrorCode, str | None]:
    (error,) = create(life, topic)
    assert isinstance(error, KafkaError)
    assert life.written == 0
    return error.code, error.message


# --- creating topics ----------------------------------------------------------------------------------------------


def test_a_topic_has_the_brokers_defaults_where_it_says_nothing() -> None:
    life = Life(nodes=(1, 2, 3), config={"num.partitions": "4", "default.replication.factor": "2"})
    (topic,) = create(life, NewTopic("orders"))
    assert len(topic.partitions) == 4
    assert topic.replication_factor == 2
    assert life.machine.by_name["orders"].id == topic.id
    assert life.tasks == told(TopicCreated(topic))


def test_leaders_are_spread_over_the_nodes_also_from_topic_to_topic() -> None:
    life = Life(nodes=(1, 2))
    create(life, NewTopic("a", 3, 1), NewTopic("b", 1, 2))
    create(life, NewTopic("c", 2, 2))
    topics = life.machine.by_id.values()
    leaders = {topic.name: [partition.leader for partition in topic.partitions] for topic in topics}
    assert leaders == {"a": [1, 2, 1], "b": [2], "c": [1, 2]}
    assert life.machine.by_name["c"].partitions[0].replicas == [1, 2]
    assert life.machine.by_name["c"].partitions[1].isr == [2, 1]


def test_random_ids_do_not_begin_with_a_dash_and_never_come_again() -> None:
    life = Life()
    ids = {topic.id for topic in create(life, *[NewTopic(f"t{number}") for number in range(300)])}
    assert len(ids) == 300
    assert not any(uuid_text(topic_id).startswith("-") for topic_id in ids)


@pytest.mark.parametrize(
    ("topic", "code", "message"),
    [
        (NewTopic(""), 17, "Topic name is invalid: the empty string is not allowed"),
        (NewTopic(".."), 17, "Topic name is invalid: '..' is not allowed"),
        (NewTopic("a" * 250), 17, None),
        (NewTopic("ä"), 17, None),
        (NewTopic("there"), 36, "Topic 'there' already exists."),
        (NewTopic("over_there"), 17, "Topic 'over_there' collides with existing topic: over.there"),
        (NewTopic("x", 0), 37, "Number of partitions was set to an invalid non-positive value."),
        (NewTopic("x", -2), 37, "Number of partitions was set to an invalid non-positive value."),
        (
            NewTopic("x", 1, 0),
            38,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        ),
        (
            NewTopic("x", 1, 3),
            38,
            "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached "
            "because only 2 broker(s) are registered or some brokers have all their log directories cordoned.",
        ),
        (NewTopic("x", configs=[("no.such", "1")]), 40, "Unknown topic config name: no.such"),
        (
            NewTopic("x", configs=[("retention.ms", None)]),
            40,
            "Null value not supported for topic configs: retention.ms",
        ),
        (NewTopic("x", configs=[("retention.ms", "soon")]), 40, None),
        (
            NewTopic("x", 1, -1, [(0, [1])]),
            42,
            "A manual partition assignment was specified, but numPartitions was not set to -1.",
        ),
        (
            NewTopic("x", -1, 1, [(0, [1])]),
            42,
            "A manual partition assignment was specified, but replication factor was not set to -1.",
        ),
        (
            NewTopic("x", assignments=[(1, [1])]),
            39,
            "partitions should be a consecutive 0-based integer sequence",
        ),
        (
            NewTopic("x", assignments=[(0, [1]), (0, [2])]),
            39,
            "Found multiple manual partition assignments for partition 0",
        ),
        (
            NewTopic("x", assignments=[(0, [9])]),
            39,
            "The manual partition assignment includes broker 9, but no such broker is registered.",
        ),
        (
            NewTopic("x", assignments=[(0, [1, 1])]),
            39,
            "The manual partition assignment includes the broker 1 more than once.",
        ),
        (NewTopic("x", assignments=[(0, [])]), 39, "The manual partition assignment includes an empty replica list."),
        (
            NewTopic("x", assignments=[(0, [1]), (1, [1, 2])]),
            39,
            "The manual partition assignment includes a partition with 2 replica(s), but this is not consistent with "
            "previous partitions, which have 1 replica(s).",
        ),
    ],
)
def test_a_topic_that_cannot_be_is_refused_in_kafkas_words(topic: NewTopic, code: int, message: str | None) -> None:
    life = Life(nodes=(1, 2))
    create(life, NewTopic("there"), NewTopic("over.there"))
    found, said = refusal(life, topic)
    assert found == code
    assert message is None or said == message


@pytest.mark.parametrize(
    "topics", [(NewTopic("a", 10_001),), (NewTopic("a", 6_000), NewTopic("b", 6_000)), (NewTopic("a", 2_147_483_647),)]
)
def test_a_request_makes_so_many_partitions_and_no_more(topics: tuple[NewTopic, ...]) -> None:
    life = Life()
    with pytest.raises(KafkaError) as caught:
        create(life, *topics)
    assert caught.value.code == ErrorCode.POLICY_VIOLATION
    create(life, NewTopic("orders", 1))
    with pytest.raises(KafkaError) as caught:
        life.ask(lambda ticket: CreatePartitions(ticket, [NewPartitions("orders", 20_000)]))
    assert caught.value.code == ErrorCode.POLICY_VIOLATION
    assert len(life.machine.by_name["orders"].partitions) == 1


def test_each_topic_of_a_request_stands_or_falls_alone() -> None:
    life = Life()
    outcomes = create(life, NewTopic("a"), NewTopic("b", 0), NewTopic("a.b"), NewTopic("a_b"))
    assert [isinstance(outcome, Topic) for outcome in outcomes] == [True, False, True, False]
    assert sorted(life.machine.by_name) == ["a", "a.b"]


def test_validation_alone_creates_nothing_and_answers_the_same() -> None:
    life = Life()
    (topic,) = create(life, NewTopic("a", 3, configs=[("retention.ms", "5")]), validate_only=True)
    assert (len(topic.partitions), topic.config["retention.ms"]) == (3, 5)
    assert life.written == 0
    assert life.machine.by_name == {}
    assert life.tasks == []


def test_a_manual_assignment_is_taken_as_it_is() -> None:
    life = Life(nodes=(1, 2, 3))
    (topic,) = create(life, NewTopic("a", assignments=[(1, [3, 1]), (0, [2, 3])]))
    assert [partition.replicas for partition in topic.partitions] == [[2, 3], [3, 1]]
    assert [partition.leader for partition in topic.partitions] == [2, 3]


def test_ensuring_a_topic_makes_it_once() -> None:
    life = Life()
    first = life.ask(lambda ticket: EnsureTopic(ticket, NewTopic("a", 5)))
    again = life.ask(lambda ticket: EnsureTopic(ticket, NewTopic("a", 7)))
    assert first.id == again.id
    assert len(again.partitions) == 5
    assert life.written == 0


# --- changing and deleting them -------------------------------------------------------------------------------------


def test_a_deleted_topic_leaves_its_name_free_and_its_id_used() -> None:
    life = Life()
    (topic,) = create(life, NewTopic("a.b"))
    (deleted,) = life.ask(lambda ticket: DeleteTopics(ticket, [topic.id]))
    assert deleted.name == "a.b"
    assert life.tasks == told(TopicDeleted(deleted))
    assert life.machine.by_id == {}
    (again,) = create(life, NewTopic("a_b"))
    assert again.id != topic.id


def test_deleting_twice_in_one_request_or_an_unknown_id_is_refused() -> None:
    life = Life()
    (topic,) = create(life, NewTopic("a"))
    outcomes = life.ask(lambda ticket: DeleteTopics(ticket, [topic.id, topic.id, bytes(16)]))
    assert [isinstance(outcome, Topic) for outcome in outcomes] == [True, False, False]
    assert {outcome.code for outcome in outcomes[1:]} == {ErrorCode.UNKNOWN_TOPIC_ID}
    assert life.written == 1


def grow(life: Life, new: NewPartitions, validate_only: bool = False) -> Any:
    (outcome,) = life.ask(lambda ticket: CreatePartitions(ticket, [new], validate_only))
    return outcome


def test_new_partitions_go_on_where_the_leaders_stopped_and_the_old_ones_stay() -> None:
    life = Life(nodes=(1, 2))
    (topic,) = create(life, NewTopic("a", 3, 1, configs=[("retention.ms", "5")]))
    before = list(life.machine.by_name["a"].partitions)
    grow(life, NewPartitions("a", 5))
    now = life.machine.by_name["a"]
    assert now.partitions[:3] == before
    assert [partition.leader for partition in now.partitions[3:]] == [2, 1]
    assert now.overrides == {"retention.ms": "5"}
    assert life.tasks == told(TopicGrown(now, 3))
    assert now.id == topic.id


@pytest.mark.parametrize(
    ("new", "code", "message"),
    [
        (NewPartitions("no", 5), 3, None),
        (NewPartitions("a", 3), 37, "Topic already has 3 partition(s)."),
        (NewPartitions("a", 2), 37, "The topic a currently has 3 partition(s); 2 would not be an increase."),
        (
            NewPartitions("a", 5, [[1]]),
            39,
            "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
        ),
        (NewPartitions("a", 4, [[9]]), 39, None),
        (NewPartitions("a", 4, [[1, 2]]), 39, None),
    ],
)
def test_partitions_that_cannot_be_added_are_refused(new: NewPartitions, code: int, message: str | None) -> None:
    life = Life(nodes=(1, 2))
    create(life, NewTopic("a", 3, 1))
    error = grow(life, new)
    assert isinstance(error, KafkaError)
    assert error.code == code
    assert message is None or error.message == message


def test_growth_can_be_validated_and_assigned_by_hand() -> None:
    life = Life(nodes=(1, 2))
    create(life, NewTopic("a", 1, 1))
    assert isinstance(grow(life, NewPartitions("a", 3), validate_only=True), Topic)
    assert life.written == 0
    grow(life, NewPartitions("a", 3, [[2], [2]]))
    assert [partition.leader for partition in life.machine.by_name["a"].partitions] == [1, 2, 2]


def test_configs_change_all_or_none_and_empty_the_memo() -> None:
    life = Life()
    create(life, NewTopic("a", configs=[("retention.ms", "5"), ("cleanup.policy", "compact")]))
    topic = life.machine.by_name["a"]
    topic.memo["metadata"] = object()
    configure(life, "a", {"retention.ms": None, "max.message.bytes": "7"})
    assert topic.overrides == {"cleanup.policy": "compact", "max.message.bytes": "7"}
    assert (topic.config["retention.ms"], topic.config["max.message.bytes"]) == (604_800_000, 7)
    assert topic.memo == {}
    assert life.tasks == told(TopicConfigured(topic))
    with pytest.raises(KafkaError) as caught:
        configure(life, "a", {"retention.ms": "1", "segment.bytes": "big"})
    assert caught.value.code is ErrorCode.INVALID_CONFIG
    assert "retention.ms" not in topic.overrides
    with pytest.raises(KafkaError):
        configure(life, "no", {})


def test_a_leader_moves_to_a_replica_in_sync_in_a_new_epoch() -> None:
    life = Life(nodes=(1, 2, 3))
    create(life, NewTopic("a", 1, 2))
    life.ask(lambda ticket: MoveLeader(ticket, "a", 0, 2))
    topic = life.machine.by_name["a"]
    assert (topic.partitions[0].leader, topic.partitions[0].leader_epoch) == (2, 1)
    assert topic.partitions[0].replicas == [1, 2]
    assert life.tasks == told(LeaderChanged(topic, 0))
    for leader, code in ((2, ErrorCode.ELECTION_NOT_NEEDED), (3, ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE)):
        with pytest.raises(KafkaError) as caught:
            life.ask(lambda ticket, to=leader: MoveLeader(ticket, "a", 0, to))  # type: ignore[misc]
        assert caught.value.code is code


# --- lives of a node ----------------------------------------------------------------------------------------------


def test_leader_epochs_stay_over_a_clean_stop_and_rise_by_one_after_an_unclean_one() -> None:
    life = Life()
    create(life, NewTopic("a", 2))
    assert set(life.epochs().values()) == {0}
    life.ask(Stop)
    life.boot()
    assert set(life.epochs().values()) == {0}
    life.boot()
    assert set(life.epochs().values()) == {1}
    create(life, NewTopic("b"))
    assert life.machine.by_name["b"].partitions[0].leader_epoch == 0
    life.boot()
    assert [life.machine.by_name[name].partitions[0].leader_epoch for name in "ab"] == [2, 1]
    configure(life, "a", {"retention.ms": "5"})
    assert life.machine.by_name["a"].partitions[0].leader_epoch == 2, "a rewritten record keeps the epoch in force"
    life.ask(Stop)
    life.boot()
    assert life.machine.by_name["a"].partitions[0].leader_epoch == 2


def test_risen_epochs_empty_the_memo() -> None:
    life = Life()
    create(life, NewTopic("a"))
    topic = life.machine.by_name["a"]
    topic.memo["metadata"] = object()
    life.ask(lambda ticket: Start(ticket, CLUSTER, {1: None}, {}))
    assert topic.partitions[0].leader_epoch == 1
    assert topic.memo == {}


def test_only_partitions_of_the_node_that_died_rise() -> None:
    life = Life(nodes=(1, 2))
    create(life, NewTopic("a", 2, 2))
    stopped = CatalogNodeValue(running=False, starts=1, unclean_stops=0, rack=None)
    life.write(Record(CatalogNodeKey(node_id=2), stopped))
    life.boot()
    assert [partition.leader_epoch for partition in life.machine.by_name["a"].partitions] == [1, 0]


def test_a_node_that_does_not_come_back_leaves_its_partitions_to_live_replicas() -> None:
    life = Life(nodes=(1, 2))
    create(life, NewTopic("shared", 2, 2), NewTopic("alone", assignments=[(0, [2])]))
    life.ask(Stop)
    life.boot(nodes=(1,))
    shared, alone = life.machine.by_name["shared"], life.machine.by_name["alone"]
    assert [(partition.leader, partition.leader_epoch) for partition in shared.partitions] == [(1, 0), (1, 1)]
    assert (alone.partitions[0].leader, alone.partitions[0].leader_epoch) == (2, 0)
    assert life.tasks == told(LeaderChanged(shared, 1))


def test_the_data_of_another_cluster_is_refused() -> None:
    life = Life()
    with pytest.raises(KafkaError) as caught:
        life.ask(lambda ticket: Start(ticket, "another", {1: None}, {}))
    assert caught.value.code is ErrorCode.INCONSISTENT_CLUSTER_ID


def test_the_features_epoch_grows_only_with_the_features_and_is_never_negative() -> None:
    life = Life()
    assert life.machine.features.epoch >= 0
    epochs = []
    for features in ({"a": 1}, {"a": 1}, {"a": 2}, {"a": 2, "b": 1}, {"a": 2, "b": 1}):
        life.ask(Stop)
        life.boot(features=features)
        assert life.machine.features.levels == features
        epochs.append(life.machine.features.epoch)
    assert [later - first for first, later in itertools.pairwise(epochs)] == [0, 1, 1, 0]


def test_producer_ids_come_from_blocks_and_a_restart_skips_the_rest() -> None:
    life = Life()
    assert [life.ask(NextProducerId) for _ in range(3)] == [0, 1, 2]
    assert life.written == 0
    rest = [life.ask(NextProducerId) for _ in range(998)]
    assert rest[-1] == 1000
    life.boot()
    assert life.ask(NextProducerId) == 2000


# --- in general -----------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "b.c", "b_c", "no!"])
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.lists(NAMES, min_size=1, max_size=3), st.integers(-1, 3), st.integers(-1, 3)),
        st.tuples(st.just("delete"), NAMES),
        st.tuples(st.just("grow"), NAMES, st.integers(1, 6)),
        st.tuples(st.just("configure"), NAMES, st.sampled_from([None, "1", "2", "x"])),
        st.tuples(st.just("move"), NAMES, st.integers(0, 2), st.integers(1, 3)),
        st.tuples(st.just("id")),
        st.tuples(st.just("crash")),
        st.tuples(st.just("restart"), st.sampled_from([(1,), (1, 2), (1, 2, 3)])),
    ),
    max_size=25,
)


@settings(max_examples=150)
@given(ACTIONS)
def test_in_any_life_a_replay_is_the_state_epochs_never_go_back_and_ids_come_once(actions: list[Any]) -> None:
    life = Life(nodes=(1, 2))
    epochs: dict[tuple[bytes, int], int] = {}
    ids: set[int] = set()
    for action in actions:
        try:
            match action:
                case ("create", names, count, factor):
                    create(life, *[NewTopic(name, count, factor) for name in names])
                case ("delete", name) if name in life.machine.by_name:
                    life.ask(lambda ticket, n=name: DeleteTopics(ticket, [life.machine.by_name[n].id]))  # type: ignore[misc]
                case ("grow", name, count):
                    grow(life, NewPartitions(name, count))
                case ("configure", name, value):
                    configure(life, name, {"retention.ms": value})
                case ("move", name, index, leader):
                    life.ask(lambda ticket, n=name, i=index, to=leader: MoveLeader(ticket, n, i, to))  # type: ignore[misc]
                case ("id",):
                    producer_id = life.ask(NextProducerId)
                    assert producer_id not in ids
                    ids.add(producer_id)
                case ("crash",):
                    before = life.epochs()
                    life.boot()
                    assert all(life.epochs()[key] == epoch + 1 for key, epoch in before.items() if leads(life, key))
                case ("restart", nodes):
                    life.ask(Stop)
                    life.boot(nodes=nodes)
        except KafkaError:
            assert life.written >= 0
        assert state(life.replayed()) == state(life.replayed(compacted=True)) == state(life.machine)
        now = life.epochs()
        assert all(now[key] >= epoch for key, epoch in epochs.items() if key in now)
        epochs = now


def leads(life: Life, key: tuple[bytes, int]) -> bool:
    """Whether a live node leads the partition: only those rise when all live nodes die."""
    return life.machine.by_id[key[0]].partitions[key[1]].leader in life.nodes
