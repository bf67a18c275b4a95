"""The wire by HTTP: what is listed, followed, explained; and that nothing is seen, or paid, before somebody looks."""

import asyncio
import json
from typing import Any

import pytest

from kbroker.broker import Broker
from kbroker.control.history import FRAME_BYTES
from kbroker.http import frames, tapping
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.primitives import ZERO_UUID
from wire.records import Record, build_batch

from ..running import Client, connect, run, serving
from .asking import _ask, events, get

HTTP = "127.0.0.1:0"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "ROWS_S", 0.01)
    monkeypatch.setattr(tapping, "BEAT_S", 0.01)


def metadata(name: str) -> MetadataRequest:
    return MetadataRequest(
        topics=[MetadataRequestTopic(topic_id=ZERO_UUID, name=name)],
        allow_auto_topic_creation=False,
        include_cluster_authorized_operations=False,
        include_topic_authorized_operations=False,
    )


async def made(client: Client, name: str) -> None:
    topic = CreatableTopic(name=name, num_partitions=1, replication_factor=1, assignments=[], configs=[])
    await client.ask(CreateTopicsRequest(topics=[topic]), 7)


def produce(topic: str, value: bytes) -> ProduceRequest:
    batch = bytes(build_batch([Record(b"k", value), Record(None, b"second")], timestamp=1))
    part = PartitionProduceData(index=0, records=batch)
    return ProduceRequest(acks=-1, timeout_ms=1000, topic_data=[TopicProduceData(name=topic, partition_data=[part])])


async def asked(broker: Broker, path: str) -> Any:
    status, text = await get(broker, path)
    assert status == 200, text
    return json.loads(text)


async def rows_of(stream: Any, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += (await anext(stream))["rows"]
    return found


def test_rows_come_as_requests_are_answered_and_one_is_explained_byte_by_byte() -> None:
    async def body() -> None:
        async with serving(kbroker_http=HTTP) as broker:
            client = await connect(broker)
            stream: Any = events(broker, "/frames/follow")
            assert (await anext(stream))["rows"] == []
            await client.ask(metadata("missing"), 12)
            (row,) = await rows_of(stream, 1)
            assert (row["api"], row["version"], row["client_id"], row["about"]) == ("Metadata", 12, "tester", "missing")
            assert row["errors"] == ["UNKNOWN_TOPIC_OR_PARTITION"] and row["is_done"] and row["reply_bytes"] > 10
            one = await asked(broker, f"/frames/one?number={row['number']}")
            frame = bytes.fromhex(one["request"]["hex"])
            covered = [note for note in one["request"]["notes"] if note["size"]]
            assert sum(note["size"] for note in covered) == len(frame) == row["request_bytes"] + 4
            (name,) = [note for note in covered if note["path"] == "topics[0].name"]
            assert frame[name["at"] : name["at"] + name["size"]] == b"\x08missing"
            (topic_id,) = [note for note in covered if note["path"] == "topics[0].topic_id"]
            assert (topic_id["versions"], topic_id["since"]) == ("10-13", "topic ids (KIP-516)")
            assert any("UNKNOWN_TOPIC" in note["meaning"] for note in one["reply"]["notes"])
            assert (await get(broker, "/frames/one?number=999"))[0] == 404
            await stream.aclose()
            await client.close()

    run(body)


def test_without_lookers_there_is_no_tap_and_with_the_last_it_goes() -> None:
    async def body() -> None:
        async with serving(kbroker_http=HTTP) as broker:
            client = await connect(broker)
            (connection,) = broker.server.connections
            plain = connection.dispatch
            assert broker.server.dispatcher.enter == plain
            assert (await get(broker, "/frames/list"))[0] == 404
            stream: Any = events(broker, "/frames/follow")
            await anext(stream)
            assert connection.dispatch != plain, "also on connections that were there before"
            await client.ask(metadata("a"), 12)
            await rows_of(stream, 1)
            await stream.aclose()
            while broker.server.dispatcher.enter != plain:
                await asyncio.sleep(0)
            assert connection.dispatch == plain and broker.server.on_lost == []
            await client.ask(metadata("b"), 12)
            listed = await asked(broker, "/frames/list")
            assert [row["about"] for row in listed["rows"]] == ["a"], "what was seen stays for a while"
            await client.close()

    run(body)


def test_rows_are_chosen_by_what_they_are_about() -> None:
    async def body() -> None:
        async with serving(kbroker_http=HTTP, kbroker_control="true") as broker:
            first, second = await connect(broker), await connect(broker)
            await made(first, "orders")
            await first.ask(produce("orders", b"v"), 9)
            await second.ask(metadata("missing"), 12)

            async def apis(query: str) -> list[str]:
                return [row["api"] for row in (await asked(broker, f"/frames/list?{query}"))["rows"]]

            assert await apis("") == ["CreateTopics", "Produce", "Metadata"]
            assert await apis("api=Produce&api=metadata") == ["Produce", "Metadata"]
            assert await apis("api=Produce,Metadata&topic=orders") == ["Produce"]
            assert await apis("failed=true") == ["Metadata"]
            assert await apis("error=UNKNOWN_TOPIC_OR_PARTITION") == ["Metadata"]
            assert await apis("client=test&limit=1") == ["Metadata"]
            assert await apis("client=nobody") == []
            assert await apis("correlation_id=2") == ["Produce"]
            numbers = {row["connection"] for row in (await asked(broker, "/frames/list?api=Produce"))["rows"]}
            assert await apis(f"connection={numbers.pop()}") == ["CreateTopics", "Produce"]
            assert (await get(broker, "/frames/list?api=Nothing"))[0] == 400
            await first.close()
            await second.close()

    run(body)


def test_of_a_large_frame_the_beginning_is_kept_and_its_records_are_unfolded_to_the_cut() -> None:
    async def body() -> None:
        async with serving(kbroker_http=HTTP, kbroker_control="true") as broker:
            client = await connect(broker)
            await made(client, "orders")
            await client.ask(produce("orders", bytes(2 * FRAME_BYTES)), 9)
            batch = bytes(build_batch([Record(b"k", bytes(1000))] * 100, timestamp=1))
            part = PartitionProduceData(index=0, records=batch)
            many = TopicProduceData(name="orders", partition_data=[part])
            await client.ask(ProduceRequest(acks=-1, timeout_ms=1, topic_data=[many]), 9)
            (one, two) = (await asked(broker, "/frames/list?api=Produce"))["rows"]
            assert one["request_bytes"] > 2 * FRAME_BYTES and one["about"] == "orders/0" and one["errors"] == []
            request = (await asked(broker, f"/frames/one?number={two['number']}"))["request"]
            assert request["kept"] == FRAME_BYTES + 4 < request["bytes"]
            records = {note["path"].partition("records[")[2].partition("]")[0] for note in request["notes"]}
            assert len(records) > 60, "records are unfolded"
            last = request["notes"][-1]
            assert last["type"] == "cut" and last["at"] + last["size"] == FRAME_BYTES + 4
            await client.close()

    run(body)


def test_more_than_anybody_reads_is_counted_not_shown() -> None:
    async def body() -> None:
        async with serving(kbroker_http=HTTP) as broker:
            client = await connect(broker)
            stream: Any = events(broker, "/frames/follow")
            await anext(stream)
            for _ in range(300):
                client.send(metadata("m"), 12)
            for _ in range(300):
                await client.receive()
            shown = others = 0
            last: list[dict[str, Any]] = []
            while shown + others < 300:
                event = await anext(stream)
                last = event["rows"] or last
                shown, others = shown + len(event["rows"]), others + event["others"]
                assert len(event["rows"]) <= frames.MOST_ROWS and event["missed"] == 0
            assert others > 0 and last[-1]["correlation_id"] > 200, "the newest are shown"
            await stream.aclose()
            await client.close()

    run(body)


def test_the_tap_gives_bytes_and_no_secrets() -> None:
    from io import BytesIO

    from kbroker.trace.stream import exchanges
    from wire.messages.sasl_authenticate import SaslAuthenticateRequest

    async def body() -> None:
        async with serving(kbroker_http=HTTP) as broker:
            client = await connect(broker)
            reader, writer = await _ask(broker, "/frames/tap", "GET", "", {})
            while b"kbroker-frames 1\n" not in await reader.readline():
                pass
            await reader.readline()  # the end of that piece
            await client.ask(metadata("m"), 12)
            client.send(SaslAuthenticateRequest(auth_bytes=b"\0alice\0secret"), 2)
            said = b""
            while len(list(_whole(said))) < 2:
                size = int(await reader.readline(), 16)
                said += await reader.readexactly(size)
                await reader.readline()
            first, second = exchanges(BytesIO(b"kbroker-frames 1\n" + said), "b")
            assert first.request.endswith(b"m\x00\x00\x00\x00") and first.reply is not None
            assert b"secret" not in said and second.request[:2] == b"\x00\x24"
            writer.close()
            await client.close()

    def _whole(said: bytes) -> Any:
        from kbroker.control.history import _seen_in

        return _seen_in(said) if said else ()

    run(body)


def test_who_may_not_alter_the_cluster_sees_nothing_of_the_wire() -> None:
    async def body() -> None:
        secured = {"authorizer_class_name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer"}
        async with serving(kbroker_http=HTTP, **secured) as broker:
            for path in ("/frames/list", "/frames/follow", "/frames/tap", "/frames/one?number=1"):
                status, text = await get(broker, path)
                assert status == 409 and "CLUSTER_AUTHORIZATION_FAILED" in text, path

    run(body)


def test_every_path_is_in_the_document() -> None:
    async def body() -> None:
        async with serving(kbroker_http=HTTP) as broker:
            paths = (await asked(broker, "/openapi.json"))["paths"]
            for word in ("follow", "list", "one", "group", "transaction", "tap"):
                assert paths[f"/frames/{word}"]["get"]["summary"], word

    run(body)
