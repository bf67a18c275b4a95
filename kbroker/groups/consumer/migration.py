"""A group changes its type: a classic one becomes a consumer group, or the other way round.

empty       whoever comes first decides: the records of the other type are forgotten
to consumer a member of the new protocol joins a classic group of consumers (`group.consumer.migration.policy`):
            generation -> epoch, assignments -> targets. Everyone keeps what they have, and learns of the change by
            a REBALANCE_IN_PROGRESS
to classic  the last member of the new protocol leaves such a group: epoch -> generation, targets -> assignments,
            and a rebalance begins, in which a leader is found
"""

from __future__ import annotations

from collections.abc import Collection

from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.classic.member import Member as ClassicMember
from kbroker.groups.classic.rebalance import arm, refuse_join, refuse_sync
from kbroker.groups.classic.states import State
from kbroker.groups.consumer.assignment import NOTHING_HELD
from kbroker.groups.consumer.change import Change
from kbroker.groups.consumer.classic import by_id, serialize
from kbroker.groups.consumer.group import ConsumerGroup
from kbroker.groups.consumer.member import Classic, Member
from kbroker.groups.consumer.reconcile import Current
from kbroker.groups.consumer.states import MemberState
from kbroker.groups.consumer.update import unwatch, watch_session
from kbroker.groups.records import write_group
from kbroker.groups.subscription import CONSUMER, read_assignment, read_subscription, version_of
from kbroker.groups.turn import Turn
from wire.errors import ErrorCode


def may_upgrade(group: ClassicGroup, turn: Turn) -> bool:
    return (
        turn.settings.may_upgrade
        and group.protocol_type == CONSUMER
        and len(group.members) <= turn.settings.consumer_max_size
    )


def upgrade(group: ClassicGroup, turn: Turn) -> Change | None:
    """The classic group as a consumer group. None: what its members have told cannot be read, and nothing is done.

    Whoever is parked is to join again, into what the group has become; `settle` says so.
    """
    made = ConsumerGroup(group.id)
    change = Change(made, turn)
    before = len(turn.records)
    members: list[Member] = []
    held: list[dict[bytes, frozenset[int]]] = []
    for each in group.members.values():
        subscription = read_subscription(each.metadata(group.protocol) or each.protocols[0][1])
        assigned = read_assignment(each.assignment)
        if subscription is None or assigned is None:
            return None
        members.append(
            Member(
                each.id,
                each.instance_id,
                subscription.rack_id,
                each.client_id,
                each.client_host,
                tuple(sorted(set(subscription.topics))),
                "",
                each.rebalance_timeout_ms,
                None,
                Classic(each.session_timeout_ms, each.protocols),
            )
        )
        held.append(by_id(assigned, turn.metadata))
    epoch = group.generation
    for member in members:
        change.put_member(member)
    change.put_epoch(epoch, turn.metadata.fingerprint({topic for member in members for topic in member.topics}))
    change.put_targets({member.id: mine for member, mine in zip(members, held, strict=True)})
    change.put_target_epoch(epoch, 0)
    for member, mine in zip(members, held, strict=True):
        assigned_since = {topic_id: dict.fromkeys(indexes, epoch) for topic_id, indexes in mine.items()}
        change.put_current(member.id, Current(epoch, epoch, MemberState.STABLE, assigned_since, NOTHING_HELD))
        assert member.classic is not None
        watch_session(change.id, member.id, member.classic.session_timeout_ms, turn)
    for record in turn.records[before:]:
        made.apply(record, turn.now)  # whoever joins in this very step must find taken what is taken
    return Change(made, turn)


def settle(group: ClassicGroup, turn: Turn) -> None:
    """The classic group is one no more: nobody waits in it, and its timers do not ring."""
    for each in group.members.values():
        refuse_join(group, each, ErrorCode.REBALANCE_IN_PROGRESS, turn, each.id)
        refuse_sync(each, ErrorCode.REBALANCE_IN_PROGRESS, turn)
    for member_id in group.pending:
        turn.cancel_timer(("session", group.id, member_id))
    turn.cancel_timer(("join", group.id))
    turn.cancel_timer(("sync", group.id))


def must_downgrade(change: Change, leaving: Collection[str]) -> bool:
    """Will there be nobody left but members of the classic protocol?"""
    staying = [member for member in change.members.values() if member.id not in leaving]
    return (
        bool(staying)
        and all(member.classic is not None for member in staying)
        and change.turn.settings.may_downgrade
        and len(staying) <= change.turn.settings.max_size
    )


def downgrade(change: Change, leaving: Collection[str]) -> ClassicGroup:
    """The group as a classic one, Stable. The caller begins the rebalance."""
    turn = change.turn
    staying = [member for member in change.members.values() if member.id not in leaving]
    group = ClassicGroup(change.id, turn.now)
    group.generation = change.epoch
    group.protocol_type = CONSUMER
    for member in staying:
        assert member.classic is not None
        version = version_of(member.classic.protocols[0][1])
        group.add(
            ClassicMember(
                member.id,
                member.instance_id,
                member.client_id,
                member.client_host,
                member.rebalance_timeout_ms,
                member.classic.session_timeout_ms,
                member.classic.protocols,
                serialize(change.target(member.id), version, turn.metadata),
            )
        )
    for member_id in change.members:
        unwatch(change, member_id)
    change.forget()
    group.choose_protocol()
    group.state = group.came_from = State.STABLE
    group.learn_subscriptions()
    for each in group.members.values():
        each.deadline = turn.now + each.session_timeout_ms
        arm(group, each, turn)
    write_group(group, turn)
    return group
