"""The control verbs of faults and requests on a proxy: what they do on a broker they do to a cluster elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from kbroker.catalog import NewTopic
from kbroker.control.shapes import Effect, Match, When
from kbroker.control.table import ControlError, find
from kbroker.proxy.addresses import newest_known
from kbroker.proxy.desk import Desk
from kbroker.proxy.ports import Proxy
from wire.errors import ErrorCode
from wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from wire.messages.find_coordinator import FindCoordinatorRequest
from wire.messages.metadata import MetadataRequest
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.primitives import ZERO_UUID
from wire.records import Record, build_batch

from ..running import Client, run, serving

REFUSED = ErrorCode.NOT_LEADER_OR_FOLLOWER


class Here(NamedTuple):
    client: Client
    desk: Desk
    broker: Any

    def install(self, effect: Effect, match: Match | None = None, when: When | None = None) -> Any:
        return find("faults.install").run(self.desk, effect=effect, match=match, when=when)

    async def connect(self) -> Client:
        host, port = self.client.writer.get_extra_info("peername")[:2]
        return Client(*await asyncio.open_connection(host, port))


@asynccontextmanager
async def proxied() -> AsyncIterator[Here]:
    """A topic of two partitions behind a proxy that can be told what to do."""
    async with serving() as broker:
        await broker.cluster.catalog.create_topics([NewTopic("t", 2)])
        host, _, port = broker.bound[0].rpartition(":")
        desk = Desk(broker.cluster.world, 1 << 20)
        proxy = Proxy([(host, int(port))], ("127.0.0.1", 0), most=newest_known(), desk=desk)
        place = await proxy.start()
        client = Client(*await asyncio.open_connection("127.0.0.1", int(place.rpartition(":")[2])))
        try:
            yield Here(client, desk, broker)
        finally:
            await client.close()
            await proxy.stop()


def produce(*partitions: int) -> ProduceRequest:
    batch = build_batch([Record(b"k", b"v")], timestamp=1)
    parts = [PartitionProduceData(index=index, records=batch) for index in partitions]
    data = TopicProduceData(name="t", topic_id=ZERO_UUID, partition_data=parts)
    return ProduceRequest(acks=-1, timeout_ms=1000, topic_data=[data])


def fetch(*partitions: int) -> FetchRequest:
    parts = [FetchPartition(partition=index, fetch_offset=0, partition_max_bytes=1 << 20) for index in partitions]
    return FetchRequest(max_wait_ms=0, min_bytes=0, topics=[FetchTopic(topic="t", partitions=parts)])


def metadata() -> MetadataRequest:
    return MetadataRequest(topics=None)


def coordinator() -> FindCoordinatorRequest:
    return FindCoordinatorRequest(key="g", key_type=0)


def errors_of(answer: Any) -> dict[int, int]:
    return {each.index: each.error_code for topic in answer.responses for each in topic.partition_responses}


def test_an_error_is_that_of_the_partition_alone_and_the_cluster_does_the_rest() -> None:
    async def body() -> None:
        async with proxied() as here:
            here.install(Effect(errors=[REFUSED.name]), Match(api=["Produce"], topic="t", partition=1))
            assert errors_of(await here.client.ask(produce(0, 1), 9)) == {0: 0, 1: REFUSED}
            topic = here.broker.cluster.catalog.topic("t")
            ends = [here.broker.cluster.partitions.open(topic, index).high_watermark for index in (0, 1)]
            assert ends == [1, 0]

    run(body)


def test_a_fetch_fails_for_one_partition_and_reads_the_other() -> None:
    async def body() -> None:
        async with proxied() as here:
            await here.client.ask(produce(0, 1), 9)
            here.install(Effect(errors=["OFFSET_OUT_OF_RANGE"]), Match(api=["Fetch"], topic="t", partition=0))
            answer = await here.client.ask(fetch(0, 1), 11)
            told = {each.partition_index: each for topic in answer.responses for each in topic.partitions}
            assert told[0].error_code == ErrorCode.OFFSET_OUT_OF_RANGE and not told[0].records
            assert told[1].error_code == 0 and told[1].records

    run(body)


def test_a_request_is_held_until_it_is_released_and_what_is_behind_it_waits() -> None:
    async def body() -> None:
        async with proxied() as here:
            fault = here.install(Effect(hold=True), Match(api=["FindCoordinator"]))
            here.client.send(coordinator(), 3)
            here.client.send(metadata(), 9)
            await find("faults.wait").run(here.desk, id=fault.id)
            (held,) = find("faults.get").run(here.desk, id=fault.id).held
            find("faults.release").run(here.desk, id=held)
            assert (await here.client.receive()).error_code == 0
            assert (await here.client.receive()).topics

    run(body)


def test_a_released_request_may_be_answered_by_whoever_releases_it() -> None:
    async def body() -> None:
        async with proxied() as here:
            fault = here.install(Effect(hold=True), Match(api=["FindCoordinator"]))
            here.client.send(coordinator(), 3)
            await find("faults.wait").run(here.desk, id=fault.id)
            (held,) = find("faults.get").run(here.desk, id=fault.id).held
            find("faults.release").run(here.desk, id=held, verdict={"error": "COORDINATOR_NOT_AVAILABLE"})
            assert (await here.client.receive()).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE

    run(body)


def test_answers_that_were_asked_for_before_come_before() -> None:
    async def body() -> None:
        async with proxied() as here:
            here.install(Effect(errors=["COORDINATOR_NOT_AVAILABLE"]), Match(api=["FindCoordinator"]))
            here.client.send(metadata(), 9)
            here.client.send(coordinator(), 3)
            here.client.send(metadata(), 9)
            assert (await here.client.receive()).topics
            assert (await here.client.receive()).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
            assert (await here.client.receive()).topics

    run(body)


def test_metadata_may_lie_of_a_leader() -> None:
    async def body() -> None:
        async with proxied() as here:
            await here.client.ask(metadata(), 9)  # from its answer the proxy knows that there is this topic
            here.install(Effect(leader=7), Match(api=["Metadata"], topic="t", partition=1))
            (topic,) = (await here.client.ask(metadata(), 9)).topics
            assert sorted((each.partition_index, each.leader_id) for each in topic.partitions) == [(0, 1), (1, 7)]

    run(body)


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (Effect(truncate=6), "struck"),
        (Effect(drop="before"), "before it was handled"),
        (Effect(drop="after"), "dropped the answer"),
    ],
)
def test_a_connection_that_a_fault_ends_ends_with_a_reason(effect: Effect, reason: str) -> None:
    async def body() -> None:
        async with proxied() as here:
            here.install(effect, Match(api=["FindCoordinator"]))
            here.client.send(coordinator(), 3)
            await here.client.reader.read()
            while not (ended := find("requests.disconnects").run(here.desk)):
                await asyncio.sleep(0)
            assert reason in ended[0].ended

    run(body)


def test_an_answer_may_be_another_ones_or_come_twice() -> None:
    async def body() -> None:
        async with proxied() as here:
            here.install(Effect(wrong_correlation_id=True), Match(api=["FindCoordinator"]), When(times=1))
            here.client.send(coordinator(), 3)
            with pytest.raises(AssertionError):
                await here.client.receive()
            other = await here.connect()
            here.install(Effect(duplicate=True), Match(api=["FindCoordinator"]), When(times=1))
            first = await other.ask(coordinator(), 3)
            other.asked.append((other.last_id, 10, 3))
            assert (await other.receive()).to_json(3) == first.to_json(3)
            await other.close()

    run(body)


def test_the_history_has_both_frames_and_which_faults_they_met() -> None:
    async def body() -> None:
        async with proxied() as here:
            here.install(Effect(errors=["COORDINATOR_NOT_AVAILABLE"]), Match(api=["FindCoordinator"]))
            await here.client.ask(metadata(), 9)
            await here.client.ask(coordinator(), 3)
            first, second = find("requests.list").run(here.desk)
            assert (first.api, first.node, first.errors, first.faults) == ("Metadata", -1, [], [])
            assert (second.api, second.node, second.errors) == ("FindCoordinator", 1, ["COORDINATOR_NOT_AVAILABLE"])
            assert len(second.faults) == 1
            failed = find("requests.list").run(here.desk, failed=True)
            assert [each.number for each in failed] == [second.number]

    run(body)


def test_what_a_proxy_cannot_know_is_refused() -> None:
    async def body() -> None:
        async with proxied() as here:
            for effect, match in ((Effect(stale=True), None), (Effect(hold=True), Match(principal="User:a"))):
                with pytest.raises(ControlError):
                    here.install(effect, match)

    run(body)


def test_a_request_of_a_version_that_nobody_knows_here_passes() -> None:
    async def body() -> None:
        async with proxied() as here:
            here.install(Effect(errors=["NOT_COORDINATOR"]))
            here.client.writer.write(b"\0\0\0\x0c\0\x12\0\x63\0\0\0\1\0\1a\0")  # ApiVersions v99
            size = int.from_bytes(await here.client.reader.readexactly(4), "big")
            answer = await here.client.reader.readexactly(size)
            assert answer[4:6] == b"\0\x23"  # UNSUPPORTED_VERSION, from the cluster

    run(body)
