"""kafka-python behind the common interface. It is synchronous already, so little is left to translate.

Null header values and records with neither key nor value are refused by the library itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from compat_tests import drivers
from compat_tests.drivers import Answer, Out, Place, Rebalances, Record, Refused, Stored
from compat_tests.tools import DEADLINE_S, Deadline


def refused(error: KafkaError) -> Refused:
    return Refused(getattr(error, "errno", None) or 0, repr(error))


def know_partitions(consumer: KafkaConsumer, *topics: str) -> None:
    """Fetches metadata before the first poll joins. A leader that assigns before its metadata is there gives nobody
    anything, and when it comes between that and the end of the join nothing tells kafka-python to join again."""
    for topic in topics:
        consumer.partitions_for_topic(topic)


class Producer(drivers.Producer):
    def __init__(self, inner: KafkaProducer) -> None:
        self.inner = inner

    def send_all(self, topic: str, records: Iterable[Out], seconds: float = DEADLINE_S) -> list[Answer]:
        futures: list[Any] = []
        for record in records:
            try:
                futures.append(
                    self.inner.send(
                        topic,
                        record.value,
                        record.key,
                        list(record.headers),
                        partition=record.partition,
                        timestamp_ms=record.timestamp_ms,
                    )
                )
            except KafkaError as error:
                futures.append(error)
        deadline = Deadline("the acknowledgements", seconds)
        answers: list[Answer] = []
        for future in futures:
            try:
                if isinstance(future, KafkaError):
                    raise future
                metadata = future.get(timeout=deadline.left())
                answers.append(Stored(metadata.partition, metadata.offset))
            except KafkaError as error:
                answers.append(refused(error))
        return answers

    def close(self) -> None:
        self.inner.close(timeout=10)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, rebalances: Rebalances) -> None:
        self.rebalances = rebalances

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        self.rebalances.revoked += 1

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        self.rebalances.assigned += 1
        self.rebalances.places.append({(place.topic, place.partition) for place in assigned})


class Consumer(drivers.Consumer):
    def __init__(self, inner: KafkaConsumer) -> None:
        self.inner = inner
        self.rebalances = Rebalances()
        self._open = True

    def subscribe(self, *topics: str) -> None:
        self.inner.subscribe(list(topics), listener=_Listener(self.rebalances))
        know_partitions(self.inner, *topics)

    def assign(self, places: Sequence[Place]) -> None:
        self.inner.assign([TopicPartition(*place) for place in places])

    def poll(self, seconds: float = 0.2) -> list[Record]:
        polled = self.inner.poll(timeout_ms=int(seconds * 1000), max_records=5000)
        return [
            Record(
                record.topic,
                record.partition,
                record.offset,
                record.key,
                record.value,
                tuple(record.headers),
                record.timestamp,
                record.timestamp_type == 1,
            )
            for records in polled.values()
            for record in records
        ]

    def assignment(self) -> set[Place]:
        return {(place.topic, place.partition) for place in self.inner.assignment()}

    def seek(self, place: Place, offset: int) -> None:
        self.inner.seek(TopicPartition(*place), offset)

    def pause(self, place: Place) -> None:
        self.inner.pause(TopicPartition(*place))

    def resume(self, place: Place) -> None:
        self.inner.resume(TopicPartition(*place))

    def position(self, place: Place) -> int:
        return int(self.inner.position(TopicPartition(*place)))

    def commit(self, offsets: Mapping[Place, int] | None = None) -> None:
        if offsets is None:
            self.inner.commit()
        else:
            self.inner.commit(
                {TopicPartition(*place): OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}
            )

    def committed(self, place: Place) -> int | None:
        offset = self.inner.committed(TopicPartition(*place))
        return None if offset is None else int(offset)

    def offset_for_time(self, place: Place, timestamp_ms: int) -> int | None:
        partition = TopicPartition(*place)
        found = self.inner.offsets_for_times({partition: timestamp_ms})[partition]
        return None if found is None else int(found.offset)

    def watermarks(self, place: Place) -> tuple[int, int]:
        partition = TopicPartition(*place)
        return self.inner.beginning_offsets([partition])[partition], self.inner.end_offsets([partition])[partition]

    def close(self) -> None:
        if self._open:
            self._open = False
            self.inner.close(autocommit=False)


class KafkaPython(drivers.Client):
    name = "kafka-python"
    null_headers = False
    all_null = False

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap)
        self._made: list[Producer | Consumer] = []
        self._admin: KafkaAdminClient | None = None

    @property
    def admin(self) -> KafkaAdminClient:
        if self._admin is None:
            self._admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        return self._admin

    def create_topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        self.admin.create_topics([NewTopic(name, partitions, 1, topic_configs=dict(config or {}))])
        self.admin.wait_for_topics([name])  # Apache Kafka tells of a new topic a moment after it answered
        return name

    def delete_topic(self, name: str) -> None:
        self.admin.delete_topics([name])

    def delete_records(self, place: Place, before: int) -> None:
        self.admin.delete_records({TopicPartition(*place): before})

    def producer(
        self,
        *,
        compression: str = "none",
        acks: int | str = "all",
        idempotent: bool = True,
        linger_ms: int = 5,
        max_request_bytes: int = 1 << 20,
    ) -> Producer:
        inner = KafkaProducer(
            bootstrap_servers=self.bootstrap,
            compression_type=None if compression == "none" else compression,
            acks=acks,
            enable_idempotence=idempotent,
            linger_ms=linger_ms,
            max_request_size=max_request_bytes,
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
        inner = KafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=group,
            group_instance_id=instance_id,
            auto_offset_reset=reset,
            enable_auto_commit=False,
            session_timeout_ms=session_timeout_ms,
            heartbeat_interval_ms=heartbeat_ms,
            fetch_max_wait_ms=fetch_max_wait_ms,
            max_partition_fetch_bytes=partition_bytes,
            allow_auto_create_topics=auto_create,
        )
        self._made.append(Consumer(inner))
        return self._made[-1]  # type: ignore[return-value]

    def close(self) -> None:
        for made in self._made:
            made.close()
        if self._admin is not None:
            self._admin.close()
