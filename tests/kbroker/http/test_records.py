"""Records by HTTP: found wherever they are, and told as they are found."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.http import scanning
from kbroker.http.kafka import Visitor
from kbroker.http.records import ROWS, spans_of
from kbroker.http.visiting import Visit
from kbroker.records.lines import from_json

from ..running import run
from .asking import events, get, head, post
from .stocked import door, exported, found, made, news, produced, values

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


@settings(max_examples=25)
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
