"""What the catalog keeps besides topics: it is there after a restart, and after compaction."""

from typing import Any

import pytest

from kbroker.catalog.configs import SET, Alteration, ConfigChange
from kbroker.catalog.events import (
    AlterConfigs,
    AlterQuotas,
    AlterUsers,
    BrokersConfigured,
    CreateTopics,
    Elect,
    Reassign,
    Stop,
    TopicConfigured,
    UnregisterNode,
    UpdateFeatures,
)
from kbroker.catalog.features import SUPPORTED, UPGRADE, FeatureUpdate
from kbroker.catalog.moves import PREFERRED, UNCLEAN
from kbroker.catalog.quotas import QuotaAlteration, QuotaChange
from kbroker.catalog.state import BROKER, NewTopic
from kbroker.catalog.users import Upsertion
from tests.kbroker.catalog.support import Life, state, told
from wire.errors import ErrorCode, KafkaError


def configure(life: Life, name: str, config: str, value: str) -> None:
    alteration = Alteration(BROKER, name, [ConfigChange(config, SET, value)])
    assert life.ask(lambda ticket: AlterConfigs(ticket, [alteration])) == [None]


def test_broker_configs_are_in_force_after_a_restart_for_topics_too() -> None:
    life = Life()
    life.ask(lambda ticket: CreateTopics(ticket, [NewTopic("a")]))
    topic = life.machine.by_name["a"]
    configure(life, "", "message.max.bytes", "5000")
    assert life.tasks == told(TopicConfigured(topic), BrokersConfigured())
    assert life.written == 1
    configure(life, "1", "message.max.bytes", "6000")
    configure(life, "1", "message.max.bytes", "6000")
    assert (life.written, life.tasks) == (0, []), "what is as it was is no change"
    life.ask(Stop)
    life.boot()
    assert life.config["message.max.bytes"] == 6000
    assert life.machine.by_name["a"].config["max.message.bytes"] == 6000
    assert state(life.replayed()) == state(life.replayed(compacted=True)) == state(life.machine)


def test_users_quotas_and_features_are_there_after_a_restart() -> None:
    life = Life()
    life.ask(lambda ticket: AlterUsers(ticket, [], [Upsertion("u", 1, 4096, b"salt", b"salted")]))
    quota = QuotaAlteration((("client-id", None), ("user", "u")), [QuotaChange("producer_byte_rate", 5.0)])
    life.ask(lambda ticket: AlterQuotas(ticket, [quota]))
    life.ask(lambda ticket: UpdateFeatures(ticket, [FeatureUpdate("group.version", 1, UPGRADE)], SUPPORTED))
    before = life.machine
    life.ask(Stop)
    life.boot()
    assert life.machine.registers.users == before.registers.users != {}
    assert life.machine.registers.quotas == {quota.entity: {"producer_byte_rate": 5.0}}
    assert state(life.replayed()) == state(life.replayed(compacted=True)) == state(life.machine)


def test_a_level_that_was_set_stays_until_the_broker_brings_another() -> None:
    life = Life()
    life.boot(features={"metadata.version": 33, "transaction.version": 2})
    down = [FeatureUpdate("transaction.version", 0, 2)]
    life.ask(lambda ticket: UpdateFeatures(ticket, down, SUPPORTED))
    assert life.machine.features.levels == {"metadata.version": 33}
    life.boot(features={"metadata.version": 33, "transaction.version": 2})
    assert life.machine.features.levels == {"metadata.version": 33}
    life.boot(features={"metadata.version": 33, "transaction.version": 3})
    assert life.machine.features.levels == {"metadata.version": 33, "transaction.version": 3}


def test_a_node_that_is_forgotten_keeps_its_epochs_and_may_come_back() -> None:
    life = Life(nodes=(1, 2))
    life.ask(lambda ticket: CreateTopics(ticket, [NewTopic("a", assignments=[(0, [2])])]))
    life.boot()
    life.ask(Stop)
    life.boot(nodes=(1,))
    before = life.epochs()
    assert life.ask(lambda ticket: UnregisterNode(ticket, 2)) is None
    with pytest.raises(KafkaError) as caught:
        life.ask(lambda ticket: UnregisterNode(ticket, 2))
    assert caught.value.code is ErrorCode.BROKER_ID_NOT_REGISTERED
    assert state(life.replayed()) == state(life.replayed(compacted=True)) == state(life.machine)
    assert life.epochs() == before
    life.ask(Stop)
    life.boot(nodes=(1, 2))
    assert life.machine.nodes[2].registered
    assert life.epochs() == before


def elect(life: Life, kind: int) -> Any:
    (outcome,) = life.ask(lambda ticket: Elect(ticket, [("a", 0)], kind))
    return outcome


def test_where_nobody_in_sync_is_left_only_an_unclean_election_brings_a_leader() -> None:
    life = Life(nodes=(1, 2))
    life.ask(lambda ticket: CreateTopics(ticket, [NewTopic("a", assignments=[(0, [2, 1])])]))
    partition = life.machine.by_name["a"].partitions[0]
    partition.isr = [2]
    life.write(life.machine.record(life.machine.by_name["a"]))
    life.ask(Stop)
    life.boot(nodes=(1,))
    assert elect(life, PREFERRED).code is ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE
    assert elect(life, UNCLEAN) is None
    partition = life.machine.by_name["a"].partitions[0]
    assert (partition.leader, partition.leader_epoch, partition.isr) == (1, 1, [1])
    assert elect(life, UNCLEAN).code is ErrorCode.ELECTION_NOT_NEEDED


def test_moves_of_one_topic_are_one_record_and_one_after_another() -> None:
    life = Life(nodes=(1, 2, 3))
    life.ask(lambda ticket: CreateTopics(ticket, [NewTopic("a", assignments=[(0, [1]), (1, [1])])]))
    moves = [("a", 0, [2]), ("a", 1, [3]), ("a", 0, [3])]
    assert life.ask(lambda ticket: Reassign(ticket, moves)) == [None] * 3
    assert life.written == 1
    found = [(one.replicas, one.leader, one.leader_epoch) for one in life.machine.by_name["a"].partitions]
    assert found == [([3], 3, 2), ([3], 3, 1)]
