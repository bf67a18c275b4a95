"""Changes to what is there: configs of any resource, replicas and leaders of partitions, nodes that go and come.

Each item of a question stands or falls alone. The rules are pure (`configs`, `moves`, `outages`); here they meet the
machine's state and become records and changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kbroker.catalog import configs, moves, outages
from kbroker.catalog.events import (
    AlterConfigs,
    BrokersConfigured,
    Elect,
    LeaderChanged,
    MoveLeader,
    NodesChanged,
    Reassign,
    RunNode,
    SetInSync,
    TopicConfigured,
)
from kbroker.catalog.state import BROKER, TOPIC, PartitionState
from kbroker.machine import Batch, Effects, Marker, Record, Reply, Ticket
from kbroker.topic_config import TopicConfig
from wire.durable.catalog import CatalogConfig, CatalogConfigKey, CatalogConfigValue, CatalogNodeKey, CatalogNodeValue
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.catalog.machine import CatalogMachine


Event = AlterConfigs | Elect | MoveLeader | Reassign | RunNode | SetInSync


def decide(machine: CatalogMachine, event: Event) -> Effects:
    if isinstance(event, AlterConfigs):
        return alter_configs(machine, event)
    if isinstance(event, RunNode):
        return run_node(machine, event)
    if isinstance(event, MoveLeader | SetInSync):
        return change_one(machine, event)
    return reassign(machine, event) if isinstance(event, Reassign) else elect(machine, event)


def alter_configs(machine: CatalogMachine, event: AlterConfigs) -> Effects:
    effects = Effects()
    answers: list[KafkaError | None] = []
    for alteration in event.alterations:
        try:
            _alter(machine, alteration, effects, event.validate_only)
        except KafkaError as error:
            answers.append(error)
        else:
            answers.append(None)
    effects.replies.append(Reply(event.ticket, answers))
    return effects


def _alter(
    machine: CatalogMachine, alteration: configs.Alteration, effects: Effects, validate_only: bool
) -> None:
    kind, name = alteration.kind, alteration.name
    topic = machine.by_name.get(name) if kind == TOPIC else None
    if kind == TOPIC and topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist.")
    inherited = TopicConfig({}, machine.config).text if kind == TOPIC else machine.config.text
    before = machine.overrides(kind, name)
    after = configs.altered(alteration, before, inherited, machine.config)
    if after == before or validate_only:
        return
    if topic is not None:
        effects.batches.append(Batch([machine.record(topic, overrides=after)]))
        effects.tasks.append(TopicConfigured(topic))
        return
    value = CatalogConfigValue(configs=[CatalogConfig(name=one, value=text) for one, text in after.items()])
    key = CatalogConfigKey(resource_type=kind, resource_name=name)
    effects.batches.append(Batch([Record(key, value if after else None)]))
    if kind == BROKER:
        effects.tasks += [*map(TopicConfigured, machine.sorted_topics()), BrokersConfigured()]


def reassign(machine: CatalogMachine, event: Reassign) -> Effects:
    def decide(state: PartitionState, replicas: Sequence[int] | None) -> PartitionState:
        return moves.reassigned(state, replicas, machine.live, may_change_count=event.may_change_count)

    unknown = "Unable to find a topic named {}.", "Unable to find partition {}:{}."
    return _move(machine, event.ticket, event.moves, decide, unknown)


def elect(machine: CatalogMachine, event: Elect) -> Effects:
    def decide(state: PartitionState, _: None) -> PartitionState:
        return moves.elected(state, event.election_type, machine.live)

    wanted = [(name, index, None) for name, index in event.partitions]
    unknown = "No such topic as {}", "No such partition as {}-{}"
    return _move(machine, event.ticket, wanted, decide, unknown)


def change_one(machine: CatalogMachine, event: MoveLeader | SetInSync) -> Effects:
    """A partition gets another leader, or other in-sync replicas."""
    topic = machine.by_name.get(event.name)
    if topic is None or not 0 <= event.partition < len(topic.partitions):
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    partitions = list(topic.partitions)
    state = partitions[event.partition]
    if isinstance(event, MoveLeader):
        state = outages.led_by(state, event.leader, machine.live)
    else:
        state = outages.in_sync(state, event.in_sync)
    partitions[event.partition] = state
    return Effects(
        [Batch([machine.record(topic, partitions=partitions)])],
        [Reply(event.ticket, topic)],
        tasks=[LeaderChanged(topic, event.partition)],
    )


def run_node(machine: CatalogMachine, event: RunNode) -> Effects:
    """The node's record, and those of the topics that it concerns."""
    node_id, before = event.node_id, machine.nodes[event.node_id]
    starts = before.starts + (event.running and not before.running)
    value = CatalogNodeValue(running=event.running, starts=starts, unclean_stops=before.unclean_stops, rack=before.rack)
    live = [each for each in machine.here if (event.running if each == node_id else each in machine.live)]
    batches: list[Batch | Marker] = [Batch([Record(CatalogNodeKey(node_id=node_id), value)])]
    changes: list[object] = [NodesChanged(live)]
    decide = outages.back if event.running else outages.gone
    for topic in machine.sorted_topics():
        unclean: bool = topic.config["unclean.leader.election.enable"]
        moved = list(topic.partitions)
        if event.elects:
            moved = [decide(partition, node_id, live, may_be_unclean=unclean) for partition in moved]
        for at, (new, old) in enumerate(zip(moved, topic.partitions, strict=True)):
            if new != old or node_id == old.leader:
                changes.append(LeaderChanged(topic, at))
        if moved != topic.partitions:
            batches.append(Batch([machine.record(topic, partitions=moved)]))
    return Effects(batches, [Reply(event.ticket, None)], tasks=changes)


def _move(
    machine: CatalogMachine,
    ticket: Ticket,
    wanted: Sequence[tuple[str, int, Any]],
    decide: Callable[[PartitionState, Any], PartitionState],
    unknown: tuple[str, str],
) -> Effects:
    """Partitions become what `decide` makes of them, each for itself. One record for each topic that changes."""
    changed: dict[str, list[PartitionState]] = {}
    tasks: list[object] = []
    answers: list[KafkaError | None] = []
    for name, index, how in wanted:
        topic = machine.by_name.get(name)
        try:
            if topic is None:
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, unknown[0].format(name))
            partitions = changed.get(name) or list(topic.partitions)
            if not 0 <= index < len(partitions):
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, unknown[1].format(name, index))
            moved = decide(partitions[index], how)
        except KafkaError as error:
            answers.append(error)
            continue
        answers.append(None)
        if moved != partitions[index]:
            partitions[index] = moved
            changed[name] = partitions
            tasks.append(LeaderChanged(topic, index))
    records = [machine.record(machine.by_name[name], partitions=partitions) for name, partitions in changed.items()]
    return Effects([Batch([record]) for record in records], [Reply(ticket, answers)], tasks=tasks)
