"""Bytes that nobody should send: whoever sends them may lose the connection, and that is all that happens.

Real requests of every API are damaged at random places. Whatever comes of it - an answer, an error, a closed
connection - the broker lives, no other client notices, no bug of ours shows, and what was written before is there.
"""

import asyncio
import random
import struct

import pytest

from kbroker.server.apis import Apis
from tests.kbroker.handlers.test_every_version import GROUP, TOPIC, commit, filled, produce
from tests.kbroker.running import Client, connect, run, serving
from wire.header import encode_request_header
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from wire.messages.find_coordinator import FindCoordinatorRequest
from wire.messages.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from wire.messages.metadata import MetadataRequest
from wire.registry import APIS

# Those that park, or that may rightly delete what the test looks for in the end.
LEFT_OUT = {"delete_records", "delete_topics", "fetch", "join_group", "produce", "sync_group", "write_txn_markers"}
EXTREMES = (b"\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", bytes(4), b"\xff" * 8, b"\0", b"\xff\xff\xff\xff\x0f")


def damaged(body: bytearray, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(body) + 1)
        match rng.randrange(4):
            case 0:
                body[place : place + 1] = rng.randbytes(1)
            case 1:
                extreme = rng.choice(EXTREMES)
                body[place : place + len(extreme)] = extreme
            case 2:
                del body[place : place + rng.randrange(1, 5)]
            case 3:
                body[place:place] = rng.randbytes(rng.randrange(1, 5))
    return bytes(body)


async def say(client: Client, frame: bytes) -> bool:
    """Send it; whether the connection is still there afterwards."""
    client.writer.write(struct.pack(">i", len(frame)) + frame)
    try:
        (size,) = struct.unpack(">i", await client.reader.readexactly(4))
        await client.reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    return True


@pytest.mark.parametrize("seed", range(4))
def test_damaged_requests_harm_nobody_else(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        rng = random.Random(seed)
        choices = [
            (key, version)
            for key, _, high in Apis().advertised()
            for version in range(APIS[key].min_version, high + 1)
            if APIS[key].name not in LEFT_OUT
        ]
        async with serving() as broker:
            good, bad = await connect(broker), await connect(broker)
            topic = CreatableTopic(name=TOPIC, num_partitions=1, replication_factor=1, assignments=[], configs=[])
            await good.ask(CreateTopicsRequest(topics=[topic], timeout_ms=1_000), 7)
            (known,) = (await good.ask(MetadataRequest(topics=None), 12)).topics
            await good.ask(produce(), 9)
            await good.ask(FindCoordinatorRequest(coordinator_keys=[GROUP]), 4)
            await good.ask(commit(), 8)
            for number in range(300):
                key, version = rng.choice(choices)
                request = filled(APIS[key].request_class()(), version, known.topic_id)
                frame = encode_request_header(key, version, number, "bad") + damaged(
                    bytearray(request.encode(version)), rng
                )
                if not await say(bad, frame):
                    await bad.close()
                    bad = await connect(broker)
            await bad.close()
            end = ListOffsetsPartition(partition_index=0, timestamp=-1)
            question = ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name=TOPIC, partitions=[end])])
            (told,) = (await good.ask(question, 7)).topics
            assert told.partitions[0].offset == 3
            await good.close()

    run(body)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
