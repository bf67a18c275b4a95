"""The part of the machine that has consumer groups: which group an event is about, what type it has, and what it
becomes.

`store` has the groups and changes when records are applied; `classic` are the living groups of the other protocol,
which a step may change, but only once it is sure to succeed: a KafkaError means that nothing has happened.
"""

from __future__ import annotations

from collections.abc import Collection

from kbroker.groups import events
from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.classic.rebalance import not_joined, rebalance
from kbroker.groups.consumer import classic as members
from kbroker.groups.consumer.change import Change
from kbroker.groups.consumer.decisions import fenced_instance, unknown_instance, unknown_member
from kbroker.groups.consumer.describe import describe, describe_missing
from kbroker.groups.consumer.group import ConsumerGroup
from kbroker.groups.consumer.heartbeat import (
    JOINING,
    LEAVING_FOR_A_WHILE,
    heartbeat,
    leave_for_a_while,
    leaver,
    left,
    sign_of_life,
)
from kbroker.groups.consumer.migration import downgrade, may_upgrade, must_downgrade, settle, upgrade
from kbroker.groups.consumer.reconcile import NEW
from kbroker.groups.consumer.states import MemberState
from kbroker.groups.consumer.update import remove, watch_revocation, watch_session
from kbroker.groups.history import What, because
from kbroker.groups.records import forget_group
from kbroker.groups.store import Store
from kbroker.groups.turn import Turn
from wire.errors import ErrorCode, KafkaError
from wire.messages.heartbeat import HeartbeatResponse
from wire.messages.leave_group import LeaveGroupResponse, MemberIdentity, MemberResponse
from wire.messages.sync_group import SyncGroupResponse


class Consumers:
    def __init__(self, store: Store, classic: dict[str, ClassicGroup]) -> None:
        self._store = store
        self._classic = classic

    def get(self, group_id: str) -> ConsumerGroup | None:
        return self._store.consumers.get(group_id)

    # --- members of the new protocol --------------------------------------------------------------------------------

    def heartbeat(self, event: events.ConsumerHeartbeat, turn: Turn) -> None:
        request = event.request
        if request.member_epoch < JOINING:
            self._leave(event, turn)
            return
        classic = self._classic.get(request.group_id)
        group = self._store.consumers.get(request.group_id)
        if group is not None and (response := sign_of_life(group, event, turn)) is not None:
            turn.answer(event.ticket, response)
            return
        change = self._enter(request.group_id, request.member_epoch == JOINING, turn)
        turn.answer(event.ticket, heartbeat(change, event))
        if classic is not None:
            settle(classic, turn)
            del self._classic[request.group_id]

    def _enter(self, group_id: str, joins: bool, turn: Turn) -> Change:
        """The group that a member is in, or that it makes by joining; a classic one, if it may become one of ours."""
        group = self.get(group_id)
        if group is not None:
            return Change(group, turn)
        if self._store.is_assigned(group_id):
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a consumer group.")
        classic = self._classic.get(group_id)
        if not joins or (classic is not None and not classic.is_vacant and not may_upgrade(classic, turn)):
            kind = "not found" if classic is None else "is not a consumer group"
            raise KafkaError(
                ErrorCode.GROUP_ID_NOT_FOUND,
                f"Consumer group {group_id} not found." if classic is None else f"Group {group_id} {kind}.",
            )
        if classic is None:
            return Change(ConsumerGroup(group_id), turn)
        if group_id in self._store.groups:
            forget_group(group_id, turn)
        if classic.is_vacant:
            return Change(ConsumerGroup(group_id), turn)
        turn.tell(group_id, What.TYPE, "from classic to consumer: a member speaks the new protocol")
        change = upgrade(classic, turn)
        if change is None:
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a consumer group.")
        return change

    def _leave(self, event: events.ConsumerHeartbeat, turn: Turn) -> None:
        request = event.request
        group = self.get(request.group_id)
        if group is None:
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {request.group_id} not found.")
        member_id = leaver(group, request)
        if request.member_epoch == LEAVING_FOR_A_WHILE:
            turn.tell(group.id, What.LEFT, "for a while: its partitions wait for it", member_id)
            leave_for_a_while(Change(group, turn), member_id)
        else:
            turn.tell(group.id, What.LEFT, "on its own", member_id)
            self.remove(group, [member_id], turn)
        turn.answer(event.ticket, left(request.member_id, request.member_epoch))

    def remove(self, group: ConsumerGroup, member_ids: Collection[str], turn: Turn) -> None:
        change = Change(group, turn)
        if must_downgrade(change, member_ids):
            turn.tell(group.id, What.TYPE, "from consumer to classic: all that are left speak the classic protocol")
            classic = self._classic[group.id] = downgrade(change, member_ids)
            rebalance(classic, turn)
        else:
            remove(change, member_ids)

    # --- members of the classic protocol ----------------------------------------------------------------------------

    def join(self, group: ConsumerGroup, event: events.Join, turn: Turn) -> None:
        change = Change(group, turn)
        try:
            response = members.join(change, event)
        except KafkaError as error:
            turn.answer(event.ticket, not_joined(event.request.member_id, error.code))
            return
        if must_downgrade(change, ()):
            # A static member of the new protocol has come back with the classic one, and was the last of its kind.
            classic = self._classic[group.id] = downgrade(change, ())
            classic.park(classic.members[response.member_id], event.ticket)
            rebalance(classic, turn)
            return
        turn.answer(event.ticket, response)

    def sync(self, group: ConsumerGroup, event: events.Sync, turn: Turn) -> None:
        try:
            turn.answer(event.ticket, members.sync(group, event.request, turn))
        except KafkaError as error:
            turn.answer(event.ticket, SyncGroupResponse(error_code=error.code, assignment=b""))

    def classic_heartbeat(self, group: ConsumerGroup, event: events.Heartbeat, turn: Turn) -> None:
        try:
            code = members.heartbeat(group, event.request, turn)
        except KafkaError as error:
            code = error.code
        turn.answer(event.ticket, HeartbeatResponse(error_code=code))

    def leave(self, group: ConsumerGroup, event: events.Leave, turn: Turn) -> None:
        """LeaveGroup: also an administrator's way to remove members, of either protocol."""
        answers = []
        leaving: dict[str, None] = {}
        for each in event.request.members:
            code = ErrorCode.NONE
            try:
                member_id = _named(group, each)
                if member_id not in leaving:
                    turn.tell(group.id, What.LEFT, because(each.reason), member_id)
                leaving[member_id] = None
            except KafkaError as error:
                code = error.code
            answers.append(
                MemberResponse(member_id=each.member_id, group_instance_id=each.group_instance_id, error_code=code)
            )
        if leaving:
            self.remove(group, leaving, turn)
        turn.answer(event.ticket, LeaveGroupResponse(error_code=ErrorCode.NONE, members=answers))

    # --- timers -----------------------------------------------------------------------------------------------------

    def session_expired(self, group: ConsumerGroup, event: events.SessionExpired, turn: Turn) -> None:
        if event.member_id in group.members:
            turn.tell(group.id, What.EXPIRED, f"silent for {event.timeout_ms} ms", event.member_id)
            self.remove(group, [event.member_id], turn)

    def rebalance_expired(self, event: events.RebalanceExpired, turn: Turn) -> None:
        """The member was told to do something, and is still where it was then."""
        group = self.get(event.group_id)
        if group is None or event.member_id not in group.members:
            return
        if group.currents.get(event.member_id, NEW).epoch == event.epoch:
            timeout_ms = group.members[event.member_id].rebalance_timeout_ms
            turn.tell(group.id, What.REMOVED, f"has not done what it was told within {timeout_ms} ms", event.member_id)
            self.remove(group, [event.member_id], turn)

    def loaded(self, turn: Turn) -> None:
        """The members cannot know that we were away: each gets a whole session, and all its time to give things up."""
        for group in self._store.consumers.values():
            change = Change(group, turn)
            for member in group.members.values():
                classic = member.classic
                timeout_ms = (
                    turn.settings.consumer_session_timeout_ms if classic is None else classic.session_timeout_ms
                )
                watch_session(group.id, member.id, timeout_ms, turn)
                current = group.currents.get(member.id, NEW)
                if current.state is MemberState.UNREVOKED_PARTITIONS:
                    watch_revocation(change, member.id, current)

    # --- administration ---------------------------------------------------------------------------------------------

    def describe(self, event: events.DescribeConsumers, turn: Turn) -> None:
        group = self.get(event.group_id)
        if group is not None:
            turn.answer(event.ticket, describe(group, turn))
            return
        known = event.group_id in self._classic or self._store.is_assigned(event.group_id)
        text = f"Group {event.group_id} " + ("is not a consumer group." if known else "not found.")
        turn.answer(event.ticket, describe_missing(event.group_id, ErrorCode.GROUP_ID_NOT_FOUND, text))


def _named(group: ConsumerGroup, each: MemberIdentity) -> str:
    member_id, instance_id = each.member_id, each.group_instance_id
    if instance_id is not None:
        holder = group.instances.get(instance_id)
        if holder is None:
            raise unknown_instance(instance_id)
        if member_id and holder != member_id:
            raise fenced_instance(member_id, instance_id, holder)
        return holder
    if member_id not in group.members:
        raise unknown_member(member_id, group.id)
    return member_id
