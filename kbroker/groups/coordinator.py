"""Groups, the facade: finds the machine that a group lives in (kbroker/coordinators.py), and does what it asks for.

Offsets go with their topics. A machine that is loaded hears of a deletion; one that is not finds out when it is: by
then the name may belong to another topic, which the topic ids tell apart.

Consumer and streams groups are assigned here, so their machines must know the topics: they get a picture of them with
the first question that may need one, and a new one with the first after a change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from kbroker.coordinators import Coordinators, Logs
from kbroker.groups.consumer.metadata import Metadata, TopicPicture
from kbroker.groups.history import Happened, Histories
from kbroker.groups.settings import Settings
from kbroker.groups.streams.making import InternalTopics, TopicMaker
from kbroker.groups.topics import Admission, AllTopics, ShareStates, everybody, nobody_makes_topics
from kbroker.machine import Ticket
from kbroker.runtime import Runtime
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.context import Context
    from kbroker.groups.events import Admit, InitializeShares
    from kbroker.groups.machine import GroupsMachine
    from kbroker.machine import Marker
    from kbroker.machine_log import MachineLog
    from kbroker.world import World

OFFSETS_TOPIC = "__consumer_offsets"


class _Told:
    """An asker that passes on whether it went well."""

    __slots__ = ("_told",)

    def __init__(self, told: Callable[[Exception | None], object]) -> None:
        self._told = told

    def answer(self, response: Any) -> None:
        self._told(response if isinstance(response, Exception) else None)


class Groups:
    """One for the process. `ask` answers for the node that was asked: only the coordinator of a group knows it."""

    share_states: Callable[[], ShareStates]
    """Where the state of share groups' partitions is kept."""

    def __init__(
        self,
        config: Mapping[str, Any],
        world: World,
        topics: AllTopics,
        logs: Logs,
        admit: Admission = everybody,
        make_topics: TopicMaker = nobody_makes_topics,
    ) -> None:
        self.settings = Settings.of(config)
        self._world = world
        self._topics = topics
        self._admit = admit
        self.internal_topics = InternalTopics(make_topics, world.time_ms)
        self.histories = Histories()
        self.coordinators: Coordinators[GroupsMachine] = Coordinators(
            OFFSETS_TOPIC, config["offsets.topic.num.partitions"], topics, logs, self._begin
        )
        self._metadata: Metadata | None = None
        self._outdated: set[str] = set()
        topics.subscribe(self._changed)

    def coordinator(self, group_id: str) -> int:
        """The partition of `__consumer_offsets` whose leader coordinates this group."""
        return self.coordinators.place(group_id)

    def serve(self, ctx: Context, group_id: str, event: object) -> Any:
        """Step an event whose ticket is this request, in the machine of that group: the response, or LATER. Raises
        NOT_COORDINATOR when this node has not got it.
        """
        return self.coordinators.of(group_id, ctx.node.id).serve(ctx, event)

    def serve_with_topics(self, ctx: Context, group_id: str, event: object) -> Any:
        """The same, for an event whose outcome depends on the topics that there are."""
        return self._informed(ctx, group_id).serve(ctx, event)

    def ask(self, ctx: Context, group_id: str, make_event: Callable[[Ticket], object]) -> asyncio.Future[Any]:
        """As `serve`, for who waits by a future."""
        return self.coordinators.of(group_id, ctx.node.id).ask(make_event)

    def ask_with_topics(
        self, ctx: Context, group_id: str, make_event: Callable[[Ticket], object]
    ) -> asyncio.Future[Any]:
        """As `serve_with_topics`, for who waits by a future."""
        return self._informed(ctx, group_id).ask(make_event)

    def _informed(self, ctx: Context, group_id: str) -> Runtime[GroupsMachine]:
        """The coordinator of the group, which has seen the topics as they are now."""
        runtime = self.coordinators.of(group_id, ctx.node.id)
        metadata = self._picture()
        if runtime.machine.metadata is not metadata:
            from kbroker.groups.events import TopicsSeen

            runtime.tell(TopicsSeen(metadata))
        return runtime

    def ask_all(
        self, ctx: Context, make_event: Callable[[Ticket], object]
    ) -> Sequence[Callable[[], asyncio.Future[Any]]]:
        """One question for each machine that this node has, as `answers.gather` takes them."""
        return [partial(runtime.ask, make_event) for runtime in self.coordinators.all(ctx.node.id)]

    def history(self, group_id: str) -> list[Happened]:
        """The last events of a group that this process coordinates, oldest first."""
        return self.histories.of(group_id)

    def write_marker(self, index: int, marker: Marker, told: Callable[[Exception | None], object]) -> None:
        """A transaction that committed offsets of groups in this partition of the topic has ended. `told` hears None
        once that is written, or what went wrong.
        """
        from kbroker.groups.events import EndTransaction

        asker = _Told(told)
        self.coordinators.at(index).serve(asker, EndTransaction(Ticket(asker), marker))

    async def stop(self) -> None:
        """Serve no more. Whoever is parked hears NOT_COORDINATOR; what was decided is written."""
        await self.coordinators.stop()

    def _begin(self, log: MachineLog, epoch: int) -> Runtime[GroupsMachine]:
        from kbroker.groups.machine import GroupsMachine

        runtime: Runtime[GroupsMachine] = Runtime(
            lambda: GroupsMachine(self.settings),
            log,
            self._world,
            error=ErrorCode.NOT_COORDINATOR,
            run_task=lambda task: self._run(task, runtime),
            on_loaded=self._compare,
        )
        return runtime

    def _run(self, task: object, runtime: Runtime[GroupsMachine]) -> None:
        from kbroker.groups.events import Admit, ForgetShares, InitializeShares

        if isinstance(task, Happened):
            self.histories.tell(task)
        elif isinstance(task, Admit):
            self._ask_for_admission(task, runtime)
        elif isinstance(task, InitializeShares):
            self._initialize_shares(task, runtime)
        elif isinstance(task, ForgetShares):
            gone = {topic_id: kept.partitions for topic_id, kept in task.topics.items()}
            self.share_states().forget(task.group_id, gone)

    def _initialize_shares(self, task: InitializeShares, runtime: Runtime[GroupsMachine]) -> None:
        from kbroker.groups.events import SharesAltered, SharesInitialized

        def initialized(done: asyncio.Future[ErrorCode]) -> None:
            code = ErrorCode.COORDINATOR_NOT_AVAILABLE if done.cancelled() or done.exception() else done.result()
            if task.ticket is None:
                runtime.tell(SharesInitialized(task.group_id, task.topics, code))
            else:
                runtime.tell(SharesAltered(task.ticket, code))

        self.share_states().initialize(task.group_id, task.epoch, task.starts).add_done_callback(initialized)

    def _ask_for_admission(self, asked: Admit, runtime: Runtime[GroupsMachine]) -> None:
        """Is the group part of that transaction?"""
        from kbroker.groups.events import Admitted

        place = (OFFSETS_TOPIC, self.coordinator(asked.group_id))

        def answered(done: asyncio.Future[Any]) -> None:
            error = asyncio.CancelledError() if done.cancelled() else done.exception()
            if error is None:
                code = (done.result() or {}).get(place, ErrorCode.NONE)
            else:
                code = error.code if isinstance(error, KafkaError) else ErrorCode.UNKNOWN_SERVER_ERROR
            runtime.tell(Admitted(asked.question, code))

        try:
            answer = self._admit(asked.transactional_id, asked.producer, (place,), asked.raises_epochs)
        except KafkaError as error:
            runtime.tell(Admitted(asked.question, error.code))
            return
        if isinstance(answer, asyncio.Future):
            answer.add_done_callback(answered)
        else:
            runtime.tell(Admitted(asked.question, (answer or {}).get(place, ErrorCode.NONE)))

    def _changed(self, change: Any) -> None:
        """A topic has been made, deleted or moved. Which of these it was is asked of what is there now."""
        name = change.topic.name
        self._outdated.add(name)
        topic = self._topics.topic(name)
        if name != OFFSETS_TOPIC and (topic is None or topic.id != change.topic.id):
            from kbroker.groups.events import TopicsDeleted

            for runtime in self.coordinators.serving():
                runtime.tell(TopicsDeleted({name: None if topic is None else topic.id}))

    def _picture(self) -> Metadata:
        if self._metadata is None:
            self._metadata = Metadata(
                [TopicPicture(topic.id, topic.name, len(topic.partitions)) for topic in self._topics.topics()]
            )
        else:
            for name in self._outdated:
                topic = self._topics.topic(name)
                found = None if topic is None else TopicPicture(topic.id, name, len(topic.partitions))
                self._metadata = self._metadata.changed(name, found)
        self._outdated.clear()
        return self._metadata

    def _compare(self, machine: GroupsMachine) -> list[object]:
        """Which topics have gone since the log was written?"""
        from kbroker.groups.events import TopicsDeleted

        gone = {}
        known = dict(machine.store.topics())
        for group in machine.store.shares.values():
            for topic_id, kept in (*group.initializing.items(), *group.initialized.items()):
                known[kept.name] = known.get(kept.name, set()) | {topic_id}
        for name, topic_ids in known.items():
            topic = self._topics.topic(name)
            if topic is None or not topic_ids <= {topic.id}:
                gone[name] = None if topic is None else topic.id
        return [TopicsDeleted(gone)] if gone else []
