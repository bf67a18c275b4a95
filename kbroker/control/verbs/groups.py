"""Groups: how they stand, and waiting until they stand as a test wants them."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

from kbroker.catalog.state import GROUP
from kbroker.control import views
from kbroker.control.control import Control, accept, refusal
from kbroker.control.shapes import Committed, Group, GroupChange, GroupEvent
from kbroker.control.table import ControlError, verb
from kbroker.groups.events import Rebalance
from kbroker.groups.history import Happened
from kbroker.partitions.partition import Partition
from wire.batch import batches
from wire.errors import KafkaError
from wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from wire.messages.delete_groups import DeleteGroupsRequest
from wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest
from wire.messages.streams_group_heartbeat import StreamsGroupHeartbeatRequest
from wire.schema import Request

SET, DELETE = 0, 1
STABLE = "Stable"
LEAVES = -1  # the member epoch of who leaves (KIP-848)
READ_BYTES = 1 << 20
MOST_WAITING = 1000


async def _load(control: Control) -> None:
    """Coordinators that nobody has asked yet read their logs."""
    for runtime in list(control.cluster.groups.coordinators.all()):
        await runtime.load()


@verb
async def list_(control: Control) -> list[Group]:
    """All groups with their members, assignments and committed offsets."""
    await _load(control)
    return views.groups(control.cluster)


@verb
async def get(control: Control, group: str) -> Group:
    """One group: state, generation or epoch, members and what each of them has, committed offsets and lags."""
    await _load(control)
    found = views.group(control.cluster, group)
    if found is None:
        raise ControlError("missing", f"there is no group {group}")
    return found


@verb
async def history(control: Control, group: str) -> list[GroupEvent]:
    """The last 100 events of a group since the broker started, oldest first: who came and went, why, who waited."""
    return [_event(each) for each in control.cluster.groups.history(group)]


def _event(each: Happened) -> GroupEvent:
    return GroupEvent(each.at_ms, each.what.value, each.member, each.cause)


@verb
async def follow(control: Control, group: str | None = None) -> AsyncIterator[GroupChange]:
    """Every event of a group, or of all of them, from now on. Who listens too slowly misses the oldest."""
    waiting: deque[GroupChange] = deque(maxlen=MOST_WAITING)

    def heard(each: Happened) -> None:
        if group in (None, each.group_id):
            waiting.append(GroupChange(each.group_id, _event(each)))
            control.watch.tell()

    histories = control.cluster.groups.histories
    histories.heard.append(heard)
    try:
        while True:
            while waiting:
                yield waiting.popleft()
            await control.watch.next()
            if control.cluster.groups.histories is not histories:  # the broker has been reset
                histories = control.cluster.groups.histories
                histories.heard.append(heard)
    finally:
        histories.heard.remove(heard)


@verb
async def delete(control: Control, group: str) -> None:
    """Delete a group that has no members, with its offsets."""
    await _load(control)
    index = control.cluster.groups.coordinator(group)
    leader = views.coordinator_of(control.cluster, "__consumer_offsets", index)
    (result,) = (await control.ask(DeleteGroupsRequest(groups_names=[group]), max(0, leader))).results
    accept(result.error_code)


@verb
async def evict(control: Control, group: str, member: str) -> Group:
    """Put a member out of its group, by its member id, or all members of a client id. What it had goes to the others;
    it hears UNKNOWN_MEMBER_ID, and joins again if it likes."""
    found = await get(control, group)
    chosen = [each for each in found.members if member in (each.id, each.client_id)]
    if not chosen:
        known = ", ".join(f"{each.id} ({each.client_id})" for each in found.members) or "nobody"
        raise ControlError("missing", f"{member} is not in group {group}; there is {known}")
    if found.type == "classic":
        leaving = [MemberIdentity(member_id=each.id, group_instance_id=each.instance_id) for each in chosen]
        request = LeaveGroupRequest(group_id=group, member_id="", members=leaving)
        accept((await control.ask(request, found.coordinator)).error_code)
    else:
        for each in chosen:
            accept((await control.ask(_goodbye(found.type, group, each.id), found.coordinator)).error_code)
    return await get(control, group)


def _goodbye(type_: str, group: str, member: str) -> Request:
    """How a member of such a group says that it leaves."""
    if type_ == "share":
        return ShareGroupHeartbeatRequest(
            group_id=group, member_id=member, member_epoch=LEAVES, subscribed_topic_names=None
        )
    if type_ == "streams":
        return StreamsGroupHeartbeatRequest(
            group_id=group, member_id=member, member_epoch=LEAVES, endpoint_information_epoch=0
        )
    return ConsumerGroupHeartbeatRequest(group_id=group, member_id=member, member_epoch=LEAVES)


@verb
async def rebalance(control: Control, group: str) -> Group:
    """Let a group rebalance now, as if a member had come: classic members join again, others hear of the next epoch.
    Members find out with their next heartbeat."""
    return await _force(control, group, None)


@verb
async def assign(control: Control, group: str, assignment: dict[str, dict[str, list[int]]]) -> Group:
    """Let a group rebalance now, and its members get these partitions: by member id or client id, then by topic. Who
    is not named gets none. It holds until members, subscriptions or topics change. Not for streams groups, whose tasks
    are a matter of their topology."""
    found = await get(control, group)
    targets: dict[str, dict[tuple[str, bytes], frozenset[int]]] = {}
    taken: set[tuple[str, int]] = set()
    for who, topics in assignment.items():
        wanted = {_topic(control, name, indexes): frozenset(indexes) for name, indexes in topics.items()}
        twice = taken.intersection((name, index) for (name, _), indexes in wanted.items() for index in indexes)
        if twice and found.type != "share":
            name, index = min(twice)
            raise ControlError("argument", f"{name}-{index} cannot be for two members")
        taken.update((name, index) for (name, _), indexes in wanted.items() for index in indexes)
        targets[_member(found, who)] = wanted
    return await _force(control, group, targets)


def _member(group: Group, who: str) -> str:
    chosen = [each.id for each in group.members if who in (each.id, each.client_id)]
    if len(chosen) != 1:
        known = ", ".join(f"{each.id} ({each.client_id})" for each in group.members) or "nobody"
        what = "is not in" if not chosen else "stands for several members of"
        raise ControlError("missing", f"{who} {what} group {group.id}; there is {known}")
    return chosen[0]


def _topic(control: Control, name: str, indexes: list[int]) -> tuple[str, bytes]:
    topic = control.cluster.catalog.topic(name)
    beyond = [index for index in indexes if topic is not None and not 0 <= index < len(topic.partitions)]
    if topic is None or beyond:
        raise ControlError("missing", f"there is no {'topic ' + name if topic is None else f'{name}-{beyond[0]}'}")
    return name, topic.id


async def _force(
    control: Control, group: str, targets: dict[str, dict[tuple[str, bytes], frozenset[int]]] | None
) -> Group:
    await get(control, group)
    try:
        await control.cluster.groups.coordinators.of(group).ask(lambda ticket: Rebalance(ticket, group, targets))
    except KafkaError as error:
        raise refusal(error.code, error.message) from None
    return await get(control, group)


@verb
async def configure(control: Control, group: str, configs: dict[str, str | None]) -> None:
    """Set configs of a group, also of one that is not there yet: consumer.session.timeout.ms,
    share.record.lock.duration.ms, streams.num.standby.replicas ...; null takes one back."""
    changes = [
        AlterableConfig(name=each, config_operation=DELETE if value is None else SET, value=value)
        for each, value in configs.items()
    ]
    resource = AlterConfigsResource(resource_type=GROUP, resource_name=group, configs=changes)
    request = IncrementalAlterConfigsRequest(resources=[resource], validate_only=False)
    (result,) = (await control.ask(request)).responses
    accept(result.error_code, result.error_message)


@verb
async def wait_assigned(control: Control, group: str, members: int = 1, timeout: float = 10.0) -> Group:
    """Wait until a group is stable, with at least so many members, and every partition of the topics that they
    subscribe to belongs to one of them."""
    await _load(control)

    async def look() -> Group | None:
        found = views.group(control.cluster, group)
        if found is None or found.state != STABLE or len(found.members) < members:
            return None
        return None if _missing(control, found) or not any(member.assigned for member in found.members) else found

    def seen() -> str:
        found = views.group(control.cluster, group)
        if found is None:
            return f"there is no group {group}; there are {_names(control)}"
        missing = _missing(control, found)
        rest = f"; nobody has {', '.join(missing)}" if missing else ""
        return f"{_words(found)}{rest} (wanted: Stable with {members} or more, all partitions assigned)"

    return await control.watch.until(look, seen, timeout)


@verb
async def wait_empty(control: Control, group: str, timeout: float = 10.0) -> Group:
    """Wait until a group has no members any more."""
    await _load(control)

    async def look() -> Group | None:
        found = views.group(control.cluster, group)
        return found if found is not None and not found.members else None

    def seen() -> str:
        found = views.group(control.cluster, group)
        return f"there is no group {group}" if found is None else _words(found)

    return await control.watch.until(look, seen, timeout)


@verb
async def wait_consumed(
    control: Control, group: str, topic: str | None = None, timeout: float = 10.0
) -> list[Committed]:
    """Wait until a group has committed the ends of all partitions: of the named topic, or of all topics that it has
    offsets in or subscribes to. Only records count: a marker of a transaction behind the last one need not be
    committed."""
    await _load(control)

    def topics() -> list[str]:
        if topic is not None:
            return [topic]
        found = views.group(control.cluster, group)
        if found is None:
            return []
        names = {each.topic for each in found.offsets}
        return sorted(names.union(*[member.topics for member in found.members]))

    async def look() -> list[Committed] | None:
        found = views.group(control.cluster, group)
        names = topics()
        if found is None or not names or any(control.cluster.catalog.topic(name) is None for name in names):
            return None
        offsets = {(each.topic, each.partition): each for each in found.offsets}
        for partition in _partitions(control, names):
            committed = offsets.get(_key(partition))
            if await _has_more(partition, 0 if committed is None else committed.offset):
                return None
        return [each for each in found.offsets if each.topic in names]

    def seen() -> str:
        found = views.group(control.cluster, group)
        if found is None:
            return f"there is no group {group}; there are {_names(control)}"
        offsets = {(each.topic, each.partition): each.offset for each in found.offsets}
        rows = []
        for partition in _partitions(control, topics()):
            at = offsets.get(_key(partition), "nothing")
            rows.append(f"{partition.name} committed {at} of {partition.high_watermark}")
        return f"{_words(found)}; {', '.join(rows) or 'it has no offsets and subscribes to no topic that exists'}"

    return await control.watch.until(look, seen, timeout, lambda: _partitions(control, topics()))


async def _has_more(partition: Partition, offset: int) -> bool:
    """Whether a reader of committed records who has come this far has any of them before it."""
    await partition.ready()
    offset, end = max(offset, partition.log_start), partition.last_stable_offset
    while offset < end:
        chunk = await partition.read(offset, READ_BYTES, end)
        if any(not batch.is_control for buffer in chunk.buffers for batch in batches(buffer)):
            return True
        if chunk.next_offset <= offset:
            break
        offset = chunk.next_offset
    return False


def _partitions(control: Control, names: list[str]) -> list[Partition]:
    found = [control.cluster.catalog.topic(name) for name in names]
    return [
        control.cluster.partitions.open(topic, index)
        for topic in found
        if topic is not None
        for index in range(len(topic.partitions))
    ]


def _missing(control: Control, group: Group) -> list[str]:
    """Partitions that somebody subscribes to and nobody has."""
    taken = {(each.topic, each.partition) for member in group.members for each in member.assigned}
    wanted = sorted({name for member in group.members for name in member.topics})
    return [each.name for each in _partitions(control, wanted) if _key(each) not in taken]


def _key(partition: Partition) -> tuple[str, int]:
    name, _, index = partition.name.rpartition("-")
    return name, int(index)


def _words(group: Group) -> str:
    has = [f"{each.client_id} has {len(each.assigned)}" for each in group.members]
    return f"group {group.id} is {group.state} in {group.epoch} with {len(has)} members ({', '.join(has) or 'none'})"


def _names(control: Control) -> str:
    return ", ".join(each.id for each in views.groups(control.cluster)) or "none"
