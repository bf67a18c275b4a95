"""confluent-kafka (librdkafka) behind the common interface: deliveries and rebalances come by callback, from `poll`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from compat_tests import drivers
from compat_tests.drivers import Answer, ClientError, Out, Place, Rebalances, Record, Refused, Stored
from compat_tests.tools import DEADLINE_S, Deadline

PARTITION_EOF = confluent_kafka.KafkaError._PARTITION_EOF


def quiet(_: Any) -> None:
    """Connection errors are logged by the library; a test sees them as missing answers."""


class Producer(drivers.Producer):
    def __init__(self, inner: confluent_kafka.Producer) -> None:
        self.inner = inner

    def send_all(self, topic: str, records: Iterable[Out], seconds: float = DEADLINE_S) -> list[Answer]:
        answers: dict[int, Answer] = {}
        deadline = Deadline("the acknowledgements", seconds)
        count = 0
        for index, record in enumerate(records):
            count += 1
            self._produce(topic, record, index, answers, deadline)
        while len(answers) < count:
            self.inner.poll(0.2)
            deadline.check(f"({len(answers)} of {count})")
        return [answers[index] for index in range(count)]

    def _produce(self, topic: str, record: Out, index: int, answers: dict[int, Answer], deadline: Deadline) -> None:
        def delivered(error: Any, message: Any) -> None:
            if error is not None:
                answers[index] = Refused(error.code(), error.str())
            else:
                answers[index] = Stored(message.partition(), message.offset())

        named: dict[str, Any] = {} if record.timestamp_ms is None else {"timestamp": record.timestamp_ms}
        while True:
            try:
                self.inner.produce(
                    topic,
                    record.value,
                    record.key,
                    partition=record.partition,
                    headers=list(record.headers) or None,
                    on_delivery=delivered,
                    **named,
                )
                return
            except BufferError:  # the local queue is full: deliveries make room
                self.inner.poll(0.1)
                deadline.check()
            except KafkaException as error:
                answers[index] = Refused(error.args[0].code(), error.args[0].str())
                return

    def close(self) -> None:
        self.inner.flush(10)


class Consumer(drivers.Consumer):
    def __init__(self, inner: confluent_kafka.Consumer) -> None:
        self.inner = inner
        self.rebalances = Rebalances()
        self._open = True

    def subscribe(self, *topics: str) -> None:
        self.inner.subscribe(list(topics), on_assign=self._assigned, on_revoke=self._revoked)

    def _assigned(self, _: object, places: list[TopicPartition]) -> None:
        self.rebalances.assigned += 1
        self.rebalances.places.append({(place.topic, place.partition) for place in places})

    def _revoked(self, *_: object) -> None:
        self.rebalances.revoked += 1

    def assign(self, places: Sequence[Place]) -> None:
        self.inner.assign([TopicPartition(*place) for place in places])

    def poll(self, seconds: float = 0.2) -> list[Record]:
        first = self.inner.poll(seconds)
        messages = [] if first is None else [first, *self.inner.consume(5000, 0)]
        records = []
        for message in messages:
            if (error := message.error()) is not None:
                if error.code() == PARTITION_EOF or error.retriable() or error.code() < 0:
                    continue
                raise ClientError(error.code(), error.str())
            kind, timestamp_ms = message.timestamp()
            records.append(
                Record(
                    message.topic(),
                    message.partition(),
                    message.offset(),
                    message.key(),
                    message.value(),
                    tuple(message.headers() or ()),
                    timestamp_ms,
                    kind == confluent_kafka.TIMESTAMP_LOG_APPEND_TIME,
                )
            )
        return records

    def assignment(self) -> set[Place]:
        return {(place.topic, place.partition) for place in self.inner.assignment()}

    def seek(self, place: Place, offset: int) -> None:
        self.inner.seek(TopicPartition(*place, offset))

    def pause(self, place: Place) -> None:
        self.inner.pause([TopicPartition(*place)])

    def resume(self, place: Place) -> None:
        self.inner.resume([TopicPartition(*place)])

    def position(self, place: Place) -> int:
        return int(self.inner.position([TopicPartition(*place)])[0].offset)

    def commit(self, offsets: Mapping[Place, int] | None = None) -> None:
        if offsets is None:
            done = self.inner.commit(asynchronous=False)
        else:
            places = [TopicPartition(*place, offset) for place, offset in offsets.items()]
            done = self.inner.commit(offsets=places, asynchronous=False)
        for place in done:
            if place.error is not None:
                raise ClientError(place.error.code(), place.error.str())

    def committed(self, place: Place) -> int | None:
        offset = self.inner.committed([TopicPartition(*place)], timeout=DEADLINE_S)[0].offset
        return None if offset < 0 else int(offset)

    def offset_for_time(self, place: Place, timestamp_ms: int) -> int | None:
        found = self.inner.offsets_for_times([TopicPartition(*place, timestamp_ms)], timeout=DEADLINE_S)[0]
        return None if found.offset < 0 else int(found.offset)

    def watermarks(self, place: Place) -> tuple[int, int]:
        low, high = self.inner.get_watermark_offsets(TopicPartition(*place), timeout=DEADLINE_S)
        return low, high

    def close(self) -> None:
        if self._open:
            self._open = False
            self.inner.close()


class Confluent(drivers.Client):
    name = "confluent"

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap)
        self._made: list[Producer | Consumer] = []
        self._admin: AdminClient | None = None

    @property
    def admin(self) -> AdminClient:
        if self._admin is None:
            self._admin = AdminClient({"bootstrap.servers": self.bootstrap, "error_cb": quiet})
        return self._admin

    def create_topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        futures = self.admin.create_topics([NewTopic(name, partitions, 1, config=dict(config or {}))])
        futures[name].result(DEADLINE_S)
        return name

    def delete_topic(self, name: str) -> None:
        self.admin.delete_topics([name])[name].result(DEADLINE_S)

    def delete_records(self, place: Place, before: int) -> None:
        for future in self.admin.delete_records([TopicPartition(*place, before)]).values():
            future.result(DEADLINE_S)

    def producer(
        self,
        *,
        compression: str = "none",
        acks: int | str = "all",
        idempotent: bool = True,
        linger_ms: int = 5,
        max_request_bytes: int = 1 << 20,
    ) -> Producer:
        inner = confluent_kafka.Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "compression.type": compression,
                "acks": acks,
                "enable.idempotence": idempotent,
                "linger.ms": linger_ms,
                "message.max.bytes": max_request_bytes,
                "error_cb": quiet,
            }
        )
        self._made.append(Producer(inner))
        return self._made[-1]  # type: ignore[return-value]

    def consumer(
        self,
        *,
        group: str | None = None,
        instance_id: str | None = None,
        reset: str = "earliest",
        session_timeout_ms: int = 45_000,
        heartbeat_ms: int = 300,
        fetch_max_wait_ms: int = 500,
        partition_bytes: int = 1 << 20,
        auto_create: bool = True,
    ) -> Consumer:
        settings: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap,
            "group.id": group or "none",  # librdkafka wants a name even where no group is used
            "auto.offset.reset": reset,
            "enable.auto.commit": False,
            "session.timeout.ms": session_timeout_ms,
            "heartbeat.interval.ms": heartbeat_ms,
            "fetch.wait.max.ms": fetch_max_wait_ms,
            "max.partition.fetch.bytes": partition_bytes,
            "allow.auto.create.topics": auto_create,
            "error_cb": quiet,
        }
        if instance_id is not None:
            settings["group.instance.id"] = instance_id
        self._made.append(Consumer(confluent_kafka.Consumer(settings)))
        return self._made[-1]  # type: ignore[return-value]

    def close(self) -> None:
        for made in self._made:
            made.close()
