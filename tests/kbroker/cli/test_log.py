"""`kbroker log dump` as a user types it: over sound data, beside a running broker, and over every kind of damage."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kbroker.broker import Broker
from kbroker.catalog import NewTopic
from kbroker.cli.log import log
from storage.disk.files import RealReader
from storage.disk.inspect import look
from storage.engine import Buffer
from tests.kbroker.running import run, serving
from wire.records import Record, build_batch, transaction_marker

NOW = 1_700_000_000_000


def dump(*arguments: str | Path) -> Result:
    return CliRunner().invoke(log, ["dump", *map(str, arguments)])


async def write(broker: Broker, topic: str, count: int = 6, **options: object) -> None:
    found = broker.cluster.catalog.topic(topic)
    if found is None:
        configs = (("segment.bytes", "1048576"), ("cleanup.policy", "compact"))
        created = await broker.cluster.catalog.create_topics([NewTopic(topic, 1, 1, configs=configs)])
        found = created[0]
        assert not isinstance(found, Exception), found
    partition = broker.cluster.partitions.open(found, 0)
    await partition.ready()
    for i in range(count):
        record = Record(b"key %d" % (i % 2), b"value %d" % i, [("h", b"\x00")], NOW + i)
        await partition.append([build_batch([record, record._replace(value=bytes(300_000))], **options)])  # type: ignore[arg-type]


def data(path: Path, then: Callable[[Broker], Awaitable[None]] | None = None) -> Path:
    """A directory that a broker has left, with several segments of one topic."""

    async def body() -> None:
        async with serving(kbroker_memory="false", log_dir=str(path / "data")) as broker:
            await write(broker, "orders", 7, compression=0)
            await write(broker, "orders", 2, compression=3, producer_id=7, producer_epoch=1, base_sequence=3)
            if then is not None:
                await then(broker)

    run(body)
    return path / "data"


def segments(path: Path) -> list[Path]:
    """Of the topic, in order."""
    return sorted(found for found in path.rglob("*.log") if found.stat().st_size > 100_000)


def test_sound_data_is_shown_with_its_segments_and_checkpoints(tmp_path: Path) -> None:
    result = dump(data(tmp_path))
    assert result.exit_code == 0, result.output
    assert "the broker was stopped in good order" in result.output
    assert "orders-0: offsets 0 to 18, 3 segments" in result.output
    assert "offsets 0 to 6, 900" in result.output
    assert "sealed, index whole" in result.output
    assert "checkpoint partition at 18" in result.output
    assert "producer 7, epoch 1: last sequence 4 at offset 17" in result.output
    assert "all sound" in result.output
    assert "batch " not in result.output


def test_batches_and_records_are_shown_on_request(tmp_path: Path) -> None:
    path = data(tmp_path)
    result = dump("orders", "--data", path, "--records", "--from", "2", "--max", "100")
    assert result.exit_code == 0, result.output
    assert "batch 0..1" not in result.output
    assert "batch 2..3 at 300104, 300104 bytes, 2 records, none, epoch 0" in result.output
    assert '2: time 1700000000001, key "key 1", value "value 1", header h=0x00' in result.output.replace(
        "'\\x00'", "0x00"
    )
    assert "lz4, epoch 0, producer 7/1 sequence 3" in result.output
    assert "... (300000 bytes)" in result.output
    assert "catalog" not in result.output
    few = dump("orders-0", "--data", path, "--batches", "--max", "2")
    assert few.output.count("batch ") == 2


def test_what_only_brokers_write_is_shown_as_what_it_means(tmp_path: Path) -> None:
    async def commit(broker: Broker) -> None:
        topic = await broker.cluster.catalog.ensure_internal("__consumer_offsets")
        partition = broker.cluster.partitions.open(topic, 0)
        await partition.ready()
        await partition.append(
            [transaction_marker(False, coordinator_epoch=1, producer_id=9, producer_epoch=0, timestamp=NOW)]
        )

    path = data(tmp_path, commit)
    assert "CatalogTopicValue(name='orders'" in dump("catalog", "--data", path, "--records").output
    marker = dump("__consumer_offsets-0", "--data", path, "--records").output
    assert "0: abort" in marker
    assert "transactional, control" in marker


def test_a_running_broker_is_said_and_not_disturbed(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(kbroker_memory="false", log_dir=str(tmp_path / "data")) as broker:
            await write(broker, "orders", 3)
            result = await asyncio.to_thread(dump, tmp_path / "data")
            assert result.exit_code == 0, result.output
            assert f"process {os.getpid()} is running on it" in result.output
            assert "orders-0: offsets 0 to 6" in result.output
            await write(broker, "orders", 1)
            tail = segments(tmp_path / "data")[-1]
            with tail.open("ab") as file:
                file.write(b"half a batch")
            result = await asyncio.to_thread(dump, tmp_path / "data")
            assert result.exit_code == 0, result.output
            assert "it is being written" in result.output

    run(body)


class Sealing(RealReader):
    """A disk on which a broker seals a segment while it is looked at: its index is there at the second look."""

    def __init__(self, index: Path) -> None:
        self.unseen = str(index)

    def read(self, path: str, limit: int | None = None) -> Buffer | None:
        if path == self.unseen:
            self.unseen = ""
            return None
        return super().read(path, limit)


def test_a_segment_that_is_sealed_just_now_is_not_damaged(tmp_path: Path) -> None:
    path = data(tmp_path)
    found = look(Sealing(segments(path)[1].with_suffix(".index")), str(path))
    assert [segment.damage for log in found.logs.values() for segment in log.segments if segment.damage] == []


def flip(path: Path) -> str:
    middle = segments(path)[1]
    content = bytearray(middle.read_bytes())
    content[1000] ^= 1
    middle.write_bytes(content)
    return f"{middle} at 0 is no sound batch (its CRC or its size is wrong), where offset 6 should be"


def shorten(path: Path) -> str:
    middle = segments(path)[1]
    size = middle.stat().st_size
    os.truncate(middle, size - 10)
    return f"{middle} has {size - 10} bytes, it was sealed with {size}"


def take_away(path: Path) -> str:
    middle = segments(path)[1]
    middle.unlink()
    return f"{middle} is gone: offsets 6 to 12 were in it"


def spoil_an_index(path: Path) -> str:
    index = segments(path)[0].with_suffix(".index")
    content = bytearray(index.read_bytes())
    content[-1] ^= 1
    index.write_bytes(content)
    return f"{index} is damaged; it can be made again"


def cut_the_end_off(path: Path) -> str:
    last = segments(path)[-1]
    last.unlink()
    return "the log ends at 12, but the checkpoint partition is true up to 18"


def tear(path: Path) -> str:
    last = segments(path)[-1]
    with last.open("ab") as file:
        file.write(bytes(100))
    return "where offset 18 should be; the next start takes it off"


def break_the_journal(path: Path) -> str:
    journal = path / "logs.journal"
    content = bytearray(journal.read_bytes())
    content[20] ^= 1
    journal.write_bytes(content)
    return f"{journal} has a broken line at 0, with good ones behind it"


def take_an_index_away(path: Path) -> str:
    index = segments(path)[0].with_suffix(".index")
    index.unlink()
    return f"{index} is gone; it can be made again"


def take_the_journal_away(path: Path) -> str:
    (path / "logs.journal").unlink()
    return f"{path}/logs.journal is gone, and with it which logs the files in {path}/logs are"


def take_the_catalog_away(path: Path) -> str:
    (found,) = (path / "logs").glob("catalog@*.log")
    found.unlink()
    return "the catalog is empty, but there are logs of topics (1): its files have vanished"


HARMS = (
    flip, shorten, take_away, spoil_an_index, take_an_index_away, cut_the_end_off, tear, break_the_journal,
    take_the_journal_away, take_the_catalog_away,
)  # fmt: skip


@pytest.mark.parametrize("harm", HARMS)
def test_damage_is_told_with_file_and_offset_and_ends_with_1(tmp_path: Path, harm: Callable[[Path], str]) -> None:
    path = data(tmp_path)
    sentence = harm(path)
    result = dump(path)
    assert result.exit_code == 1, result.output
    damage = [line for line in result.output.splitlines() if line.lstrip().startswith("damage:")]
    assert [line for line in damage if sentence in line], (sentence, damage)
    assert "times damage" in result.output


def test_nothing_is_changed_by_looking(tmp_path: Path) -> None:
    path = data(tmp_path)
    tear(path)
    before = {found: found.read_bytes() for found in path.rglob("*") if found.is_file()}
    dump(path, "--records")
    assert {found: found.read_bytes() for found in path.rglob("*") if found.is_file()} == before


def test_what_is_no_data_directory_is_one_sentence(tmp_path: Path) -> None:
    result = dump(tmp_path)
    assert result.exit_code == 2
    assert f"there is no data in {tmp_path}" in result.output
    unknown = dump("payments", "--data", data(tmp_path))
    assert unknown.exit_code == 2
    assert "has no log of a topic 'payments'; it has catalog, orders." in unknown.output
