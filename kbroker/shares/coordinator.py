"""Shares, the facade: the share partitions that members fetch, their sessions, and where the state is kept.

The keeper of a share partition is the machine of a partition of `__share_group_state`, found by the name
"group:topic id:partition" (kbroker/coordinators.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from kbroker.coordinators import Coordinators, Logs, Topics
from kbroker.runtime import Runtime
from kbroker.shares.sessions import Owner, Sessions
from kbroker.shares.settings import GroupSettings
from wire.durable.codec import SHARE_STATE
from wire.errors import ErrorCode, KafkaError
from wire.primitives import uuid_text

if TYPE_CHECKING:
    from kbroker.machine import Ticket
    from kbroker.machine_log import MachineLog
    from kbroker.shares.acknowledge import Given
    from kbroker.shares.kept import Kept, Key
    from kbroker.shares.machine import ShareStateMachine
    from kbroker.shares.partition import Log, SharePartition
    from kbroker.world import World

STATE_TOPIC = "__share_group_state"


class Surroundings(Protocol):
    """What is needed of the rest of the broker."""

    def ensure_state_topic(self) -> asyncio.Future[Any]: ...

    def prune(self, index: int, before: int) -> object:
        """Nothing below this offset of the state topic's partition is needed any more."""

    def group_settings(self, group_id: str) -> GroupSettings: ...

    def give_up(self, key: Key, given: Sequence[Given], settings: GroupSettings) -> asyncio.Future[None] | None:
        """Records that nobody could process. Done when whoever wants to know of them does."""


def name_of(key: Key) -> str:
    group_id, topic_id, index = key
    return f"{group_id}:{uuid_text(topic_id)}:{index}"


class Shares:
    """One for the process."""

    def __init__(
        self, config: Mapping[str, Any], world: World, topics: Topics, logs: Logs, surroundings: Surroundings
    ) -> None:
        self._config = config
        self.world = world
        self._surroundings = surroundings
        self.coordinators: Coordinators[ShareStateMachine] = Coordinators(
            STATE_TOPIC, config["share.coordinator.state.topic.num.partitions"], topics, logs, self._begin
        )
        self.sessions = Sessions(config["group.share.max.share.sessions"])
        self._partitions: dict[Key, SharePartition] = {}
        topics.subscribe(self._changed)

    def coordinator(self, name: str) -> int:
        """The partition of `__share_group_state` whose leader keeps the state of the share partition of this name."""
        return self.coordinators.place(name)

    # --- share partitions -------------------------------------------------------------------------------------------

    def partition(self, key: Key, log: Log) -> SharePartition:
        """The one that is at work, or a new one; `log` is led by whoever asks."""
        found = self._partitions.get(key)
        if found is not None and not found.is_void and found.leader_epoch == log.leader_epoch:
            return found
        from kbroker.shares.partition import SharePartition

        if found is not None:
            found.void()
        settings = partial(self._surroundings.group_settings, key[0])
        found = SharePartition(key, log, partial(self.ask, key), self.world, settings, self._given)
        self._partitions[key] = found
        return found

    def working(self, key: Key) -> SharePartition | None:
        """The one that is at work, if there is one that has read its state."""
        found = self._partitions.get(key)
        return found if found is not None and found.is_open else None

    def settings(self, group_id: str) -> GroupSettings:
        return self._surroundings.group_settings(group_id)

    def _given(self, given_by: SharePartition, given: Sequence[Given]) -> asyncio.Future[None] | None:
        return self._surroundings.give_up(given_by.key, given, self._surroundings.group_settings(given_by.key[0]))

    # --- sessions ---------------------------------------------------------------------------------------------------

    def end_session(self, owner: Owner) -> list[asyncio.Future[None]]:
        """What the member still holds is to be had again; done when that is kept."""
        session = self.sessions.end(owner)
        keeping: list[asyncio.Future[None]] = []
        if session is not None:
            for topic_id, index in session.touched:
                working = self.working((owner.group_id, topic_id, index))
                kept = None if working is None else working.release(owner.member_id)
                if kept is not None:
                    keeping.append(kept)
        return keeping

    def disconnected(self, connection_id: int) -> None:
        for owner in self.sessions.of_connection(connection_id):
            self.end_session(owner)

    # --- what is kept -----------------------------------------------------------------------------------------------

    def ask(self, key: Key, make_event: Callable[[Ticket], object]) -> asyncio.Future[Any]:
        """Step an event in the machine that keeps this share partition."""
        return self.coordinators.of(name_of(key)).ask(make_event)

    def initialize(
        self, group_id: str, epoch: int, starts: Mapping[bytes, Mapping[int, int]]
    ) -> asyncio.Future[ErrorCode]:
        """Begin anew with these partitions of a group, from these offsets on. Answers the first error."""
        answer: asyncio.Future[ErrorCode] = self.world.future()
        self.world.spawn(self._initialize(group_id, epoch, starts, answer))
        return answer

    async def _initialize(
        self, group_id: str, epoch: int, starts: Mapping[bytes, Mapping[int, int]], answer: asyncio.Future[ErrorCode]
    ) -> None:
        from kbroker.shares.events import Initialize

        code = ErrorCode.NONE
        try:
            await self._surroundings.ensure_state_topic()
            asking = []
            for topic_id, offsets in starts.items():
                for index, start in offsets.items():
                    key = (group_id, topic_id, index)
                    self._void(key)
                    asking.append(self.ask(key, partial(Initialize, key=key, state_epoch=epoch, start=start)))
            for asked in asking:
                await asked
        except KafkaError as error:
            code = error.code
        if not answer.done():
            answer.set_result(code)

    def forget(self, group_id: str, topics: Mapping[bytes, Collection[int]]) -> None:
        """Nothing of these partitions need be kept any more. What fails is left lying until it is begun anew."""
        from kbroker.shares.events import Forget

        for topic_id, indexes in topics.items():
            for index in indexes:
                key = (group_id, topic_id, index)
                self._void(key)
                try:
                    asked = self.ask(key, partial(Forget, key=key))
                except KafkaError:
                    continue
                asked.add_done_callback(_heard)

    def summary(self, key: Key) -> asyncio.Future[Kept | None]:
        """What is kept of a share partition, for those who only look."""
        from kbroker.shares.events import ReadSummary

        return self.ask(key, partial(ReadSummary, key=key))

    def _void(self, key: Key) -> None:
        found = self._partitions.pop(key, None)
        if found is not None:
            found.void()

    async def stop(self) -> None:
        for found in self._partitions.values():
            found.void()
        await self.coordinators.stop()

    def _begin(self, log: MachineLog, epoch: int) -> Runtime[ShareStateMachine]:
        from kbroker.shares.machine import Settings, ShareStateMachine

        settings = Settings.of(self._config)
        return Runtime(
            lambda: ShareStateMachine(settings),
            log,
            self.world,
            types=SHARE_STATE,
            error=ErrorCode.NOT_COORDINATOR,
            run_task=self._prune,
        )

    def _prune(self, task: Any) -> None:
        self._surroundings.prune(self.coordinators.place(name_of(task.key)), task.before)

    def _changed(self, change: Any) -> None:
        """A topic has been made, deleted or moved: whoever leads a partition now begins from what is kept."""
        for key, found in list(self._partitions.items()):
            if key[1] == change.topic.id and found.log.leader_epoch != found.leader_epoch:
                self._void(key)


def _heard(done: asyncio.Future[Any]) -> None:
    """Nobody need be waiting."""
    if not done.cancelled():
        done.exception()
