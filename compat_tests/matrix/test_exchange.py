"""Each client reads what each other one wrote: the same keys, values, headers and timestamps, in every codec.

librdkafka writes snappy as one raw block, the two Python clients in xerial's framing; their lz4 and zstd frames differ
too (block sizes, content size, checksums). The broker must hand each of them on untouched.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.conftest import CLIENTS
from compat_tests.drivers import CODECS, Client, Out
from compat_tests.members import Members
from compat_tests.tools import T0, unique

Open = Callable[[str, str], Client]


def letters(client: Client) -> list[Out]:
    """Records of every kind that this client writes: single ones, and enough to fill batches that compress."""
    records = [
        Out(b"value", b"key", (("h", b"1"), ("h", b"2"), ("\u00e9", b"\x00\xff")), timestamp_ms=T0),
        Out(None, b"tombstone", timestamp_ms=T0 + 5),
        Out(b"", b"", timestamp_ms=T0 + 4),
        Out(bytes(range(256)) * 300, None, timestamp_ms=T0 + 3),
    ]
    if client.null_headers:
        records.append(Out(b"v", None, (("null", None), ("empty", b"")), timestamp_ms=T0 + 6))
    if client.all_null:
        records.append(Out(None, None, timestamp_ms=T0 + 7))
    for number in range(500):
        text = f"{number} of many, alike enough to compress ".encode()
        records.append(Out(text * (number % 7), b"%d" % number, (("n", b"%d" % number),), timestamp_ms=T0 + number))
    return records


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("writer", list(CLIENTS))
def test_all_clients_read_the_same(broker: Process | Outside, open_clients: Open, writer: str, codec: str) -> None:
    author = open_clients(writer, broker.bootstrap)
    name = author.create_topic(unique("exchange"))
    records = letters(author)
    with author.producer(compression=codec, linger_ms=20) as producer:
        producer.send(name, *records)
    written = [(0, out.key, out.value, out.headers, out.timestamp_ms) for out in records]
    for reader in CLIENTS:
        seen = open_clients(reader, broker.bootstrap).read_all(name, len(records))
        assert [record.content for record in seen] == written, reader
        assert [record.offset for record in seen] == list(range(len(records))), reader


def test_one_topic_written_by_all_in_all_codecs_is_read_alike(broker: Process | Outside, open_clients: Open) -> None:
    clients = [open_clients(name, broker.bootstrap) for name in CLIENTS]
    name = clients[0].create_topic(unique("exchange"))
    written: list[bytes] = []
    for codec in CODECS:
        for client in clients:
            values = [f"{client.name} {codec} {number}".encode() for number in range(100)]
            with client.producer(compression=codec) as producer:
                producer.send(name, *(Out(value, timestamp_ms=T0) for value in values))
            written += values
    views = [[(record.offset, record.content) for record in client.read_all(name, len(written))] for client in clients]
    assert views[0] == views[1] == views[2]
    assert [content[2] for _, content in views[0]] == written


def test_members_of_three_libraries_share_one_group(broker: Process | Outside, open_clients: Open, group: str) -> None:
    """All three know the round-robin assignor; the coordinator must choose it, and one library leads the others."""
    clients = [open_clients(name, broker.bootstrap) for name in CLIENTS]
    name = clients[0].create_topic(unique("shared"), partitions=6)
    whole = {(name, partition) for partition in range(6)}
    with Members() as members:
        for client in clients:
            members.join(client.consumer(group=group), name)
            members.wait_shared(whole)
        with clients[0].producer() as producer:
            producer.send(name, *(Out(b"%d" % number, partition=number % 6) for number in range(600)))
        seen = members.wait_records(600)
        assert sorted((record.partition, record.offset) for record in seen) == [
            (partition, offset) for partition in range(6) for offset in range(100)
        ]
        assert all(len(member.records) == 200 for member in members.members)
        members.close(members.members[0])
        members.wait_shared(whole)


def test_what_one_library_commits_the_others_find(broker: Process | Outside, open_clients: Open, group: str) -> None:
    clients = [open_clients(name, broker.bootstrap) for name in CLIENTS]
    name = clients[0].create_topic(unique("shared"))
    with clients[0].producer() as producer:
        producer.send(name, *(Out(b"%d" % number) for number in range(30)))
    for index, client in enumerate(clients):
        offset = 5 * (index + 1)
        with client.consumer(group=group) as consumer:
            consumer.subscribe(name)
            consumer.read(1)
            consumer.commit({(name, 0): offset})
        for other in clients:
            with other.consumer(group=group) as consumer:
                consumer.assign([(name, 0)])
                assert consumer.committed((name, 0)) == offset, (client.name, other.name)
                assert consumer.read(30 - offset)[0].offset == offset, (client.name, other.name)
