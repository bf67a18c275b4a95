"""Single records by HTTP: how they are shown, written, sent again, and told as what became of them."""

import json
from typing import Any

import pytest

from wire.batch import write_crc
from wire.compression import GZIP, ZSTD
from wire.records import Record, build_batch, transaction_marker

from ..running import run
from .asking import get, post
from .stocked import batch_written, door, exported, found, made, produced, values


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
