"""Who leads when nodes go and come: in pure functions, and in the catalog's machine with its records."""

import pytest

from kbroker.catalog.events import (
    CreateTopics,
    LeaderChanged,
    MoveLeader,
    NodesChanged,
    RunNode,
    SetInSync,
)
from kbroker.catalog.outages import back, gone
from kbroker.catalog.state import NewTopic, PartitionState
from tests.kbroker.catalog.support import Life, state, told
from wire.errors import ErrorCode, KafkaError


def partition(leader: int, isr: list[int], epoch: int = 0) -> PartitionState:
    return PartitionState(leader, epoch, [1, 2, 3], isr)


Led = tuple[int, int, list[int]]


def without(state: PartitionState, node_id: int, live: set[int], *, unclean: bool = False) -> Led:
    found = gone(state, node_id, live, may_be_unclean=unclean)
    return found.leader, found.leader_epoch, found.isr


def with_(state: PartitionState, node_id: int, live: set[int], *, unclean: bool = False) -> Led:
    found = back(state, node_id, live, may_be_unclean=unclean)
    return found.leader, found.leader_epoch, found.isr


def test_a_follower_that_goes_leaves_the_in_sync_replicas_and_the_epoch_as_it_is() -> None:
    assert without(partition(1, [1, 2, 3]), 3, {1, 2}) == (1, 0, [1, 2])


def test_a_leader_that_goes_is_followed_by_the_first_live_replica_in_sync_in_a_new_epoch() -> None:
    assert without(partition(1, [1, 3]), 1, {2, 3}) == (3, 1, [3])


def test_the_last_one_in_sync_stays_so_and_nobody_leads() -> None:
    assert without(partition(1, [1]), 1, {2, 3}) == (-1, 1, [1])
    assert without(partition(-1, [1], 1), 2, {3}) == (-1, 1, [1]), "nothing has changed by that"


def test_with_unclean_elections_any_live_replica_leads_alone() -> None:
    assert without(partition(1, [1]), 1, {2, 3}, unclean=True) == (2, 1, [2])


def test_who_comes_back_is_in_sync_again_behind_a_leader() -> None:
    assert with_(partition(1, [1]), 2, {1, 2}) == (1, 0, [1, 2])


def test_who_comes_back_in_sync_leads_what_nobody_leads() -> None:
    assert with_(partition(-1, [2], 4), 2, {2}) == (2, 5, [2])
    assert with_(partition(-1, [2], 4), 1, {1}) == (-1, 4, [2]), "it misses records"
    assert with_(partition(-1, [2], 4), 1, {1}, unclean=True) == (1, 5, [1])


def test_who_comes_back_unnoticed_leads_on_in_a_new_epoch() -> None:
    assert with_(partition(1, [1, 2]), 1, {1, 2}) == (1, 1, [1, 2])


def test_the_catalog_moves_leaders_and_tells_of_nodes_first() -> None:
    life = Life(nodes=(1, 2, 3))
    life.ask(lambda ticket: CreateTopics(ticket, [NewTopic("a", 3, 3)]))
    topic = life.machine.by_name["a"]
    life.ask(lambda ticket: RunNode(ticket, 1, False))
    found = [(each.leader, each.leader_epoch, each.isr) for each in topic.partitions]
    assert found == [(2, 1, [2, 3]), (2, 0, [2, 3]), (3, 0, [3, 2])]
    assert life.tasks == told(NodesChanged([2, 3]), *[LeaderChanged(topic, index) for index in range(3)])
    assert life.machine.live == [2, 3]
    assert life.written == 2, "one record of the node, one of the topic"
    life.ask(lambda ticket: RunNode(ticket, 1, True))
    assert [(each.leader, sorted(each.isr)) for each in topic.partitions] == [(n, [1, 2, 3]) for n in (2, 2, 3)]
    assert state(life.replayed()) == state(life.replayed(compacted=True)) == state(life.machine)


def test_without_an_election_nobody_notices_until_one_is_asked_for() -> None:
    life = Life(nodes=(1, 2))
    life.ask(lambda ticket: CreateTopics(ticket, [NewTopic("a", 1, 2)]))
    topic = life.machine.by_name["a"]
    life.ask(lambda ticket: RunNode(ticket, 1, False, elects=False))
    assert (topic.partitions[0].leader, topic.partitions[0].isr) == (1, [1, 2])
    assert life.tasks == told(NodesChanged([2]), LeaderChanged(topic, 0))
    life.ask(lambda ticket: RunNode(ticket, 1, False))
    assert (topic.partitions[0].leader, topic.partitions[0].isr) == (2, [2])


def test_new_topics_go_to_nodes_that_are_away_too_and_are_led_by_others() -> None:
    life = Life(nodes=(1, 2, 3))
    life.ask(lambda ticket: RunNode(ticket, 1, False))
    life.ask(lambda ticket: CreateTopics(ticket, [NewTopic("a", 1, 3)]))
    (only,) = life.machine.by_name["a"].partitions
    assert (only.replicas, only.leader, only.isr) == ([1, 2, 3], 2, [2, 3])


def test_after_a_restart_of_the_process_all_of_its_nodes_are_live_and_in_sync() -> None:
    life = Life(nodes=(1, 2, 3))
    life.ask(lambda ticket: CreateTopics(ticket, [NewTopic("a", 1, 3)]))
    life.ask(lambda ticket: RunNode(ticket, 3, False))
    life.boot()
    (only,) = life.machine.by_name["a"].partitions
    assert (life.machine.live, set(only.isr)) == ([1, 2, 3], {1, 2, 3})


def test_a_partition_is_left_without_a_leader_and_gets_one_again() -> None:
    life = Life(nodes=(1, 2))
    life.ask(lambda ticket: CreateTopics(ticket, [NewTopic("a", 1, 2)]))
    (only,) = life.machine.by_name["a"].partitions
    for leader, epoch in ((-1, 1), (2, 2)):
        life.ask(lambda ticket, leader=leader: MoveLeader(ticket, "a", 0, leader))
        (only,) = life.machine.by_name["a"].partitions
        assert (only.leader, only.leader_epoch) == (leader, epoch)


@pytest.mark.parametrize(("isr", "message"), [([2], "leader"), ([1, 3], "no replica"), ([], "at least one")])
def test_in_sync_are_some_of_the_replicas_with_the_leader(isr: list[int], message: str) -> None:
    life = Life(nodes=(1, 2, 3))
    life.ask(lambda ticket: CreateTopics(ticket, [NewTopic("a", assignments=[(0, [1, 2])])]))
    with pytest.raises(KafkaError, match=message):
        life.ask(lambda ticket: SetInSync(ticket, "a", 0, isr))


def test_only_a_live_replica_in_sync_is_given_the_lead() -> None:
    life = Life(nodes=(1, 2))
    life.ask(lambda ticket: CreateTopics(ticket, [NewTopic("a", 1, 2)]))
    life.ask(lambda ticket: SetInSync(ticket, "a", 0, [1]))
    with pytest.raises(KafkaError) as caught:
        life.ask(lambda ticket: MoveLeader(ticket, "a", 0, 2))
    assert caught.value.code is ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE
