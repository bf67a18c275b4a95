"""Faults as a client meets them, on a raw connection: each effect, each condition, and that nothing is left behind."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kbroker.control.table import ControlError, find
from tests.kbroker.control.controlling import Hand, controlling
from tests.kbroker.control.test_history import metadata
from tests.kbroker.running import Client, run
from wire.batch import batches, verify_crc
from wire.errors import ErrorCode
from wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from wire.messages.heartbeat import HeartbeatRequest
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.records import Record, build_batch

Body = Callable[[Hand, Client], Awaitable[None]]


def produce(*partitions: int, value: bytes = b"v", topic: str = "t", acks: int = -1) -> ProduceRequest:
    def data(index: int) -> PartitionProduceData:
        return PartitionProduceData(index=index, records=bytes(build_batch([Record(timestamp=1, value=value)])))

    topics = [TopicProduceData(name=topic, topic_id=bytes(16), partition_data=[data(each) for each in partitions])]
    return ProduceRequest(acks=acks, timeout_ms=1000, topic_data=topics)


def fetch(*partitions: int, session: tuple[int, int] = (0, 0), max_wait_ms: int = 0) -> FetchRequest:
    asked = [FetchPartition(partition=each, fetch_offset=0, partition_max_bytes=1 << 20) for each in partitions]
    return FetchRequest(
        max_wait_ms=max_wait_ms,
        min_bytes=1,
        session_id=session[0],
        session_epoch=session[1],
        topics=[FetchTopic(topic="t", topic_id=bytes(16), partitions=asked)] if asked else [],
        forgotten_topics_data=[],
    )


def met(body: Body) -> None:
    """Run it with a topic of two partitions and a client."""

    async def whole() -> None:
        async with controlling(history_bytes=1 << 20) as ask:
            await ask("topics.create", name="t", partitions=2)
            client = await ask.connect()
            await body(ask, client)
            await client.close()
            await ask("faults.clear")
            assert not any(entry.parks for entry in ask.control.cluster.apis.entries()), "handlers are back"

    run(whole)


def codes(response: Any) -> list[ErrorCode]:
    topics = response.responses
    return [
        ErrorCode(each.error_code)
        for topic in topics
        for each in getattr(topic, "partition_responses", None) or topic.partitions
    ]


def test_an_error_is_for_the_partition_alone_and_the_others_are_written() -> None:
    async def body(ask: Hand, client: Client) -> None:
        fault = await ask(
            "faults.install",
            match={"api": ["Produce"], "topic": "t", "partition": 1},
            effect={"errors": ["NOT_ENOUGH_REPLICAS"]},
        )
        response = await client.ask(produce(0, 1), 9)
        assert sorted(codes(response)) == [ErrorCode.NONE, ErrorCode.NOT_ENOUGH_REPLICAS]
        assert [record.partition for record in await ask("records.read", topic="t")] == [0]
        assert codes(await client.ask(produce(0), 9)) == [ErrorCode.NONE]
        now = await ask("faults.get", id=fault.id)
        assert [(hit.api, hit.client_id, hit.done) for hit in now.hits] == [
            ("Produce", "tester", "error NOT_ENOUGH_REPLICAS")
        ]
        (request,) = await ask("requests.list", failed=True)
        assert request.faults == ["fault 1: error NOT_ENOUGH_REPLICAS"]

    met(body)


def test_different_errors_come_in_their_order_and_then_no_more() -> None:
    async def body(ask: Hand, client: Client) -> None:
        effect = {"errors": ["NOT_LEADER_OR_FOLLOWER", "NONE", "REQUEST_TIMED_OUT"]}
        await ask("faults.install", match={"api": ["Produce"]}, effect=effect)
        found = [codes(await client.ask(produce(0), 9))[0].name for _ in range(4)]
        assert found == ["NOT_LEADER_OR_FOLLOWER", "NONE", "REQUEST_TIMED_OUT", "NONE"]
        assert [fault.used_up for fault in await ask("faults.list")] == [True]

    met(body)


@pytest.mark.parametrize(
    ("when", "failed"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"times": 1}, [1]),
        ({"nth": 3}, [3]),
        ({"skip": 1, "times": 2}, [2, 3]),
        ({"probability": 0.5, "seed": 1}, [1, 4, 5]),
        ({"probability": 0.0}, []),
        ({"after": "now", "until": "then"}, [3, 4]),
    ],
)
def test_when_a_fault_meets(when: dict[str, Any], failed: list[int]) -> None:
    async def body(ask: Hand, client: Client) -> None:
        effect = {"errors": ["REQUEST_TIMED_OUT"]}
        await ask("faults.install", match={"api": ["Produce"]}, when=when, effect=effect)
        found = []
        for number in range(1, 6):
            if number in (3, 5):
                await ask("faults.mark", name="now" if number == 3 else "then")
            if codes(await client.ask(produce(0), 9)) != [ErrorCode.NONE]:
                found.append(number)
        assert found == failed

    met(body)


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({"client_id": "test*"}, True),
        ({"client_id": "other"}, False),
        ({"version": 9}, True),
        ({"version": 8}, False),
        ({"principal": "User:ANONYMOUS"}, True),
        ({"broker": 1}, True),
        ({"broker": 2}, False),
        ({"topic": "?"}, True),
        ({"topic": "x*"}, False),
        ({"record": "val"}, True),
        ({"record": "key"}, False),
        ({"record_key": "k"}, False),
        ({"header": "h"}, False),
        ({"where": {"acks": -1, "topicData[].name": "t"}}, True),
        ({"where": {"acks": 1}}, False),
        ({"group": "g"}, False),
        ({"transactional_id": "*"}, False),
    ],
)
def test_which_requests_a_fault_is_for(match: dict[str, Any], fits: bool) -> None:
    async def body(ask: Hand, client: Client) -> None:
        await ask("faults.install", match=match, effect={"errors": ["REQUEST_TIMED_OUT"]})
        code = codes(await client.ask(produce(0, value=b"value"), 9))[0]
        assert code == (ErrorCode.REQUEST_TIMED_OUT if fits else ErrorCode.NONE)

    met(body)


def test_an_api_without_partitions_fails_as_a_whole() -> None:
    async def body(ask: Hand, client: Client) -> None:
        effect = {"errors": ["COORDINATOR_LOAD_IN_PROGRESS"]}
        await ask("faults.install", match={"group": "g"}, effect=effect)
        request = HeartbeatRequest(group_id="g", generation_id=1, member_id="m")
        assert (await client.ask(request, 4)).error_code == ErrorCode.COORDINATOR_LOAD_IN_PROGRESS

    met(body)


def test_a_fetch_session_meets_faults_for_partitions_that_it_does_not_repeat() -> None:
    async def body(ask: Hand, client: Client) -> None:
        await client.ask(produce(0, 1), 9)
        first = await client.ask(fetch(0, 1), 12)
        match = {"api": ["Fetch"], "topic": "t", "partition": 1}
        await ask("faults.install", match=match, when={"times": 1}, effect={"errors": ["OFFSET_OUT_OF_RANGE"]})
        session = first.session_id
        second = await client.ask(fetch(session=(session, 1), max_wait_ms=60_000), 12)
        failed = [(each.partition_index, each.error_code) for each in second.responses[0].partitions if each.error_code]
        assert failed == [(1, ErrorCode.OFFSET_OUT_OF_RANGE)]
        third = await client.ask(fetch(session=(session, 2)), 12)
        assert {each.partition_index for each in third.responses[0].partitions} == {0, 1}, "and then it is as it was"

    met(body)


def test_a_connection_drops_before_or_after_the_work() -> None:
    async def body(ask: Hand, client: Client) -> None:
        for drop, written in (("before", 0), ("after", 1)):
            await ask("faults.install", match={"api": ["Produce"]}, when={"times": 1}, effect={"drop": drop})
            other = await ask.connect()
            other.send(produce(0), 9)
            assert await other.is_closed()
            assert len(await ask("records.read", topic="t")) == written
        assert [each.ended.partition(": ")[2] for each in await ask("requests.disconnects")] == [
            "fault 1 dropped its Produce before it was handled",
            "fault 2 dropped the answer to its Produce",
        ]

    met(body)


def test_whoever_follows_hears_of_each_request_that_a_fault_meets() -> None:
    async def body() -> None:
        async with controlling() as ask:
            await ask("faults.install", name="late", match={"api": ["Metadata"]}, effect={"delay_ms": 1})
            verb = find("faults.follow")
            met: Any = verb.run(ask.control, **verb.bind({}))
            following = asyncio.ensure_future(anext(met))
            await asyncio.sleep(0)
            client = await ask.connect()
            await client.ask(metadata("t"), 12)
            told = await following
            assert (told.fault, told.name, told.hit.api, told.hit.done) == (1, "late", "Metadata", "delay_ms=1")
            await met.aclose()

    run(body)


def test_a_held_request_goes_on_when_it_is_released_and_nothing_overtakes_it() -> None:
    async def body(ask: Hand, client: Client) -> None:
        fault = await ask("faults.install", match={"api": ["Produce"]}, when={"times": 1}, effect={"hold": True})
        client.send(produce(0, value=b"1"), 9)
        client.send(produce(0, value=b"2"), 9)
        await ask("faults.wait", id=fault.id)
        assert await ask("records.read", topic="t") == []
        assert await ask("faults.release_all", id=fault.id) == 1
        assert [codes(await client.receive()) for _ in range(2)] == [[ErrorCode.NONE]] * 2
        assert [record.value for record in await ask("records.read", topic="t")] == [b"1", b"2"]

    met(body)


def test_a_black_hole_swallows_everything_until_it_is_taken_out() -> None:
    async def body(ask: Hand, client: Client) -> None:
        fault = await ask("faults.install", match={"client_id": "tester"}, effect={"blackhole": True})
        client.send(metadata("t"), 12)
        client.send(metadata("t"), 12)
        await ask("faults.wait", id=fault.id)
        await ask("faults.remove", id=fault.id)
        assert await client.is_closed()
        gone = await ask.connect()
        again = await ask("faults.install", effect={"blackhole": True})
        gone.send(metadata("t"), 12)
        await ask("faults.wait", id=again.id)
        await gone.close()
        while (await ask("faults.get", id=again.id)).held:
            await asyncio.sleep(0)

    met(body)


async def _raw(client: Client, size: int) -> bytes:
    return await client.reader.readexactly(size)


def test_the_bytes_of_an_answer_are_wounded() -> None:
    async def body(ask: Hand, client: Client) -> None:
        async def once(**effect: Any) -> None:
            await ask("faults.install", match={"api": ["Heartbeat"]}, when={"times": 1}, effect=effect)

        request = HeartbeatRequest(group_id="g", generation_id=1, member_id="m")
        client.send(request, 0)
        whole = await _raw(client, 10)  # size, correlation id, error code
        assert struct.unpack(">iih", whole)[:2] == (6, 1)
        await once(wrong_correlation_id=True)
        client.send(request, 0)
        assert (await _raw(client, 10))[4:8] == struct.pack(">i", 3)
        await once(corrupt=0)
        client.send(request, 0)
        assert (await _raw(client, 10))[4:8] == b"\xff\x00\x00\x03"
        await once(duplicate=True)
        client.send(request, 0)
        assert await _raw(client, 10) == await _raw(client, 10)
        await once(drip_bytes=1, drip_ms=0)
        client.send(request, 0)
        client.send(request, 0)
        assert [(await _raw(client, 10))[4:8] for _ in range(2)] == [struct.pack(">i", n) for n in (5, 6)]
        await once(truncate=5)
        client.send(request, 0)
        assert await client.reader.read() == struct.pack(">ib", 6, 0)

    met(body)


def test_an_answer_waits_or_tells_the_client_to_wait() -> None:
    async def body(ask: Hand, client: Client) -> None:
        effect = {"delay_ms": 1, "jitter_ms": 1, "answer_delay_ms": 1, "throttle_ms": 3}
        await ask("faults.install", match={"api": ["Produce"]}, effect=effect)
        assert (await client.ask(produce(0), 9)).throttle_time_ms == 3

    met(body)


def test_metadata_lies_and_records_break() -> None:
    async def body(ask: Hand, client: Client) -> None:
        await client.ask(produce(0, 1), 9)
        match = {"topic": "t", "partition": 1}
        lie = await ask("faults.install", match=match, effect={"leader": 9, "leader_epoch": 7, "bad_crc": True})
        partitions = (await client.ask(metadata("t"), 12)).topics[0].partitions
        assert [(each.leader_id, each.leader_epoch) for each in partitions] == [(1, 0), (9, 7)]
        good, bad = (await client.ask(fetch(0, 1), 12)).responses[0].partitions
        assert [verify_crc(next(batches(bytes(each.records)))) for each in (good, bad)] == [True, False]
        await ask("faults.remove", id=lie.id)
        partitions = (await client.ask(metadata("t"), 12)).topics[0].partitions
        assert [(each.leader_id, each.leader_epoch) for each in partitions] == [(1, 0), (1, 0)]

    met(body)


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ({}, ErrorCode.NONE),
        ({"error": "REQUEST_TIMED_OUT"}, ErrorCode.REQUEST_TIMED_OUT),
        ({"answer": {"errorCode": 27}}, ErrorCode.REBALANCE_IN_PROGRESS),
    ],
)
def test_a_callback_decides(verdict: dict[str, Any], code: ErrorCode) -> None:
    async def body(ask: Hand, client: Client) -> None:
        from kbroker.control.table import find

        fault = await ask("faults.install", match={"api": ["Heartbeat"]}, effect={"callback": True})
        events: Any = find("faults.held").run(ask.control)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        client.send(HeartbeatRequest(group_id="g", generation_id=1, member_id="m"), 4)
        held = await waiting
        assert (held.api, held.request["groupId"]) == ("Heartbeat", "g")
        await ask("faults.release", id=held.id, verdict=verdict)
        expected = code or ErrorCode.NOT_COORDINATOR
        assert (await client.receive()).error_code == expected
        assert (await ask("faults.get", id=fault.id)).problems == []
        await events.aclose()

    met(body)


def test_a_callback_that_says_nothing_lets_pass_and_is_reported() -> None:
    async def body(ask: Hand, client: Client) -> None:
        effect = {"callback": True, "callback_ms": 1}
        fault = await ask("faults.install", match={"api": ["Produce"]}, effect=effect)
        assert codes(await client.ask(produce(0), 9)) == [ErrorCode.NONE]
        problems = (await ask("faults.get", id=fault.id)).problems
        assert problems == ["the callback said nothing within 1 ms: the request passed"]

    met(body)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"effect": {"errors": ["NOT_A_LEADER"]}}, "Kafka has no error NOT_A_LEADER"),
        ({"effect": {"errors": ["NOT_LEADER"]}}, "Kafka has no error NOT_LEADER"),
        ({"effect": {}, "match": {"api": ["Produces"]}}, "there is no API Produces"),
        ({"effect": {"drop": "now"}}, "drop is"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(arguments: dict[str, Any], sentence: str) -> None:
    async def body() -> None:
        async with controlling() as ask:
            with pytest.raises(ControlError, match=sentence) as told:
                await ask("faults.install", **arguments)
            assert told.value.kind == "argument"
            assert await ask("faults.list") == []

    run(body)


def test_without_faults_the_table_holds_the_handlers_themselves() -> None:
    async def body(ask: Hand, client: Client) -> None:
        entry = ask.control.cluster.apis.entry(0)
        assert entry is not None
        handler = entry.handler
        fault = await ask("faults.install", effect={"delay_ms": 1})
        assert entry.handler is not handler
        await ask("faults.remove", id=fault.id)
        assert entry.handler is handler
        assert ask.control.cluster.apis.on_first_use is None

    met(body)


def test_unstable_offsets_are_those_of_partitions_and_only_for_who_asks_for_stable_ones() -> None:
    async def body(ask: Hand, client: Client) -> None:
        from wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics

        def wish(require_stable: bool) -> OffsetFetchRequest:
            topic = OffsetFetchRequestTopics(name="t", partition_indexes=[0, 1])
            group = OffsetFetchRequestGroup(group_id="g", topics=[topic])
            return OffsetFetchRequest(groups=[group], require_stable=require_stable)

        await ask("coordinators.get", group="g")
        await ask("faults.unstable_offsets", group="g")
        (group,) = (await client.ask(wish(True), 8)).groups
        told = [ErrorCode(each.error_code) for each in group.topics[0].partitions]
        assert (group.error_code, told) == (ErrorCode.NONE, [ErrorCode.UNSTABLE_OFFSET_COMMIT] * 2)
        (group,) = (await client.ask(wish(False), 8)).groups
        assert [each.error_code for each in group.topics[0].partitions] == [0, 0]

    met(body)
