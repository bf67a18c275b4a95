"""A writer that lives through crashes, and what has to be true of the log afterwards."""

from __future__ import annotations

import threading

from compat_tests.drivers import Answer, Client, Out, Producer, Record, Refused, Stored

PARTITIONS = 4


class Writer(threading.Thread):
    """Sends numbered records, chunk after chunk, until told to end; keeps the answer to each."""

    def __init__(self, producer: Producer, topic: str, chunk: int = 400) -> None:
        super().__init__(daemon=True)
        self.producer = producer
        self.topic = topic
        self.chunk = chunk
        self.answers: list[Answer] = []
        self.error: BaseException | None = None
        self._ended = threading.Event()

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                first = len(self.answers)
                records = [
                    Out(b"%d" % number, b"x" * 100, partition=number % PARTITIONS)
                    for number in range(first, first + self.chunk)
                ]
                self.answers += self.producer.send_all(self.topic, records, seconds=120)
        except BaseException as error:
            self.error = error

    def end(self) -> list[Answer]:
        self._ended.set()
        self.join(150)
        assert not self.is_alive(), "the producer never got its answers"
        if self.error is not None:
            raise self.error
        return self.answers


def read_everything(client: Client, topic: str) -> dict[int, list[Record]]:
    """All that is in the topic, by partition."""
    by_partition: dict[int, list[Record]] = {}
    with client.consumer() as consumer:
        for partition in range(PARTITIONS):
            consumer.assign([(topic, partition)])
            start, end = consumer.watermarks((topic, partition))
            by_partition[partition] = consumer.read(end - start)
            assert len(by_partition[partition]) == end - start
    return by_partition


def check(topic_records: dict[int, list[Record]], answers: list[Answer]) -> None:
    """Nothing acknowledged is lost or elsewhere, nothing is there twice, and each partition is in order."""
    found = {}
    for partition, records in topic_records.items():
        assert [record.offset for record in records] == list(range(len(records))), f"a hole in partition {partition}"
        numbers = [int(record.value or b"") for record in records]
        assert len(set(numbers)) == len(numbers), f"duplicates in partition {partition}"
        assert numbers == sorted(numbers), f"partition {partition} is out of order"
        found.update(
            {number: Stored(partition, record.offset) for number, record in zip(numbers, records, strict=True)}
        )
    for number, answer in enumerate(answers):
        assert not isinstance(answer, Refused), (number, answer)
        assert found.get(number) is not None, f"record {number} was acknowledged as {answer} and is lost"
        # A producer that learns of its success only by the answer to a duplicate may not know the offset.
        assert answer.offset < 0 or found[number] == answer, (number, answer)
