"""Records by HTTP: found wherever they are, told as they are found, written and copied as a client would have it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.broker import Broker
from kbroker.http import scanning
from kbroker.http.kafka import Visitor
from kbroker.http.records import ROWS, spans_of
from kbroker.http.visiting import Visit
from kbroker.records.lines import from_json
from wire.batch import write_crc
from wire.compression import GZIP, ZSTD
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.primitives import ZERO_UUID
from wire.records import Record, build_batch, transaction_marker

from ..running import connect, run, serving
from .asking import events, get, head, post


@asynccontextmanager
async def door(**more: str) -> AsyncIterator[Broker]:
    async with serving(kbroker_http="127.0.0.1:0", **more) as broker:
        yield broker


async def made(broker: Broker, name: str, partitions: int = 1, **configs: str) -> None:
    pairs = [{"name": key.replace("_", "."), "value": value} for key, value in configs.items()]
    topic = {"name": name, "numPartitions": partitions, "replicationFactor": 1, "configs": pairs}
    _, answer = await post(broker, "/kafka/CreateTopics", {"topics": [topic], "timeoutMs": 1000})
    assert answer["topics"][0]["errorCode"] == 0, answer


async def produced(broker: Broker, topic: str, *values: Any, partition: int = 0) -> None:
    records = [value if isinstance(value, dict) else {"value": value} for value in values]
    body = {"topic": topic, "records": records, "partition": partition}
    status, answer = await post(broker, "/records/produce", body)
    assert status == 200, answer


async def batch_written(broker: Broker, topic: str, batch: bytearray, tid: str | None = None) -> None:
    client = await connect(broker)
    data = [TopicProduceData(name=topic, topic_id=ZERO_UUID,
                             partition_data=[PartitionProduceData(index=0, records=batch)])]  # fmt: skip
    answer = await client.ask(ProduceRequest(transactional_id=tid, acks=-1, timeout_ms=1000, topic_data=data), 9)
    assert answer.responses[0].partition_responses[0].error_code == 0, answer
    await client.close()


async def news(broker: Broker, **query: Any) -> list[Any]:
    """Everything that a search says."""
    return [event async for event in events(broker, f"/records/search?{urlencode(query, doseq=True)}") if event]


async def found(broker: Broker, **query: Any) -> list[Any]:
    return [record for each in await news(broker, **query) for record in each["records"]]


async def values(broker: Broker, **query: Any) -> list[Any]:
    return [record["value"] for record in await found(broker, **query)]


async def exported(broker: Broker, topic: str) -> list[str]:
    _, text = await get(broker, f"/records/export?topic={topic}")
    return [line for line in text.splitlines() if line]


ORDERS = (
    {"key": "a", "value": '{"order": {"state": "paid", "total": 7}}', "headers": [["from", "web"]], "timestamp": 1000},
    {"key": "b", "value": '{"order": {"state": "open", "items": [1, 2]}}', "timestamp": 2000},
    {"key": "paid", "value": "no JSON", "timestamp": 3000},
    {"key": None, "value": None, "timestamp": 4000},
    {"key": {"base64": "/w=="}, "value": {"base64": "/wA="}, "timestamp": 5000},
)


@pytest.mark.parametrize(
    ("query", "offsets"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"text": "paid"}, [0, 2]),
        ({"text": "key:paid"}, [2]),
        ({"text": "header.from:web"}, [0]),
        ({"regex": "^no"}, [2]),
        ({"regex": "value:(?i)OPEN"}, [1]),
        ({"path": ".order.state=paid"}, [0]),
        ({"path": ".order.items[1]=2"}, [1]),
        ({"path": ".order", "text": "open"}, [1]),
        ({"start": "3"}, [3, 4]),
        ({"start": "-2"}, [3, 4]),
        ({"start": "1", "end": "3"}, [1, 2]),
        ({"start": "1970-01-01T00:00:02"}, [1, 2, 3, 4]),
        ({"start": "latest"}, []),
        ({"order": "newest"}, [4, 3, 2, 1, 0]),
        ({"order": "newest", "limit": 2}, [4, 3]),
        ({"order": "newest", "text": "paid"}, [2, 0]),
        ({"limit": 2}, [0, 1]),
        ({"partitions": "0"}, [0, 1, 2, 3, 4]),
    ],
)
def test_what_is_asked_for_is_found(query: dict[str, Any], offsets: list[int]) -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "orders", retention_ms="-1")
            await produced(broker, "orders", *ORDERS)
            assert [record["offset"] for record in await found(broker, topic="orders", **query)] == offsets

    run(body)


def test_a_hit_is_the_line_that_the_commands_print() -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "orders", retention_ms="-1")
            await produced(broker, "orders", *ORDERS)
            shown = await found(broker, topic="orders")
            lines = await exported(broker, "orders")
            assert [json.loads(line) for line in lines] == shown
            wanted = [from_json(json.dumps(order))[0] for order in ORDERS]
            assert [from_json(line)[0] for line in lines] == wanted
            _, headers = await head(broker, "/records/export?topic=orders")
            assert headers["content-disposition"] == 'attachment; filename="orders.jsonl"'

    run(body)


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 40)), max_size=12),
    limit=st.integers(1, 60),
    newest=st.booleans(),
)
def test_whoever_goes_on_where_a_search_stopped_sees_each_record_once(
    sizes: list[tuple[int, int]], limit: int, newest: bool
) -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "t", 3)
            total = 0
            for partition, count in sizes:
                await produced(broker, "t", *(str(total + at) for at in range(count)), partition=partition)
                total += count
            seen: list[int] = []
            query: dict[str, Any] = {"topic": "t", "limit": limit, "order": "newest" if newest else "oldest"}
            for _ in range(total + 1):
                told = await news(broker, **query)
                got = [int(record["value"]) for each in told for record in each["records"]]
                seen += got
                assert len(got) <= limit and told[-1]["done"]
                if not told[-1]["left"]:
                    break
                query["next"] = json.dumps(told[-1]["next"])
            assert sorted(seen) == list(range(total))
            assert told[-1]["left"] == 0

    run(body)


def test_a_search_says_how_far_it_is_and_ends_with_its_client() -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "t")
            await produced(broker, "t", "one")
            told = await news(broker, topic="t", text="nowhere")
            assert [(each["scanned"], each["matched"], each["left"]) for each in told] == [(1, 0, 0)]
            topic = broker.cluster.catalog.topic("t")
            assert topic is not None
            waiters = broker.cluster.partitions.open(topic, 0).waiters
            stream: Any = events(broker, "/records/search?topic=t&follow=true")
            assert (await anext(stream))["records"][0]["value"] == "one"
            assert len(waiters) == 1
            await produced(broker, "t", "two", "three")
            seen: list[str] = []
            while len(seen) < 2:
                seen += [record["value"] for record in (await anext(stream))["records"]]
            assert seen == ["two", "three"]
            await stream.aclose()
            gone = asyncio.get_running_loop().create_future()
            waiters.watch(gone, lambda size: None)
            while len(waiters) > 1:
                await asyncio.sleep(0)

    run(body)


def test_a_search_gives_everybody_else_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every look at the clock found that the millisecond is over."""
    monkeypatch.setattr(scanning, "STEP_S", 0.0)

    async def body() -> None:
        async with door() as broker:
            await made(broker, "t")
            await produced(broker, "t", *map(str, range(1600)))
            turns = 0
            searching = asyncio.ensure_future(values(broker, topic="t", text="nowhere"))
            while not searching.done():
                turns += 1
                await asyncio.sleep(0)
            assert searching.result() == [] and turns > 1600 / scanning.LOOKS

    run(body)


@pytest.mark.parametrize("newest", [False, True])
@pytest.mark.parametrize("gone", [4, 10])
def test_what_retention_takes_meanwhile_is_not_missed(newest: bool, gone: int) -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "t")
            for at in range(10):
                await produced(broker, "t", str(at))
            spans = await spans_of(
                Visit(broker, Visitor("127.0.0.1", 0, "127.0.0.1")), "t", None, "earliest", None, False
            )
            await spans[0].partition.delete_records(gone)
            scan = scanning.Scan(broker.cluster.world, spans, scanning.Asked("t", newest=newest))
            told = [record["value"] async for news in scan.search() for record in news.records]
            assert sorted(told) == [str(at) for at in range(gone, 10)]

    run(body)


def test_a_topic_that_goes_away_ends_whoever_follows_it() -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "t")
            await produced(broker, "t", "v")
            stream: Any = events(broker, "/records/search?topic=t&follow=true")
            assert len((await anext(stream))["records"]) == 1
            await post(broker, "/kafka/DeleteTopics", {"topics": [{"name": "t"}], "timeoutMs": 1000})
            said = await anext(stream)
            assert "UNKNOWN_TOPIC_OR_PARTITION" in said["error"]["message"]

    run(body)


def test_no_expression_takes_forever_and_long_records_are_searched_too() -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "t")
            await produced(broker, "t", "a" * 60 + "!", "x" * (scanning.LONG_BYTES + 1) + "needle")
            assert await values(broker, topic="t", regex="^(a+)+$") == []
            (found_there,) = await values(broker, topic="t", regex="x+needle$", preview=4)
            assert found_there == "xxxx"

    run(body)


def test_of_a_burst_the_newest_are_told_and_the_others_counted() -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "t")
            await produced(broker, "t", *map(str, range(50)))
            stream: Any = events(broker, "/records/search?topic=t&follow=true&limit=5")
            first = await anext(stream)
            assert [record["value"] for record in first["records"]] == ["45", "46", "47", "48", "49"]
            assert (first["skipped"], first["matched"]) == (45, 5)
            await stream.aclose()

    run(body)


def test_long_values_are_cut_at_a_character_and_whole_where_one_is_asked_for() -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "t")
            long = "ü" * 1000
            await produced(broker, "t", {"key": long, "value": long, "headers": [["h", long]]})
            (shown,) = await found(broker, topic="t", preview=101)
            assert shown["value"] == shown["key"] == "ü" * 50
            assert shown["cut"] == {"key": 2000, "value": 2000, "header.h": 2000}
            _, text = await get(broker, "/records/one?topic=t&partition=0&offset=0")
            assert json.loads(text)["record"]["value"] == long

    run(body)


@pytest.mark.parametrize("codec", [0, GZIP, ZSTD])
def test_a_record_comes_with_its_batch(codec: int) -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "t", retention_ms="-1")
            records = [Record(b"k", b"v" * 50, (), 1000 + at) for at in range(3)]
            batch = build_batch(records, compression=codec, producer_id=7, producer_epoch=0, base_sequence=0)
            await batch_written(broker, "t", batch)
            _, text = await get(broker, "/records/one?topic=t&partition=0&offset=1")
            whole = json.loads(text)
            assert whole["record"]["timestamp"] == 1001
            told = whole["batch"]
            assert (told["baseOffset"], told["lastOffset"], told["records"]) == (0, 2, 3)
            assert (told["producerId"], told["producerEpoch"], told["baseSequence"]) == (7, 0, 0)
            assert told["codec"] == {0: "none", GZIP: "gzip", ZSTD: "zstd"}[codec]
            assert (told["bytes"], whole["size"] > 150) == (len(batch), True)
            _, text = await get(broker, "/records/batches?topic=t&partition=0")
            assert json.loads(text) == [told]
            assert (await get(broker, "/records/one?topic=t&partition=0&offset=3"))[0] == 404

    run(body)


def test_transactions_are_told_as_what_became_of_them() -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "t")
            topic = broker.cluster.catalog.topic("t")
            assert topic is not None
            partition = broker.cluster.partitions.open(topic, 0)
            for producer, committed in ((1, True), (2, False), (3, None)):
                record = [Record(None, b"%d" % producer, (), 5)]
                batch = build_batch(record, producer_id=producer, producer_epoch=0, base_sequence=0, transactional=True)
                await partition.append([batch])
                if committed is not None:
                    marker = transaction_marker(
                        committed, coordinator_epoch=4, producer_id=producer, producer_epoch=0, timestamp=5
                    )
                    await partition.append([marker])
            assert await values(broker, topic="t") == ["1", "2", "3"]
            assert await values(broker, topic="t", committed="true") == ["1"]
            shown = await found(broker, topic="t", control="true")
            markers = [record["control"] for record in shown if "control" in record]
            assert markers == [
                {"type": "commit", "producerId": 1, "coordinatorEpoch": 4},
                {"type": "abort", "producerId": 2, "coordinatorEpoch": 4},
            ]
            _, text = await get(broker, "/records/batches?topic=t&partition=0")
            told = [(each["transaction"], each["control"] and each["control"]["type"]) for each in json.loads(text)]
            assert told == [
                ("committed", None),
                ("none", "commit"),
                ("aborted", None),
                ("none", "abort"),
                ("open", None),
            ]

    run(body)


def test_what_brokers_write_for_themselves_is_told_as_what_it_means() -> None:
    async def body() -> None:
        async with door() as broker:
            commit = {"groupId": "g", "memberId": "", "topics": [{"name": "t", "partitions": [
                {"partitionIndex": 0, "committedOffset": 0, "committedMetadata": ""}]}]}  # fmt: skip
            await made(broker, "t")
            await post(broker, "/kafka/FindCoordinator", {"keyType": 0, "coordinatorKeys": ["g"]})
            status, answer = await post(broker, "/kafka/OffsetCommit?version=9", commit)
            assert status == 200 and answer["topics"][0]["partitions"][0]["errorCode"] == 0, answer
            shown = await found(broker, topic="__consumer_offsets", text="g")
            assert {"OffsetCommit": {"group": "g", "topic": "t", "partition": 0}} in [one["key"] for one in shown]

    run(body)


def test_a_batch_that_cannot_be_read_is_told_and_stops_nothing() -> None:
    async def body() -> None:
        async with door(kbroker_validate_records="false") as broker:
            await made(broker, "t", retention_ms="-1")
            broken = build_batch([Record(None, b"x" * 40, (), 1)])
            broken[61] = 0x7E  # the first record's length
            write_crc(broken)
            await batch_written(broker, "t", broken)
            await produced(broker, "t", "fine")
            first, second = await found(broker, topic="t")
            assert ("unreadable" in first, first["offset"], second["value"]) == (True, 0, "fine")
            assert await values(broker, topic="t", text="fine") == ["fine"]
            assert [json.loads(line)["value"] for line in await exported(broker, "t")] == ["fine"]

    run(body)


def test_records_go_where_their_keys_belong_or_where_they_are_told() -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "t", 4)
            records = [{"key": "k", "value": "1"}, {"value": "2", "partition": 3}, {"key": "k", "value": "3"}]
            _, places = await post(broker, "/records/produce", {"topic": "t", "records": records, "compression": "lz4"})
            assert [place["offset"] for place in places] == [0, 0, 1]
            assert places[0]["partition"] == places[2]["partition"] and places[1]["partition"] == 3
            for wrong, status in (
                ({"topic": "none", "records": []}, 404),
                ({"topic": "t", "records": [{"key": "k"}]}, 400),
                ({"topic": "t", "records": [{"value": "v"}], "partition": 9}, 404),
                ({"topic": "t", "records": [{"value": "v"}], "compression": "rar"}, 400),
                ({"topic": "t", "records": [{"value": "v", "timestamp": 1 << 60}]}, 409),
            ):
                assert (await post(broker, "/records/produce", wrong))[0] == status, wrong

    run(body)


def test_dead_letters_go_back_to_work_after_a_look() -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "dlq", retention_ms="-1")
            await made(broker, "orders", retention_ms="-1")
            letter = {"key": "k", "value": "v", "headers": [["trace", "1"], ["dlq.reason", "x"]], "timestamp": 77}
            await produced(broker, "dlq", letter, "other", letter)
            asked: dict[str, Any] = {
                "topic": "dlq",
                "to": "orders",
                "records": [{"partition": 0, "offset": at} for at in (0, 2, 9)],
                "drop_headers": ["dlq.*"],
            }
            _, plan = await post(broker, "/records/copy", asked)
            assert [row["problem"] for row in plan["records"]] == ["", "", "there is no such record"]
            assert (plan["executed"], plan["copied"], plan["problems"]) == (False, 0, 1)
            assert await found(broker, topic="orders") == [], "a dry run writes nothing"
            _, done = await post(broker, "/records/copy", {**asked, "execute": True})
            assert (done["executed"], done["copied"], done["problems"], done["failed"]) == (True, 2, 1, "")
            assert [row["to_offset"] for row in done["records"]] == [0, 1, -1]
            copies = await found(broker, topic="orders")
            assert [(one["key"], one["value"], one["headers"], one["timestamp"]) for one in copies] == [
                ("k", "v", [["trace", "1"]], 77)
            ] * 2
            assert (await post(broker, "/records/copy", {**asked, "to": "dlq"}))[0] == 400
            assert (await post(broker, "/records/copy", {**asked, "to": "none"}))[0] == 404

    run(body)


def test_a_dry_run_says_what_would_be_refused() -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "a")
            await made(broker, "small", max_message_bytes="200")
            await made(broker, "keyed", cleanup_policy="compact")
            await produced(broker, "a", "x" * 500, {"key": "k", "value": "short"})
            both = [{"partition": 0, "offset": 0}, {"partition": 0, "offset": 1}]
            for to, why in (("small", "small takes 200"), ("keyed", "it has no key")):
                asked = {"topic": "a", "to": to, "records": both}
                _, plan = await post(broker, "/records/copy", asked)
                problems = [row["problem"] for row in plan["records"]]
                assert why in problems[0] and problems[1] == ""
                _, done = await post(broker, "/records/copy", {**asked, "execute": True})
                assert [row["problem"] for row in done["records"]] == problems
                assert done["copied"] == 1

    run(body)


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("topic=none", 404, "no topic none"),
        ("", 400, "needs the argument topic"),
        ("topic=t&regex=(", 400, "missing closing"),
        ("topic=t&regex=(?=a)", 400, "no regular expression"),
        ("topic=t&path=order", 400, "no path"),
        ("topic=t&start=soon", 400, "no time"),
        ("topic=t&start=99999999999999d", 400, "no time"),
        ("topic=t&partitions=9", 404, "no partition 9"),
        ("topic=t&partitions=x", 400, "no partitions"),
        ("topic=t&limit=0", 400, "limit"),
        ("topic=t&limit=many", 400, "no JSON"),
        ("topic=t&order=best", 400, "oldest or newest"),
        ("topic=t&colour=1", 400, "no argument colour"),
        ("topic=t&follow=true&order=newest", 400, "followed"),
    ],
)
def test_what_is_wrong_is_said_before_a_stream_begins(query: str, status: int, word: str) -> None:
    async def body() -> None:
        async with door() as broker:
            await made(broker, "t")
            got, text = await get(broker, f"/records/search?{query}")
            assert (got, word in text) == (status, True), text

    run(body)


def test_the_console_reads_and_writes_only_what_access_rules_allow() -> None:
    async def body() -> None:
        rules = {"authorizer_class_name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer"}
        async with door(**rules, super_users="User:ANONYMOUS") as broker:
            await broker.cluster.catalog.auto_create("t")
            status, text = await get(broker, "/records/search?topic=t")
            assert (status, "TOPIC_AUTHORIZATION_FAILED" in text) == (409, True)
            for path, asked in (
                ("/records/produce", {"topic": "t", "records": [{"value": "v"}]}),
                ("/records/copy", {"topic": "t", "to": "u", "records": [{"partition": 0, "offset": 0}]}),
            ):
                status, answer = await post(broker, path, asked)
                assert (status, "TOPIC_AUTHORIZATION_FAILED" in answer["error"]["message"]) == (409, True)

    run(body)


def test_every_path_is_in_the_document() -> None:
    async def body() -> None:
        async with door() as broker:
            _, text = await get(broker, "/openapi.json")
            paths = json.loads(text)["paths"]
            for row in ROWS:
                operation = paths[row.path][row.method.lower()]
                assert operation["summary"] and operation["operationId"] == row.verb.name
            assert "text/event-stream" in paths["/records/search"]["get"]["responses"]["200"]["content"]

    run(body)
