"""The part of the machine that has share groups: which group an event is about, and what becomes of it.

A step that comes upon partitions whose state nobody keeps yet orders that they be initialized, and a member that joins
waits for that: so its first answer has its partitions already; unless assignments have to wait anyway, as they do in
Kafka (`group.share.assignment.interval.ms`). The order is a task; `SharesInitialized` is what came of
it. What has failed is ordered again with the next heartbeat.

`store` has the groups and changes when records are applied; a KafkaError means that nothing has happened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from kbroker.groups import events
from kbroker.groups.consumer.decisions import unknown_member
from kbroker.groups.history import What
from kbroker.groups.settings import Settings
from kbroker.groups.share.change import Change
from kbroker.groups.share.describe import describe, describe_missing
from kbroker.groups.share.group import Kept, ShareGroup, joined, without
from kbroker.groups.share.heartbeat import JOINING, answer, enter, left, remove, retarget, watch_session
from kbroker.groups.store import Store
from kbroker.groups.turn import Turn
from kbroker.machine import Ticket
from wire.errors import ErrorCode, KafkaError

UNKNOWN_START, FROM_THE_BEGINNING = -1, 0


class _Waiting(NamedTuple):
    """A member that has joined and waits for its partitions."""

    ticket: Ticket
    member_id: str
    settings: Settings


class Shares:
    def __init__(self, store: Store, is_taken: Callable[[str], bool]) -> None:
        self._store = store
        self._is_taken = is_taken  # does the name belong to a group, of whatever type?
        self._ordered: dict[str, Mapping[bytes, Kept]] = {}  # what is being initialized now, by group
        self._waiting: dict[str, list[_Waiting]] = {}

    def get(self, group_id: str) -> ShareGroup | None:
        return self._store.shares.get(group_id)

    # --- members ----------------------------------------------------------------------------------------------------

    def heartbeat(self, event: events.ShareHeartbeat, turn: Turn) -> None:
        request = event.request
        if request.member_epoch < JOINING:
            self._leave(event, turn)
            return
        joins = request.member_epoch == JOINING
        group = self.get(request.group_id)
        if group is None:
            if not joins or self._is_taken(request.group_id):
                raise self._missing(request.group_id, "Share group")
            group = ShareGroup(request.group_id)
        change = Change(group, turn)
        member = enter(change, event)
        self._initialize(change)
        if joins and group.id in self._ordered and not turn.settings.share_assignment_interval_ms:
            self._waiting.setdefault(group.id, []).append(_Waiting(event.ticket, member.id, turn.settings))
            return
        retarget(change)
        says_everything = joins or request.subscribed_topic_names is not None
        turn.answer(event.ticket, answer(change, member.id, says_everything))

    def _leave(self, event: events.ShareHeartbeat, turn: Turn) -> None:
        request = event.request
        group = self.get(request.group_id)
        if group is None:
            raise self._missing(request.group_id, "Group")
        if request.member_id not in group.members:
            raise unknown_member(request.member_id, group.id)
        turn.tell(group.id, What.LEFT, "on its own", request.member_id)
        self.remove(group, [request.member_id], turn)
        turn.answer(event.ticket, left(request.member_id))

    def _missing(self, group_id: str, kind: str) -> KafkaError:
        is_other = self._is_taken(group_id)
        text = f"Group {group_id} is not a share group." if is_other else f"{kind} {group_id} not found."
        return KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, text)

    def remove(self, group: ShareGroup, member_ids: Collection[str], turn: Turn) -> None:
        remove(Change(group, turn), member_ids)

    def session_expired(self, group: ShareGroup, event: events.SessionExpired, turn: Turn) -> None:
        if event.member_id in group.members:
            turn.tell(group.id, What.EXPIRED, f"silent for {event.timeout_ms} ms", event.member_id)
            self.remove(group, [event.member_id], turn)

    def loaded(self, turn: Turn) -> None:
        """The members cannot know that we were away: each gets a whole session."""
        for group in self._store.shares.values():
            for member_id in group.members:
                watch_session(group.id, member_id, turn)

    # --- keeping the state of partitions ----------------------------------------------------------------------------

    def _initialize(self, change: Change) -> None:
        """Order what is to be initialized and is not on its way yet. Partitions that a topic has got after the group
        began with it are read from their beginning, whatever `share.auto.offset.reset` says: nothing is missed.
        """
        missing = without(change.initializing, self._ordered.get(change.id, {}))
        if not missing:
            return
        self._ordered[change.id] = joined(self._ordered.get(change.id, {}), missing)
        starts = {
            topic_id: dict.fromkeys(
                sorted(kept.partitions), FROM_THE_BEGINNING if topic_id in change.initialized else UNKNOWN_START
            )
            for topic_id, kept in missing.items()
        }
        change.turn.tasks.append(events.InitializeShares(change.id, change.epoch, starts, missing))

    def initialized(self, event: events.SharesInitialized, turn: Turn) -> None:
        """Whoever waits for it is given what there is, also when it has failed."""
        left_over = without(self._ordered.pop(event.group_id, {}), event.topics)
        if left_over:
            self._ordered[event.group_id] = left_over
        group = self.get(event.group_id)
        if group is None:
            self._answer_waiting(event.group_id, None, turn)
            return
        change = Change(group, turn)
        if event.error is ErrorCode.NONE:
            done = without(event.topics, without(event.topics, change.initializing))
            if done:
                change.put_kept(without(change.initializing, done), joined(change.initialized, done))
                if change.epoch == change.target_epoch:
                    change.put_epoch(change.epoch + 1, change.fingerprint)
        if not left_over:
            self._answer_waiting(event.group_id, change, turn)

    def _answer_waiting(self, group_id: str, change: Change | None, turn: Turn) -> None:
        waiting = self._waiting.pop(group_id, [])
        for each in waiting:
            turn.settings = each.settings
            if change is None or each.member_id not in change.members:
                turn.answer(each.ticket, unknown_member(each.member_id, group_id))
            else:
                retarget(change)
                turn.answer(each.ticket, answer(change, each.member_id, True))

    def topics_deleted(self, successors: Mapping[str, bytes | None], turn: Turn) -> None:
        """The topics are gone: so is what was kept of their records."""
        for group in self._store.shares.values():
            gone = {
                topic_id: kept
                for topic_id, kept in joined(group.initializing, group.initialized).items()
                if kept.name in successors and successors[kept.name] != topic_id
            }
            if gone:
                Change(group, turn).put_kept(without(group.initializing, gone), without(group.initialized, gone))
                turn.tasks.append(events.ForgetShares(group.id, gone))

    # --- administration ---------------------------------------------------------------------------------------------

    def describe(self, event: events.DescribeShares, turn: Turn) -> None:
        group = self.get(event.group_id)
        if group is not None:
            turn.answer(event.ticket, describe(group, turn.metadata))
        else:
            error = self._missing(event.group_id, "Group")
            turn.answer(event.ticket, describe_missing(event.group_id, error.code, error.message))

    def topics(self, event: events.ShareTopics, turn: Turn) -> None:
        """The partitions whose state is kept."""
        group = self.get(event.group_id)
        turn.answer(event.ticket, {} if group is None else group.initialized)

    def alter(self, event: events.AlterShares, turn: Turn) -> None:
        """From where the group reads on. A group that is not there is made by this."""
        group = self.get(event.group_id)
        if group is None:
            if self._is_taken(event.group_id):
                raise self._missing(event.group_id, "Group")
            group = ShareGroup(event.group_id)
        change = self._vacant(group, turn)
        if not group.exists:
            change.put_epoch(change.epoch, change.fingerprint)
            change.put_target_epoch(change.epoch, 0)
        change.put_kept(without(change.initializing, event.topics), joined(change.initialized, event.topics))
        turn.tasks.append(events.InitializeShares(group.id, change.epoch, event.starts, event.topics, event.ticket))

    def altered(self, event: events.SharesAltered, turn: Turn) -> None:
        turn.answer(event.ticket, event.error)

    def forget(self, event: events.ForgetShareTopics, turn: Turn) -> None:
        group = self.get(event.group_id)
        if group is None:
            raise self._missing(event.group_id, "Group")
        change = self._vacant(group, turn)
        gone = {topic_id: kept for topic_id, kept in change.initialized.items() if topic_id in event.topic_ids}
        if gone:
            change.put_kept(without(change.initializing, gone), without(change.initialized, gone))
            turn.tasks.append(events.ForgetShares(group.id, gone))
        turn.answer(event.ticket, frozenset(gone))

    def _vacant(self, group: ShareGroup, turn: Turn) -> Change:
        if group.members:
            raise KafkaError(ErrorCode.NON_EMPTY_GROUP, "The group is not empty.")
        return Change(group, turn)

    def delete(self, group: ShareGroup, turn: Turn) -> ErrorCode:
        if group.members:
            return ErrorCode.NON_EMPTY_GROUP
        kept = joined(group.initializing, group.initialized)
        if kept:
            turn.tasks.append(events.ForgetShares(group.id, kept))
        Change(group, turn).forget()
        return ErrorCode.NONE
