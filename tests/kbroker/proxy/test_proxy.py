"""A proxy before a whole broker: all traffic stays inside, nothing else changes, and faults do what they say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kbroker.catalog import NewTopic
from kbroker.proxy.addresses import newest_known
from kbroker.proxy.desk import Desk
from kbroker.proxy.faults import parse
from kbroker.proxy.ports import Proxy
from kbroker.trace.exchange import Exchange, read
from wire.messages.api_versions import ApiVersionsRequest
from wire.messages.describe_cluster import DescribeClusterRequest
from wire.messages.find_coordinator import FindCoordinatorRequest
from wire.messages.metadata import MetadataRequest
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.primitives import ZERO_UUID
from wire.records import Record, build_batch

from ..running import Client, run, serving


@asynccontextmanager
async def proxied(*faults: str, **caps: int) -> AsyncIterator[tuple[Client, list[Exchange], Proxy]]:
    """A client behind a proxy, and what the proxy has seen."""
    async with serving() as broker:
        await broker.cluster.catalog.create_topics([NewTopic("t", 1)])
        host, _, port = broker.bound[0].rpartition(":")
        seen: list[Exchange] = []
        most = newest_known() | {int(key.removeprefix("api")): version for key, version in caps.items()}
        desk = Desk(broker.cluster.world) if faults else None
        for rule in map(parse, faults):
            assert desk is not None
            desk.faults.install(rule.text, rule.match, rule.when, rule.effect)
        proxy = Proxy([(host, int(port))], ("127.0.0.1", 0), most=most, desk=desk, sink=seen.append)
        place = await proxy.start()
        client = Client(*await asyncio.open_connection("127.0.0.1", int(place.rpartition(":")[2])))
        try:
            yield client, seen, proxy
        finally:
            await client.close()
            await proxy.stop()


def produce(acks: int = -1) -> ProduceRequest:
    batch = build_batch([Record(b"k", b"v")], timestamp=1)
    data = TopicProduceData(name="t", topic_id=ZERO_UUID, partition_data=[PartitionProduceData(index=0, records=batch)])
    return ProduceRequest(acks=acks, timeout_ms=1000, topic_data=[data])


def metadata() -> MetadataRequest:
    return MetadataRequest(
        topics=[], include_cluster_authorized_operations=False, include_topic_authorized_operations=False
    )


def test_every_address_in_an_answer_is_the_proxys() -> None:
    async def body() -> None:
        async with proxied() as (client, _, _):
            ours = client.writer.get_extra_info("peername")[1]
            for version in (0, 5, 9, 12):
                told = await client.ask(metadata(), version)
                assert [(one.host, one.port) for one in told.brokers] == [("127.0.0.1", ours)], version
            cluster = await client.ask(
                DescribeClusterRequest(include_cluster_authorized_operations=False, include_fenced_brokers=False), 2
            )
            assert [one.port for one in cluster.brokers] == [ours]
            found = await client.ask(FindCoordinatorRequest(key="g", key_type=0, coordinator_keys=[]), 3)
            assert found.port == ours
            found = await client.ask(FindCoordinatorRequest(key="", key_type=0, coordinator_keys=["g"]), 6)
            assert [one.port for one in found.coordinators] == [ours]

    run(body)


def test_what_is_seen_is_what_went_over_the_wire() -> None:
    async def body() -> None:
        async with proxied() as (client, seen, _):
            await client.ask(metadata(), 12)
            await client.ask(produce(), 9)
            client.send(produce(acks=0), 9)
            client.asked.pop()  # there is no answer to it
            await client.ask(metadata(), 12)
            apis = [(read(one.request, one.reply).api, one.reply is None) for one in seen]
            assert apis == [("Metadata", False), ("Produce", False), ("Produce", True), ("Metadata", False)]
            assert [one.number for one in seen] == [1, 2, 3, 4]

    run(body)


def test_versions_are_capped_where_it_is_asked_for() -> None:
    async def body() -> None:
        async with proxied(api0=9) as (client, _, _):
            told = await client.ask(ApiVersionsRequest(client_software_name="a", client_software_version="1"), 3)
            assert {one.api_key: one.max_version for one in told.api_keys}[0] == 9

    run(body)


def test_an_error_comes_in_place_of_the_answer() -> None:
    async def body() -> None:
        async with proxied("Produce error=NOT_LEADER_OR_FOLLOWER once") as (client, _, _):
            first = await client.ask(produce(), 9)
            assert first.responses[0].partition_responses[0].error_code == 6
            second = await client.ask(produce(), 9)
            assert second.responses[0].partition_responses[0].error_code == 0

    run(body)


def test_a_dropped_answer_was_done_and_a_refused_request_was_not() -> None:
    async def body() -> None:
        for fault, done in (("FindCoordinator drop", True), ("FindCoordinator refuse", False)):
            async with proxied(fault) as (client, seen, _):
                client.send(FindCoordinatorRequest(key="g", key_type=0, coordinator_keys=[]), 3)
                assert await client.is_closed()
                (one,) = [one for one in seen if read(one.request, None).api == "FindCoordinator"]
                assert (one.reply is not None) == done

    run(body)


def test_a_connection_to_nobody_is_closed() -> None:
    async def body() -> None:
        proxy = Proxy([("127.0.0.1", 1)], ("127.0.0.1", 0), most={})
        place = await proxy.start()
        client = Client(*await asyncio.open_connection("127.0.0.1", int(place.rpartition(":")[2])))
        assert await client.is_closed()
        await client.close()
        await proxy.stop()

    run(body)
