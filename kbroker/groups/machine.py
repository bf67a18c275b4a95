"""All groups of one partition of `__consumer_offsets`, as one machine: routes each event to the part that decides.

`store` is durable and changes by `apply` alone; `groups` are alive and made from it at `Loaded`. A group exists as
long as the log knows of it: its metadata, or an offset. A JoinGroup that makes one leaves a record at once, so that
it does not vanish with a restart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kbroker.groups import events
from kbroker.groups.classic.describe import describe, describe_dead, describe_other, summary
from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.classic.heartbeat import heartbeat
from kbroker.groups.classic.join import join
from kbroker.groups.classic.leave import answer, leave
from kbroker.groups.classic.rebalance import (
    complete,
    initial_delay_over,
    not_joined,
    rebalance,
    session_expired,
    sync_phase_over,
    touch,
)
from kbroker.groups.classic.states import State
from kbroker.groups.classic.sync import sync
from kbroker.groups.consumer.describe import summary as consumer_summary
from kbroker.groups.consumer.group import ConsumerGroup
from kbroker.groups.consumer.metadata import NO_TOPICS
from kbroker.groups.consumer.part import Consumers
from kbroker.groups.history import What
from kbroker.groups.offsets import commit, expiry, removal, transactional
from kbroker.groups.offsets.fetch import fetch
from kbroker.groups.records import forget_offsets, write_group
from kbroker.groups.settings import Settings
from kbroker.groups.share.describe import summary as share_summary
from kbroker.groups.share.part import Shares
from kbroker.groups.store import Assigned, Store
from kbroker.groups.streams.describe import summary as streams_summary
from kbroker.groups.streams.group import StreamsGroup
from kbroker.groups.streams.part import Streams
from kbroker.groups.turn import Dice, Turn
from kbroker.machine import Effects, Loaded, Marker, Origin, Record
from wire.errors import ErrorCode, KafkaError
from wire.messages.heartbeat import HeartbeatResponse
from wire.messages.leave_group import LeaveGroupResponse
from wire.messages.list_groups import ListedGroup
from wire.messages.sync_group import SyncGroupResponse
from wire.schema import maker

_CHECK = "offsets"

_heartbeat_response = maker(HeartbeatResponse)


class GroupsMachine:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store()
        self.groups: dict[str, ClassicGroup] = {}
        self.consumers = Consumers(self.store, self.groups)
        self.streams = Streams(self.store, self.groups)
        self.shares = Shares(self.store, self._is_taken)
        self.metadata = NO_TOPICS
        self._admissions = transactional.Admissions()
        self._next_check: int | None = None  # when the timer for expired offsets rings
        self._dispatch: dict[type, Callable[[Any, Turn], None]] = {
            Loaded: self._loaded,
            events.Join: self._join,
            events.Sync: self._sync,
            events.Heartbeat: self._heartbeat,
            events.Leave: self._leave,
            events.ConsumerHeartbeat: self._consumer_heartbeat,
            events.DescribeConsumers: self.consumers.describe,
            events.StreamsHeartbeat: self._streams_heartbeat,
            events.DescribeStreams: self.streams.describe,
            events.StreamsDelayOver: self.streams.delay_over,
            events.ShareHeartbeat: self._share_heartbeat,
            events.SharesInitialized: self.shares.initialized,
            events.SharesAltered: self.shares.altered,
            events.DescribeShares: self.shares.describe,
            events.ShareTopics: self.shares.topics,
            events.AlterShares: self.shares.alter,
            events.ForgetShareTopics: self.shares.forget,
            events.TopicsSeen: self._topics_seen,
            events.Rebalance: self._rebalance,
            events.Describe: self._describe,
            events.ListAll: self._list,
            events.Delete: self._delete,
            events.CommitOffsets: self._commit,
            events.CommitInTransaction: self._commit_in_transaction,
            events.Admitted: self._admitted,
            events.EndTransaction: self._end_transaction,
            events.FetchOffsets: self._fetch,
            events.DeleteOffsets: self._delete_offsets,
            events.TopicsDeleted: self._topics_deleted,
            events.SessionExpired: self._session_expired,
            events.RebalanceExpired: self._rebalance_expired,
            events.InitialDelayOver: self._initial_delay_over,
            events.JoinPhaseOver: self._join_phase_over,
            events.SyncPhaseOver: self._sync_phase_over,
            events.OffsetsCheck: self._offsets_check,
        }

    def step(self, event: object, now: int, rng: Dice) -> Effects:
        turn = Turn(now, rng, self.settings, self.metadata)
        self._dispatch[type(event)](event, turn)
        return turn.effects()

    def apply(self, record: Record, origin: Origin) -> None:
        self.store.apply(record, origin)

    def apply_marker(self, marker: Marker, origin: Origin) -> None:
        self.store.apply_marker(marker)

    # --- members ----------------------------------------------------------------------------------------------------

    def _join(self, event: events.Join, turn: Turn) -> None:
        request = event.request
        if request.group_id in self.store.shares:
            turn.answer(event.ticket, not_joined("", ErrorCode.INCONSISTENT_GROUP_PROTOCOL))
            return
        other = self.store.assigned(request.group_id)
        if other is not None:
            if other.members:
                self._join_assigned(other, event, turn)
                return
            if not request.member_id:
                removal.forget(other, turn)
        group = self.groups.get(request.group_id)
        if group is None:
            if request.member_id:
                turn.answer(event.ticket, not_joined(request.member_id, ErrorCode.UNKNOWN_MEMBER_ID))
                return
            group = self._make(request.group_id, turn)
            write_group(group, turn)
        join(group, event, turn)
        self._look_for_expiry(group, turn)

    def _join_assigned(self, group: Assigned, event: events.Join, turn: Turn) -> None:
        """Only consumers can be in one group with both protocols."""
        if isinstance(group, ConsumerGroup):
            self.consumers.join(group, event, turn)
        else:
            turn.answer(event.ticket, not_joined("", ErrorCode.INCONSISTENT_GROUP_PROTOCOL))

    def _sync(self, event: events.Sync, turn: Turn) -> None:
        consumers = self.store.consumers.get(event.request.group_id)
        if consumers is not None:
            self.consumers.sync(consumers, event, turn)
            return
        group = self.groups.get(event.request.group_id)
        if group is None:
            code = ErrorCode.UNKNOWN_MEMBER_ID
            turn.answer(event.ticket, SyncGroupResponse(error_code=code, assignment=b""))
        else:
            sync(group, event, turn)

    def _heartbeat(self, event: events.Heartbeat, turn: Turn) -> None:
        consumers = self.store.consumers.get(event.request.group_id)
        if consumers is not None:
            self.consumers.classic_heartbeat(consumers, event, turn)
            return
        group = self.groups.get(event.request.group_id)
        code = ErrorCode.UNKNOWN_MEMBER_ID if group is None else heartbeat(group, event.request, turn)
        turn.answer(event.ticket, _heartbeat_response(error_code=code))

    def _leave(self, event: events.Leave, turn: Turn) -> None:
        consumers = self.store.consumers.get(event.request.group_id)
        if consumers is not None:
            self.consumers.leave(consumers, event, turn)
            self._check_soon(turn)
            return
        group = self.groups.get(event.request.group_id)
        leaving = event.request.members
        if group is None:
            members = [answer(member, ErrorCode.UNKNOWN_MEMBER_ID) for member in leaving]
            turn.answer(event.ticket, LeaveGroupResponse(error_code=ErrorCode.NONE, members=members))
        else:
            turn.answer(event.ticket, leave(group, leaving, turn))
            self._look_for_expiry(group, turn)

    def _consumer_heartbeat(self, event: events.ConsumerHeartbeat, turn: Turn) -> None:
        if event.settings is not None:
            turn.settings = event.settings
        self.consumers.heartbeat(event, turn)
        if event.request.member_epoch < 0:
            self._check_soon(turn)

    def _streams_heartbeat(self, event: events.StreamsHeartbeat, turn: Turn) -> None:
        self.streams.heartbeat(event, turn)
        if event.request.member_epoch < 0:
            self._check_soon(turn)

    def _share_heartbeat(self, event: events.ShareHeartbeat, turn: Turn) -> None:
        if event.settings is not None:
            turn.settings = event.settings
        self.shares.heartbeat(event, turn)

    def _topics_seen(self, event: events.TopicsSeen, turn: Turn) -> None:
        self.metadata = event.metadata

    # --- administration ---------------------------------------------------------------------------------------------

    def _rebalance(self, event: events.Rebalance, turn: Turn) -> None:
        from kbroker.groups.forced import force  # hardly ever needed

        group = self._find(event.group_id) or self.store.shares.get(event.group_id)
        if group is None:
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {event.group_id} not found.")
        force(group, event.targets, turn)
        turn.answer(event.ticket, None)

    def _describe(self, event: events.Describe, turn: Turn) -> None:
        group = self.groups.get(event.group_id)
        if group is not None:
            turn.answer(event.ticket, describe(group))
        elif self._is_taken(event.group_id):
            turn.answer(event.ticket, describe_other(event.group_id))
        else:
            turn.answer(event.ticket, describe_dead(event.group_id))

    def _list(self, event: events.ListAll, turn: Turn) -> None:
        states = {state.lower() for state in event.states}
        types = {kind.lower() for kind in event.types}
        listed: list[ListedGroup] = [summary(group) for group in self.groups.values()]
        listed += [consumer_summary(group) for group in self.store.consumers.values()]
        listed += [streams_summary(group) for group in self.store.streams.values()]
        listed += [share_summary(group) for group in self.store.shares.values()]
        turn.answer(
            event.ticket,
            [
                each
                for each in listed
                if (not states or each.group_state.lower() in states) and (not types or each.group_type in types)
            ],
        )

    def _delete(self, event: events.Delete, turn: Turn) -> None:
        shares = self.store.shares.get(event.group_id)
        if shares is not None:
            turn.answer(event.ticket, self.shares.delete(shares, turn))
            return
        group = self._find(event.group_id)
        code = ErrorCode.GROUP_ID_NOT_FOUND if group is None else removal.delete_group(self.store, group, turn)
        if code is ErrorCode.NONE:
            self.groups.pop(event.group_id, None)
            turn.tell(event.group_id, What.GONE, "deleted")
        turn.answer(event.ticket, code)

    # --- offsets ----------------------------------------------------------------------------------------------------

    def _commit(self, event: events.CommitOffsets, turn: Turn) -> None:
        request = event.request
        if request.group_id in self.store.shares:
            turn.answer(event.ticket, commit.refuse(request, ErrorCode.GROUP_ID_NOT_FOUND))
            return
        assigned = self.store.assigned(request.group_id)
        if assigned is not None:
            turn.answer(event.ticket, commit.commit_of_assigned(assigned, event, turn))
            self._check_at(turn.now + self.settings.offsets_retention_ms, turn)
            return
        group = self.groups.get(request.group_id)
        if group is None:
            if request.generation_id_or_member_epoch >= 0:
                turn.answer(event.ticket, commit.refuse(request, event.unknown_group))
                return
            group = ClassicGroup(request.group_id, turn.now)
        turn.answer(event.ticket, commit.commit(group, request, turn))
        if turn.records:
            self.groups[group.id] = group
            self._check_at(turn.now + self.settings.offsets_retention_ms, turn)
            if request.retention_time_ms >= 0:
                self._check_at(turn.now + request.retention_time_ms, turn)

    def _commit_in_transaction(self, event: events.CommitInTransaction, turn: Turn) -> None:
        if self.store.is_open(event.producer):
            self._take_in_transaction(event, turn)
        else:
            self._admissions.ask(event, turn)

    def _admitted(self, event: events.Admitted, turn: Turn) -> None:
        asker = self._admissions.answered(event.question)
        if asker is None:
            return
        if event.error:
            turn.answer(asker.ticket, commit.refuse(asker.request, transactional.refusal(asker, event.error)))
        else:
            self._take_in_transaction(asker, turn)

    def _take_in_transaction(self, event: events.CommitInTransaction, turn: Turn) -> None:
        if event.group_id in self.store.shares:
            turn.answer(event.ticket, commit.refuse(event.request, event.unknown_group))
            return
        assigned = self.store.assigned(event.group_id)
        if assigned is not None:
            turn.answer(event.ticket, transactional.commit_of_assigned(assigned, event, turn))
            return
        group = self.groups.get(event.group_id)
        if group is None:
            if event.request.generation_id_or_member_epoch >= 0:
                turn.answer(event.ticket, commit.refuse(event.request, event.unknown_group))
                return
            group = ClassicGroup(event.group_id, turn.now)
        turn.answer(event.ticket, transactional.commit(group, event, turn))
        if turn.records:
            self.groups[group.id] = group

    def _end_transaction(self, event: events.EndTransaction, turn: Turn) -> None:
        marker = event.marker
        self._admissions.ended(marker.producer, turn)
        for group_id in transactional.left_behind(self.store, marker.producer, marker.committed):
            self.groups.pop(group_id, None)
            turn.tell(group_id, What.GONE, "its only offsets were part of a transaction that has been aborted")
        turn.markers.append(marker)
        if marker.committed and marker.producer.id in self.store.undecided:
            self._check_at(turn.now + self.settings.offsets_retention_ms, turn)
        turn.answer(event.ticket, None)

    def _fetch(self, event: events.FetchOffsets, turn: Turn) -> None:
        turn.answer(event.ticket, fetch(self.store, event))

    def _delete_offsets(self, event: events.DeleteOffsets, turn: Turn) -> None:
        group = self._find(event.request.group_id)
        if group is None:
            turn.answer(event.ticket, removal.refuse(ErrorCode.GROUP_ID_NOT_FOUND))
        else:
            turn.answer(event.ticket, removal.delete_offsets(self.store, group, event.request, turn))
            if turn.records:
                self._check_soon(turn)

    def _topics_deleted(self, event: events.TopicsDeleted, turn: Turn) -> None:
        removal.forget_topics(self.store, event.successors, turn)
        self.shares.topics_deleted(event.successors, turn)
        if turn.records:
            self._check_soon(turn)

    # --- timers -----------------------------------------------------------------------------------------------------

    def _session_expired(self, event: events.SessionExpired, turn: Turn) -> None:
        assigned = self.store.assigned(event.group_id)
        if assigned is not None:
            if isinstance(assigned, StreamsGroup):
                self.streams.session_expired(assigned, event, turn)
            else:
                self.consumers.session_expired(assigned, event, turn)
            self._check_soon(turn)
            return
        shares = self.store.shares.get(event.group_id)
        if shares is not None:
            self.shares.session_expired(shares, event, turn)
            return
        group = self.groups.get(event.group_id)
        if group is not None:
            session_expired(group, event.member_id, turn)
            self._look_for_expiry(group, turn)

    def _rebalance_expired(self, event: events.RebalanceExpired, turn: Turn) -> None:
        streams = self.store.streams.get(event.group_id)
        if streams is not None:
            self.streams.rebalance_expired(streams, event, turn)
        else:
            self.consumers.rebalance_expired(event, turn)
        self._check_soon(turn)

    def _initial_delay_over(self, event: events.InitialDelayOver, turn: Turn) -> None:
        group = self.groups.get(event.group_id)
        if group is not None:
            initial_delay_over(group, event, turn)
            self._look_for_expiry(group, turn)

    def _join_phase_over(self, event: events.JoinPhaseOver, turn: Turn) -> None:
        group = self.groups.get(event.group_id)
        if group is not None:
            complete(group, turn)
            self._look_for_expiry(group, turn)

    def _sync_phase_over(self, event: events.SyncPhaseOver, turn: Turn) -> None:
        group = self.groups.get(event.group_id)
        if group is not None:
            sync_phase_over(group, event, turn)
            self._look_for_expiry(group, turn)

    def _offsets_check(self, event: events.OffsetsCheck, turn: Turn) -> None:
        self._next_check = None
        for group in self._all():
            partitions, is_over = expiry.expired(self.store, group, turn.now, self.settings)
            forget_offsets(group.id, partitions, turn)
            if is_over:
                removal.forget(group, turn)
                self.groups.pop(group.id, None)
                turn.tell(group.id, What.GONE, "nobody is in it, and it has no offsets any more")
        at = expiry.next_check(self.store, self._all(), turn.now, self.settings)
        if at is not None:
            self._check_at(at, turn)

    # --- making and keeping groups ----------------------------------------------------------------------------------

    def _is_taken(self, group_id: str) -> bool:
        """Does the name belong to a group, of whatever type?"""
        return self._find(group_id) is not None or group_id in self.store.shares

    def _find(self, group_id: str) -> ClassicGroup | Assigned | None:
        return self.groups.get(group_id) or self.store.assigned(group_id)

    def _all(self) -> list[ClassicGroup | Assigned]:
        return [*self.groups.values(), *self.store.all_assigned()]

    def _make(self, group_id: str, turn: Turn) -> ClassicGroup:
        group = self.groups[group_id] = ClassicGroup(group_id, turn.now)
        return group

    def _loaded(self, event: Loaded, turn: Turn) -> None:
        """The members cannot know that we were away: each gets a whole session from now."""
        self.consumers.loaded(turn)
        self.streams.loaded(turn)
        self.shares.loaded(turn)
        for group_id in self.store.group_ids():
            if self.store.assigned(group_id) is not None:
                continue
            group = ClassicGroup.of(group_id, self.store.groups.get(group_id), turn.now)
            self.groups[group_id] = group
            for member in group.members.values():
                touch(group, member, turn)
            if len(group.members) > self.settings.max_size:
                rebalance(group, turn)
        at = expiry.next_check(self.store, self._all(), turn.now, self.settings)
        if at is not None:
            self._check_at(at, turn)

    def _look_for_expiry(self, group: ClassicGroup, turn: Turn) -> None:
        """An empty group and its offsets expire by and by: see to it that somebody looks."""
        if group.state is State.EMPTY:
            has_offsets = group.id in self.store.offsets
            self._check_at(turn.now + (self.settings.offsets_retention_ms if has_offsets else 1), turn)

    def _check_soon(self, turn: Turn) -> None:
        self._check_at(turn.now + 1, turn)

    def _check_at(self, at: int, turn: Turn) -> None:
        if self._next_check is not None and at >= self._next_check:
            return
        at = expiry.round_up(at, self.settings.offsets_check_interval_ms)
        if self._next_check is None or at < self._next_check:
            self._next_check = at
            turn.set_timer(_CHECK, at, events.OffsetsCheck())
