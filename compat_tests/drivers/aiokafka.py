"""aiokafka behind the common interface: its event loop runs in a thread of its own, and every call waits there.

Its producer refuses null header values and records with neither key nor value by itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.errors import KafkaError

from compat_tests import drivers
from compat_tests.drivers import Answer, Out, Place, Rebalances, Record, Refused, Stored
from compat_tests.tools import DEADLINE_S

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]


class LoopThread:
    """An event loop in a thread; `run` executes a coroutine there and waits for its result."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="aiokafka", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T], seconds: float = DEADLINE_S) -> T:
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, seconds), self.loop).result()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.run_until_complete(self._end_what_is_left())
        self.loop.close()

    async def _end_what_is_left(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


class Producer(drivers.Producer):
    def __init__(self, inner: AIOKafkaProducer, thread: LoopThread) -> None:
        self.inner = inner
        self.thread = thread
        self._open = True

    def send_all(self, topic: str, records: Iterable[Out], seconds: float = DEADLINE_S) -> list[Answer]:
        return self.thread.run(self._send_all(topic, records), seconds)

    async def _send_all(self, topic: str, records: Iterable[Out]) -> list[Answer]:
        futures: list[Any] = []
        for record in records:
            try:
                futures.append(
                    await self.inner.send(
                        topic,
                        record.value,
                        record.key,
                        record.partition,
                        record.timestamp_ms,
                        list(record.headers),
                    )
                )
            except KafkaError as error:
                futures.append(error)
        answers: list[Answer] = []
        for future in futures:
            try:
                if isinstance(future, KafkaError):
                    raise future
                metadata = await future  # None with acks=0
                answers.append(Stored(metadata.partition, metadata.offset) if metadata else Stored(-1, -1))
            except KafkaError as error:
                answers.append(Refused(getattr(error, "errno", 0), repr(error)))
        return answers

    def close(self) -> None:
        if self._open:
            self._open = False
            self.thread.run(self.inner.stop())


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, rebalances: Rebalances) -> None:
        self.rebalances = rebalances

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        self.rebalances.revoked += 1

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        self.rebalances.assigned += 1
        self.rebalances.places.append({(place.topic, place.partition) for place in assigned})


class Consumer(drivers.Consumer):
    def __init__(self, inner: AIOKafkaConsumer, thread: LoopThread) -> None:
        self.inner = inner
        self.thread = thread
        self.rebalances = Rebalances()
        self._open = True

    def _call(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        async def call() -> T:
            return function(*arguments, **named)

        return self.thread.run(call())

    def subscribe(self, *topics: str) -> None:
        self._call(self.inner.subscribe, list(topics), listener=_Listener(self.rebalances))

    def assign(self, places: Sequence[Place]) -> None:
        self._call(self.inner.assign, [TopicPartition(*place) for place in places])

    def poll(self, seconds: float = 0.2) -> list[Record]:
        polled = self.thread.run(self.inner.getmany(timeout_ms=int(seconds * 1000), max_records=5000))
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
        return {(place.topic, place.partition) for place in self._call(self.inner.assignment)}

    def seek(self, place: Place, offset: int) -> None:
        self._call(self.inner.seek, TopicPartition(*place), offset)

    def pause(self, place: Place) -> None:
        self._call(self.inner.pause, TopicPartition(*place))

    def resume(self, place: Place) -> None:
        self._call(self.inner.resume, TopicPartition(*place))

    def position(self, place: Place) -> int:
        return int(self.thread.run(self.inner.position(TopicPartition(*place))))

    def commit(self, offsets: Mapping[Place, int] | None = None) -> None:
        named = None if offsets is None else {TopicPartition(*place): offset for place, offset in offsets.items()}
        self.thread.run(self.inner.commit(named))

    def committed(self, place: Place) -> int | None:
        offset = self.thread.run(self.inner.committed(TopicPartition(*place)))
        return None if offset is None else int(offset)

    def offset_for_time(self, place: Place, timestamp_ms: int) -> int | None:
        partition = TopicPartition(*place)
        found = self.thread.run(self.inner.offsets_for_times({partition: timestamp_ms}))[partition]
        return None if found is None else int(found.offset)

    def watermarks(self, place: Place) -> tuple[int, int]:
        partition = TopicPartition(*place)
        start = self.thread.run(self.inner.beginning_offsets([partition]))[partition]
        end = self.thread.run(self.inner.end_offsets([partition]))[partition]
        return start, end

    def close(self) -> None:
        if self._open:
            self._open = False
            try:
                self.thread.run(self.inner.stop())
            except CancelledError:
                pass  # its own: stop() cancels itself when it is just looking for a coordinator that went away


class AioKafka(drivers.Client):
    name = "aiokafka"
    null_headers = False
    all_null = False

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap)
        self.thread = LoopThread()
        self._made: list[Producer | Consumer] = []
        self._admin: AIOKafkaAdminClient | None = None

    @property
    def admin(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            self._admin = self.thread.run(self._start_admin())
        return self._admin

    async def _start_admin(self) -> AIOKafkaAdminClient:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        return admin

    def create_topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        self.thread.run(self.admin.create_topics([NewTopic(name, partitions, 1, topic_configs=dict(config or {}))]))
        return name

    def delete_topic(self, name: str) -> None:
        self.thread.run(self.admin.delete_topics([name]))

    def delete_records(self, place: Place, before: int) -> None:
        self.thread.run(self.admin.delete_records({TopicPartition(*place): RecordsToDelete(before)}))

    def producer(
        self,
        *,
        compression: str = "none",
        acks: int | str = "all",
        idempotent: bool = True,
        linger_ms: int = 5,
        max_request_bytes: int = 1 << 20,
    ) -> Producer:
        async def start() -> AIOKafkaProducer:
            inner = AIOKafkaProducer(
                bootstrap_servers=self.bootstrap,
                compression_type=None if compression == "none" else compression,
                acks=acks,
                enable_idempotence=idempotent,
                linger_ms=linger_ms,
                max_request_size=max_request_bytes,
            )
            await inner.start()
            return inner

        producer = Producer(self.thread.run(start()), self.thread)
        self._made.append(producer)
        return producer

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
        async def start() -> AIOKafkaConsumer:
            inner = AIOKafkaConsumer(
                bootstrap_servers=self.bootstrap,
                group_id=group,
                group_instance_id=instance_id,
                auto_offset_reset=reset,
                enable_auto_commit=False,
                session_timeout_ms=session_timeout_ms,
                heartbeat_interval_ms=heartbeat_ms,
                fetch_max_wait_ms=fetch_max_wait_ms,
                max_partition_fetch_bytes=partition_bytes,
            )
            await inner.start()
            return inner

        consumer = Consumer(self.thread.run(start()), self.thread)
        self._made.append(consumer)
        return consumer

    def close(self) -> None:
        for made in self._made:
            made.close()
        if self._admin is not None:
            self.thread.run(self._admin.close())
        self.thread.close()
