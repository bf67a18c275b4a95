"""The part of the machine that has streams groups: which group an event is about, and what becomes of it.

`store` has the groups and changes when records are applied; `classic` are the living groups of the classic protocol: an
empty one becomes a streams group when a member comes, one with members does not.
"""

from __future__ import annotations

from kbroker.groups import events
from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.consumer.migration import settle
from kbroker.groups.history import What
from kbroker.groups.records import forget_group
from kbroker.groups.store import Store
from kbroker.groups.streams.change import Change
from kbroker.groups.streams.describe import describe, describe_missing
from kbroker.groups.streams.group import StreamsGroup
from kbroker.groups.streams.heartbeat import (
    JOINING,
    LEAVING_FOR_A_WHILE,
    heartbeat,
    leave_for_a_while,
    leaver,
    left,
)
from kbroker.groups.streams.reconcile import NEW
from kbroker.groups.streams.states import MemberState
from kbroker.groups.streams.update import remove, retarget, watch_revocation, watch_session
from kbroker.groups.turn import Turn
from wire.errors import ErrorCode, KafkaError


class Streams:
    def __init__(self, store: Store, classic: dict[str, ClassicGroup]) -> None:
        self._store = store
        self._classic = classic
        self._delayed: set[str] = set()  # groups whose first assignment waits for company

    def heartbeat(self, event: events.StreamsHeartbeat, turn: Turn) -> None:
        request = event.request
        if request.member_epoch < JOINING:
            self._leave(event, turn)
            return
        change = self._enter(request.group_id, request.member_epoch == JOINING, turn)
        turn.answer(event.ticket, heartbeat(change, event, event.settings or turn.settings.streams))
        classic = self._classic.pop(request.group_id, None)
        if classic is not None:
            settle(classic, turn)

    def _enter(self, group_id: str, joins: bool, turn: Turn) -> Change:
        """The group that a member is in, or that it makes by joining: also out of an empty classic one."""
        group = self._store.streams.get(group_id)
        if group is not None:
            return Change(group, turn, self._delayed)
        classic = self._classic.get(group_id)
        if self._store.is_assigned(group_id) or (classic is not None and not (joins and classic.is_vacant)):
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a streams group.")
        if not joins:
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Streams group {group_id} not found.")
        if group_id in self._store.groups:
            forget_group(group_id, turn)
        return Change(StreamsGroup(group_id), turn, self._delayed)

    def _leave(self, event: events.StreamsHeartbeat, turn: Turn) -> None:
        request = event.request
        group = self._get(request.group_id)
        member_id = leaver(group, request)
        if request.shutdown_application:
            group.shutdown_by = group.shutdown_by or request.member_id
        change = Change(group, turn, self._delayed)
        if request.member_epoch == LEAVING_FOR_A_WHILE:
            turn.tell(group.id, What.LEFT, "for a while: its tasks wait for it", member_id)
            leave_for_a_while(change, member_id)
        else:
            turn.tell(group.id, What.LEFT, "on its own", member_id)
            remove(change, [member_id])
        turn.answer(event.ticket, left(request.member_id, request.member_epoch))

    def _get(self, group_id: str) -> StreamsGroup:
        group = self._store.streams.get(group_id)
        if group is None:
            is_other = group_id in self._classic or self._store.is_assigned(group_id)
            text = f"Group {group_id} " + ("is not a streams group." if is_other else "not found.")
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, text)
        return group

    # --- timers -----------------------------------------------------------------------------------------------------

    def session_expired(self, group: StreamsGroup, event: events.SessionExpired, turn: Turn) -> None:
        if event.member_id in group.members:
            turn.tell(group.id, What.EXPIRED, f"silent for {event.timeout_ms} ms", event.member_id)
            remove(Change(group, turn, self._delayed), [event.member_id])

    def rebalance_expired(self, group: StreamsGroup, event: events.RebalanceExpired, turn: Turn) -> None:
        """The member was told to give tasks up, and is still where it was then."""
        if event.member_id in group.members and group.currents.get(event.member_id, NEW).epoch == event.epoch:
            timeout_ms = group.members[event.member_id].rebalance_timeout_ms
            turn.tell(group.id, What.REMOVED, f"has not given up tasks within {timeout_ms} ms", event.member_id)
            remove(Change(group, turn, self._delayed), [event.member_id])

    def delay_over(self, event: events.StreamsDelayOver, turn: Turn) -> None:
        """Those that have come by now are given tasks. They hear of them with their next heartbeats."""
        self._delayed.discard(event.group_id)
        group = self._store.streams.get(event.group_id)
        if group is None or group.is_vacant or group.configured is None or group.epoch <= group.target_epoch:
            return
        retarget(Change(group, turn, self._delayed), group.configured, group.configs)

    def loaded(self, turn: Turn) -> None:
        """The members cannot know that we were away: each gets a whole session, and all its time to give things up."""
        for group in self._store.streams.values():
            change = Change(group, turn, self._delayed)
            for member in group.members.values():
                watch_session(group.id, member.id, turn.settings.streams.session_timeout_ms, turn)
                current = group.currents.get(member.id, NEW)
                if current.state is MemberState.UNREVOKED_TASKS:
                    watch_revocation(change, member.id, current)

    # --- administration ---------------------------------------------------------------------------------------------

    def describe(self, event: events.DescribeStreams, turn: Turn) -> None:
        group = self._store.streams.get(event.group_id)
        if group is not None:
            turn.answer(event.ticket, describe(group))
            return
        is_other = event.group_id in self._classic or self._store.is_assigned(event.group_id)
        text = f"Group {event.group_id} " + ("is not a streams group." if is_other else "not found.")
        turn.answer(event.ticket, describe_missing(event.group_id, ErrorCode.GROUP_ID_NOT_FOUND, text))
