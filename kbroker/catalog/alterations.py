"""Changes to what is there: configs of any resource, replicas and leaders of partitions.

Each item of a question stands or falls alone. The rules are pure (`configs`, `moves`); here they meet the machine's
state and become records and changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kbroker.catalog import configs, moves
from kbroker.catalog.events import AlterConfigs, BrokersConfigured, Elect, LeaderChanged, Reassign, TopicConfigured
from kbroker.catalog.state import BROKER, TOPIC, PartitionState
from kbroker.machine import Batch, Effects, Record, Reply, Ticket
from kbroker.topic_config import TopicConfig
from wire.durable.catalog import CatalogConfig, CatalogConfigKey, CatalogConfigValue
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.catalog.machine import CatalogMachine


def decide(machine: CatalogMachine, event: AlterConfigs | Reassign | Elect) -> Effects:
    if isinstance(event, AlterConfigs):
        return alter_configs(machine, event)
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
