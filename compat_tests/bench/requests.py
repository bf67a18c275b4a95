"""What one small request costs inside the broker, without sockets and without a second process.

    python -m compat_tests.bench.requests [--only produce,fetch] [--turn 8] [--depth 5] [--seconds 1] [--profile NAME]

A whole broker on a fresh data directory; `Connection.get_buffer` and `buffer_updated` are fed with canned frames, and a
transport that keeps nothing takes the replies. So what is measured is everything between the bytes of a request and the
bytes of its reply, the write of the log included, and nothing of the kernel's network. It is CPU time of this one
thread, the best of several rounds: what others do on the machine hardly shows.

    us       per request, `--turn` of them in one turn of the loop (a busy loop serves many clients in each turn)
    alone    per request, one in a turn
    calls    Python functions entered per request, counted by sys.setprofile: exact, the same on every machine
    parts    the same request in pieces that can be measured alone: its header, its body, its reply

`--profile produce` prints where the time goes, by cProfile.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import struct
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

try:
    import uvloop  # before the broker, which looks whether it is there
except ImportError:
    uvloop = None

from kbroker.broker import Broker
from kbroker.config import Config
from kbroker.server.connection import Connection
from wire.batch import Batch, write_crc
from wire.errors import ErrorCode
from wire.header import decode_request_header, decode_response_header, encode_request_header, response_header_version
from wire.messages.api_versions import ApiVersionsRequest
from wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from wire.messages.find_coordinator import FindCoordinatorRequest
from wire.messages.heartbeat import HeartbeatRequest
from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from wire.records import Record, build_batch
from wire.registry import APIS
from wire.schema import Request

PARTITIONS = 6
CONNECTIONS = 64
TOPIC = "bench"
GROUP = "bench-group"
PRODUCERS = itertools.count(0x7C0FFEE << 16)  # ids of idempotent producers: what no other bytes of a frame are
PRODUCER, PRODUCER_AT = b"\x07\xc0\xff\xee", 45
SEQUENCE, SEQUENCE_AT = struct.Struct(">i"), 53


class Sink:
    """A transport that swallows replies."""

    def __init__(self) -> None:
        self.last: list[bytes] = []
        self.keep = False
        self.connection: Any = None

    def get_extra_info(self, name: str) -> Any:
        return {"peername": ("127.0.0.1", 5000), "sockname": ("127.0.0.1", 9092)}.get(name)

    def write(self, data: Any) -> None:
        if self.keep:
            self.last.append(bytes(data))

    def writelines(self, parts: Iterable[Any]) -> None:
        if self.keep:
            self.last.append(b"".join(parts))

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None:
        asyncio.get_running_loop().call_soon(self.connection.connection_lost, None)

    abort = close


class Line:
    """One connection and the frame that it sends over and over; as an idempotent producer, with the next sequence each
    time."""

    def __init__(self, broker: Broker) -> None:
        server = broker.server
        assert server is not None
        node = broker.nodes[0]
        self.sink = Sink()
        self.connection = server.connection(node, next(iter(node.listeners.values())))()
        self.sink.connection = self.connection
        self.connection.connection_made(self.sink)  # type: ignore[arg-type]
        self.frame = b""
        self.sequence = -1  # the last one; of who is no idempotent producer it stays so
        self.numbered: deque[bytes] = deque()

    def send(self, frame: bytes) -> None:
        size = len(frame)
        self.connection.get_buffer(-1)[:size] = frame
        self.connection.buffer_updated(size)

    def waits(self) -> bool:
        return not self.connection.is_idle

    async def ask(self, request: Request, version: int) -> Any:
        self.sink.keep, self.sink.last = True, []
        self.send(framed(request, version))
        while not self.sink.last:
            await asyncio.sleep(0)
        self.sink.keep = False
        key = request.__api_key__
        reply = self.sink.last[0][4:]
        _, offset = decode_response_header(reply, response_header_version(key, version))
        return APIS[key].response_class().decode(reply[offset:], version)


def ready(lines: list[Line], count: int) -> None:
    """So many requests will be sent: the frames of idempotent producers are made before the clock runs."""
    for line in lines:
        at = line.frame.find(PRODUCER) - PRODUCER_AT
        if at < 0:
            continue
        frame = bytearray(line.frame)
        batch = Batch.parse(frame, at).buffer
        while len(line.numbered) * len(lines) < count + len(lines):
            line.sequence += 1
            SEQUENCE.pack_into(batch, SEQUENCE_AT, line.sequence)
            write_crc(batch)
            line.numbered.append(bytes(frame))


def framed(request: Request, version: int) -> bytes:
    body = encode_request_header(request.__api_key__, version, 7, "bench") + request.encode(version)
    return struct.pack(">i", len(body)) + body


# --- the requests -----------------------------------------------------------------------------------------------------


def small_batch(producer_id: int = -1) -> bytes:
    record = Record(key=None, value=b"v" * 100, timestamp=int(time.time() * 1000))
    epoch = sequence = 0 if producer_id >= 0 else -1
    return bytes(build_batch([record], producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence))


def produce_idempotent(version: int, partition: int, topic_id: bytes) -> Request:
    return produce(version, partition, topic_id, next(PRODUCERS))


def produce(version: int, partition: int, topic_id: bytes, producer_id: int = -1) -> Request:
    data = [PartitionProduceData(index=partition, records=memoryview(small_batch(producer_id)))]
    topic = TopicProduceData(partition_data=data)
    if version >= 13:
        topic.topic_id = topic_id
    else:
        topic.name = TOPIC
    return ProduceRequest(acks=-1, timeout_ms=30_000, topic_data=[topic])


def fetch(version: int, partition: int, topic_id: bytes) -> Request:
    asked = FetchPartition(partition=partition, fetch_offset=0, partition_max_bytes=1 << 20)
    topic = FetchTopic(partitions=[asked])
    if version >= 13:
        topic.topic_id = topic_id
    else:
        topic.topic = TOPIC
    return FetchRequest(max_wait_ms=0, min_bytes=1, max_bytes=1 << 20, session_epoch=-1, topics=[topic])


def metadata(version: int, partition: int, topic_id: bytes) -> Request:
    return MetadataRequest(topics=[MetadataRequestTopic(name=TOPIC)], allow_auto_topic_creation=False)


def api_versions(version: int, partition: int, topic_id: bytes) -> Request:
    return ApiVersionsRequest(client_software_name="bench", client_software_version="1")


def commit(version: int, partition: int, topic_id: bytes) -> Request:
    part = OffsetCommitRequestPartition(partition_index=partition, committed_offset=1, committed_metadata="")
    topic = OffsetCommitRequestTopic(name=TOPIC, partitions=[part])
    return OffsetCommitRequest(group_id=f"{GROUP}-{partition}", topics=[topic])


KINDS: dict[str, tuple[Callable[[int, int, bytes], Request], int]] = {
    # fetch before produce: the log is empty then, and what it asks for is the tail
    "metadata": (metadata, 4),
    "metadata v12": (metadata, 12),
    "fetch": (fetch, 11),
    "fetch v17": (fetch, 17),
    "api_versions": (api_versions, 3),
    "heartbeat": (lambda *_: HeartbeatRequest(), 4),  # see `members`
    "consumer heartbeat": (lambda *_: ConsumerGroupHeartbeatRequest(), 0),  # see `consumers`
    "offset_commit": (commit, 8),
    "produce": (produce, 9),
    "produce v13": (produce, 13),
    "produce idempotent": (produce_idempotent, 9),
}


async def members(lines: list[Line]) -> list[bytes]:
    """The first connections join a group of their own each; their heartbeats."""
    frames = []
    for index, line in enumerate(lines):
        asked = JoinGroupRequest(
            group_id=f"{GROUP}-hb-{index}",
            session_timeout_ms=600_000,
            rebalance_timeout_ms=600_000,
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol(name="range", metadata=b"")],
        )
        joined = await line.ask(asked, 5)
        assert joined.error_code == ErrorCode.MEMBER_ID_REQUIRED, joined
        asked.member_id = joined.member_id
        joined = await line.ask(asked, 5)
        assert joined.error_code == ErrorCode.NONE, joined
        given = [SyncGroupRequestAssignment(member_id=joined.member_id, assignment=b"x")]
        known = {"group_id": asked.group_id, "member_id": joined.member_id, "generation_id": joined.generation_id}
        await line.ask(SyncGroupRequest(**known, assignments=given), 4)
        frames.append(framed(HeartbeatRequest(**known), 4))
    return frames


async def consumers(lines: list[Line]) -> list[bytes]:
    """The same with the new protocol (KIP-848): all in one group, each with a member id of its own."""
    frames = []
    for _ in range(2):  # the second time everybody has been given what the others gave up
        frames = []
        for index, line in enumerate(lines):
            asked = ConsumerGroupHeartbeatRequest(
                group_id=f"{GROUP}-new",
                member_id=f"member-{index}",
                rebalance_timeout_ms=600_000,
                subscribed_topic_names=[TOPIC],
                topic_partitions=[],
            )
            joined = await line.ask(asked, 0)
            assert joined.error_code == ErrorCode.NONE, joined
    for index, line in enumerate(lines):
        beat = ConsumerGroupHeartbeatRequest(group_id=f"{GROUP}-new", member_id=f"member-{index}")
        beat.member_epoch = joined.member_epoch
        assert (await line.ask(beat, 0)).error_code == ErrorCode.NONE
        frames.append(framed(beat, 0))
    return frames


# --- measuring --------------------------------------------------------------------------------------------------------


async def turns(lines: list[Line], per_turn: int, count: int) -> None:
    """Send `count` times, so many in each turn of the loop, and wait for all replies of a turn."""
    sleep = asyncio.sleep
    sent = 0
    ready(lines, count)
    while sent < count:
        now = [lines[(sent + i) % len(lines)] for i in range(per_turn)]
        for line in now:
            line.send(line.numbered.popleft() if line.numbered else line.frame)
        for line in now:
            while line.waits():
                await sleep(0)
        sent += per_turn


async def harness_cost(per_turn: int, count: int) -> float:
    """What `turns` itself takes for each request, to be taken off."""

    class Nothing(Line):
        def __init__(self) -> None:
            self.sink = Sink()
            self.frame = b"x" * 200
            self.numbered = deque()
            self.room = memoryview(bytearray(1 << 16))

        def send(self, frame: bytes) -> None:
            size = len(frame)
            self.room[:size] = frame

        def waits(self) -> bool:
            return False

    return await best([Nothing() for _ in range(CONNECTIONS)], per_turn, count, 5)  # type: ignore[misc]


async def best(lines: list[Line], per_turn: int, count: int, rounds: int) -> float:
    found = []
    for _ in range(rounds):
        ready(lines, count)
        before = time.thread_time()
        await turns(lines, per_turn, count)
        found.append((time.thread_time() - before) / count * 1e6)
    return min(found)


async def calls(lines: list[Line], per_turn: int) -> float:
    """Python functions that are entered per request, ours and the library's."""
    idle: Any = Connection.is_idle
    mine = {turns.__code__, ready.__code__, Line.send.__code__, Line.waits.__code__}
    if isinstance(idle, property):  # compiled, it is nothing that is entered
        mine.add(idle.fget.__code__)
    mine |= {Sink.write.__code__, Sink.writelines.__code__, Sink.is_closing.__code__}
    entered = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal entered
        if event == "call" and frame.f_code not in mine:
            entered += frame.f_back is None or frame.f_back.f_code is not turns.__code__

    count = per_turn * 50
    ready(lines, count)
    sys.setprofile(note)
    await turns(lines, per_turn, count)
    sys.setprofile(None)
    return entered / count


def parts(line: Line, key: int, version: int, reply: bytes) -> Iterator[tuple[str, float]]:
    """Pieces of the request, each alone, in microseconds."""
    frame = bytearray(line.frame[4:])
    request_class, response_class = APIS[key].request_class(), APIS[key].response_class()
    at = decode_request_header(frame)[-1]
    _, offset = decode_response_header(reply, response_header_version(key, version))
    response = response_class.decode(reply[offset:], version)
    yield "header", alone(lambda: decode_request_header(frame))
    yield "decode", alone(lambda: request_class.decode_from(frame, at, version))
    yield "encode", alone(lambda: response.parts(version))


def alone(call: Callable[[], object], count: int = 3000) -> float:
    found = []
    for _ in range(7):
        before = time.thread_time()
        for _ in range(count):
            call()
        found.append((time.thread_time() - before) / count * 1e6)
    return min(found)


async def prepare(broker: Broker, lines: list[Line], kind: str) -> tuple[int, int]:
    """Give every line its frame; key and version of the request."""
    make, version = KINDS[kind]
    catalog = broker.cluster.catalog
    if catalog.topic(TOPIC) is None:
        topic = CreatableTopic(name=TOPIC, num_partitions=PARTITIONS, replication_factor=1)
        await lines[0].ask(CreateTopicsRequest(topics=[topic], timeout_ms=30_000), 5)
        await lines[0].ask(FindCoordinatorRequest(key=GROUP, key_type=0), 3)  # makes the topic of the groups
    found = catalog.topic(TOPIC)
    assert found is not None
    requests = [make(version, index % PARTITIONS, found.id) for index in range(len(lines))]
    for line, request in zip(lines, requests, strict=True):
        line.frame = framed(request, version)
    if kind == "heartbeat":
        for line, frame in zip(lines, await members(lines), strict=True):
            line.frame = frame
    if kind == "consumer heartbeat":
        for line, frame in zip(lines, await consumers(lines), strict=True):
            line.frame = frame
    return requests[0].__api_key__, version


async def measure(broker: Broker, kind: str, arguments: argparse.Namespace, overhead: tuple[float, float]) -> None:
    lines = [Line(broker) for _ in range(CONNECTIONS)]
    key, version = await prepare(broker, lines, kind)
    await turns(lines, 8, 2048)
    depth = arguments.depth
    for line in lines:
        line.frame *= depth
    count = max(int(arguments.seconds * 20_000 / depth) // arguments.turn, 8) * arguments.turn
    if arguments.profile:
        profile(lambda: turns(lines, arguments.turn, count))
        await turns(lines, arguments.turn, count)
        show()
        return
    many = (await best(lines, arguments.turn, count, arguments.rounds) - overhead[0]) / depth
    one = (await best(lines, 1, count // 4, arguments.rounds) - overhead[1]) / depth
    entered = await calls(lines, arguments.turn) / depth
    for line in lines:
        line.frame = line.frame[: len(line.frame) // depth]
    lines[0].sink.keep, lines[0].sink.last = True, []
    await turns(lines[:1], 1, 1)
    pieces = "  ".join(f"{name} {us:.2f}" for name, us in parts(lines[0], key, version, lines[0].sink.last[0][4:]))
    print(f"{kind:18s} v{version:<3d} {many:7.2f} {one:7.2f} {entered:7.1f}   {pieces}", flush=True)


_profiler: Any = None


def profile(_: object) -> None:
    global _profiler
    import cProfile

    _profiler = cProfile.Profile()
    _profiler.enable()


def show() -> None:
    import pstats

    _profiler.disable()
    pstats.Stats(_profiler).sort_stats("tottime").print_stats(45)


async def main(arguments: argparse.Namespace) -> None:
    kinds = arguments.only.split(",") if arguments.only else list(KINDS)
    with tempfile.TemporaryDirectory() as folder:
        place = {"kbroker.memory": "true"} if arguments.memory else {"log.dirs": folder}
        place["group.initial.rebalance.delay.ms"] = "0"
        broker = Broker(Config({"listeners": "PLAINTEXT://127.0.0.1:0", **place}))
        await broker.start()
        overhead = (await harness_cost(arguments.turn, 8000), await harness_cost(1, 8000))
        if not arguments.profile:
            print(f"{'request':23s} {f'us/{arguments.turn}':>7s} {'alone':>7s} {'calls':>7s}   parts, us each")
        for kind in [arguments.profile] if arguments.profile else kinds:
            await measure(broker, kind, arguments, overhead)
        await broker.stop()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="some of: " + ", ".join(KINDS))
    parser.add_argument("--turn", type=int, default=16, help="requests in one turn of the loop")
    parser.add_argument("--depth", type=int, default=1, help="requests that one connection sends at a time")
    parser.add_argument("--seconds", type=float, default=0.5, help="so long, about, for each round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--profile", default="", help="one of the requests")
    parser.add_argument("--memory", action="store_true", help="the engine that keeps everything in memory")
    return parser.parse_args()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    if uvloop is not None:
        uvloop.install()
    asyncio.run(main(parsed()))
