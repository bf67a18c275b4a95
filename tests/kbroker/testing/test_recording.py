"""What went over the wire once is a test's data: a recording of real clients, served again."""

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from kbroker.control.recorded import Data, data_of
from kbroker.testing import Broker, ControlError
from kbroker.trace.exchange import Exchange
from kbroker.trace.recording import Recorder


def exchanges(broker: Broker) -> Iterator[Exchange]:
    for frame in broker.frames():
        reply = None if frame.reply is None else b64decode(frame.reply)
        yield Exchange(frame.number, frame.at_ms, frame.took_ms, "#1", "b", b64decode(frame.request), reply)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two partitions of `orders`: plain records, a committed and an aborted transaction, and a consumer that read what
    nobody was seen to write."""
    path = tmp_path_factory.mktemp("recording") / "seen.jsonl"
    with Broker(topics={"orders": 2, "old": 1}) as broker:
        broker.produce("old", "before", "anybody", "looked")
        with KafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            producer.send("orders", b"one", b"k", headers=[("h", b"x")], partition=0, timestamp_ms=1000)
            producer.send("orders", b"two", partition=1, timestamp_ms=2000)
        with KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id="t") as producer:
            producer.init_transactions()
            for value, end in ((b"never", producer.abort_transaction), (b"three", producer.commit_transaction)):
                producer.begin_transaction()
                producer.send("orders", value, partition=0, timestamp_ms=3000).get(10)
                end()
        consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
        consumer.assign([TopicPartition("old", 0)])
        assert len([next(consumer) for _ in range(3)]) == 3
        consumer.close()
        with open(path, "w") as opened:
            recorder = Recorder(opened, 0)
            for exchange in exchanges(broker):
                recorder.add(exchange)
    return path


def test_topics_and_records_of_a_recording_are_there_from_the_start(file: Path) -> None:
    with Broker.from_recording(file) as broker:
        assert {topic.name: len(topic.partitions) for topic in broker.topics()} == {"orders": 2, "old": 1}
        found = [(one.partition, one.offset, one.timestamp, one.value) for one in broker.records("orders")]
        assert found == [(0, 0, 1000, b"one"), (0, 1, 3000, b"three"), (1, 0, 2000, b"two")]
        first = broker.records("orders")[0]
        assert (first.key, [tuple(header) for header in first.headers]) == (b"k", [("h", b"x")])
        assert [one.value for one in broker.records("old")] == [b"before", b"anybody", b"looked"]


def test_a_recording_may_come_into_a_broker_that_runs(file: Path) -> None:
    with Broker(topics=["orders"]) as broker:
        broker.grow_topic("orders", 2)
        assert broker.load_recording(file.read_text()) == {"orders": 3, "old": 3}


def test_what_is_no_recording_is_said(tmp_path: Path) -> None:
    with Broker() as broker:
        for text in ("{}", "nonsense", json.dumps({"kbroker": 1}) + "\n{}"):
            with pytest.raises(ControlError, match="recording"):
                broker.load_recording(text)


def test_a_record_that_was_written_and_read_is_there_once(file: Path) -> None:
    with Broker(topics={"t": 1}) as broker:
        with KafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            producer.send("t", b"once")
        consumer = KafkaConsumer("t", bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
        assert next(consumer).value == b"once"
        consumer.close()
        found = data_of(exchanges(broker))
    assert [record.value for record in found.records[("t", 0)]] == [b"once"]


def test_frames_that_were_cut_or_are_none_are_passed_over() -> None:
    cut = Exchange(1, 0, 0, "", "", b"\0\0\0\x09\0\0\0\1\0\1a\0", b"\0\0\0\1")
    assert data_of([cut, cut._replace(request=b""), cut._replace(reply=None)]) == Data({}, {})
