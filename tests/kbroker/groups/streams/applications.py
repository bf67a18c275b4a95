"""Applications of Kafka Streams as the coordinator sees them: topologies in short, and members on a bench.

`topology(subtopology("0", "in"))` makes what a member brings; `Member` sends heartbeats, says what it has, and
remembers what it is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kbroker.groups.events import DescribeStreams, StreamsHeartbeat
from kbroker.groups.streams.heartbeat import Beat
from kbroker.groups.streams.settings import StreamsSettings
from kbroker.groups.streams.tasks import NOTHING, Tasks, by_subtopology, of_wire
from tests.kbroker.groups.bench import Bench
from wire.errors import KafkaError
from wire.messages import streams_group_heartbeat as messages
from wire.messages.streams_group_describe import DescribedGroup


def internal(name: str, partitions: int = 0, **configs: str) -> messages.TopicInfo:
    return messages.TopicInfo(
        name=name,
        partitions=partitions,
        replication_factor=0,
        topic_configs=[messages.KeyValue(key=key, value=value) for key, value in configs.items()],
    )


def subtopology(
    id: str,
    *sources: str,
    repartition: list[messages.TopicInfo] | None = None,
    sinks: list[str] | None = None,
    changelogs: list[messages.TopicInfo] | None = None,
    side_by_side: list[tuple[list[int], list[int]]] | None = None,
) -> messages.Subtopology:
    return messages.Subtopology(
        subtopology_id=id,
        source_topics=list(sources),
        source_topic_regex=[],
        state_changelog_topics=changelogs or [],
        repartition_sink_topics=sinks or [],
        repartition_source_topics=repartition or [],
        copartition_groups=[
            messages.CopartitionGroup(source_topics=topics, source_topic_regex=[], repartition_source_topics=others)
            for topics, others in side_by_side or []
        ],
    )


def topology(*subtopologies: messages.Subtopology, epoch: int = 0) -> messages.Topology:
    return messages.Topology(epoch=epoch, subtopologies=list(subtopologies))


STATELESS = topology(subtopology("0", "in"))
STATEFUL = topology(subtopology("0", "in", changelogs=[internal("app-store-changelog")]))
WORD_COUNT = topology(
    subtopology("0", "lines", sinks=["app-words"]),
    subtopology("1", repartition=[internal("app-words")], changelogs=[internal("app-counts")]),
)


@dataclass
class Member:
    """One member. `told` is the last assignment, `owned` what it has taken up of it."""

    bench: Bench
    id: str
    topology: messages.Topology = field(default_factory=lambda: STATELESS)
    process: str = ""
    instance: str | None = None
    group: str = "app"
    rebalance_ms: int = 5_000
    settings: StreamsSettings | None = None
    options: dict[str, Any] = field(default_factory=dict)
    epoch: int = 0
    told: Tasks = NOTHING
    owned: Tasks = NOTHING
    missing: tuple[str, ...] = ()
    warnings: dict[int, str] = field(default_factory=dict)

    def send(self, epoch: int | None = None, *, says: bool = True, **more: Any) -> Beat | KafkaError:
        epoch = self.epoch if epoch is None else epoch
        joins = epoch == 0
        says = says and epoch >= 0
        owned = NOTHING if joins else self.owned
        request = messages.StreamsGroupHeartbeatRequest(
            group_id=self.group,
            member_id=self.id,
            member_epoch=epoch,
            instance_id=self.instance,
            rebalance_timeout_ms=self.rebalance_ms if joins else -1,
            topology=self.topology if joins else None,
            process_id=(self.process or self.id) if joins else None,
            active_tasks=_ids(owned.active) if says else None,
            standby_tasks=_ids(owned.standby) if says else None,
            warmup_tasks=_ids(owned.warmup) if says else None,
            **{"endpoint_information_epoch": 0, **self.options, **more},
        )
        answer = self.bench.answer(
            lambda ticket: StreamsHeartbeat(ticket, request, "client", "/127.0.0.1", True, self.settings)
        )
        assert isinstance(answer, Beat | KafkaError)
        return answer

    def hear(self, answer: Beat | KafkaError) -> messages.StreamsGroupHeartbeatResponse:
        assert isinstance(answer, Beat), answer
        response = answer.response
        self.epoch = response.member_epoch
        self.missing = tuple([topic.name for topic in answer.missing])
        self.warnings = {status.status_code: status.status_detail for status in response.status or ()}
        if response.active_tasks is not None:
            assert response.standby_tasks is not None
            assert response.warmup_tasks is not None
            self.told = Tasks(
                of_wire(response.active_tasks), of_wire(response.standby_tasks), of_wire(response.warmup_tasks)
            )
        return response

    def beat(self, **more: Any) -> messages.StreamsGroupHeartbeatResponse:
        """A heartbeat whose answer arrives, and is done as told."""
        response = self.hear(self.send(**more))
        self.owned = self.told
        return response

    def refused(self, epoch: int | None = None, **more: Any) -> tuple[int, str | None]:
        answer = self.send(epoch, **more)
        assert isinstance(answer, KafkaError)
        return answer.code, answer.message


def _ids(tasks: frozenset[tuple[str, int]]) -> list[messages.RequestTaskIds]:
    return [
        messages.RequestTaskIds(subtopology_id=name, partitions=indexes)
        for name, indexes in by_subtopology(tasks).items()
    ]


def describe(bench: Bench, group: str = "app") -> DescribedGroup:
    found = bench.answer(lambda ticket: DescribeStreams(ticket, group))
    assert isinstance(found, DescribedGroup)
    return found


def all_beat(*members: Member, times: int = 1) -> None:
    for _ in range(times):
        for member in members:
            member.beat()
