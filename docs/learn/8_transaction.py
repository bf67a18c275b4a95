"""Chapter 8: a transaction that commits, one that aborts, and what readers of committed records see.

python 8_transaction.py 127.0.0.1:9092 TOPIC TRANSACTIONAL_ID
"""

import importlib
import sys

from frames import TRANSACTION, Broker, array, coordinator, int8, int16, int32, int64, patiently, string

produce, batch = (getattr(importlib.import_module("3_produce"), name) for name in ("produce", "batch"))
fetch, batches, records = (
    getattr(importlib.import_module("4_fetch"), name) for name in ("fetch", "batches", "records")
)

INIT_PRODUCER_ID, ADD_PARTITIONS, END = 22, 24, 26
TRANSACTIONAL, CONTROL = 0b1_0000, 0b10_0000  # bits of a batch's attributes
ABORT, COMMIT = 0, 1
address, topic, transactional_id = sys.argv[1:4]
leader = Broker(address)  # of a cluster of one; Metadata says who leads a partition of a larger one
broker = coordinator(address, transactional_id, TRANSACTION)


def init_producer_id() -> tuple[int, int, int]:
    """With a name this does more than to give out an id: whoever had the name before is fenced, and what he left
    open is aborted."""
    answer = broker.ask(INIT_PRODUCER_ID, 0, string(transactional_id) + int32(60_000))
    answer.int32()  # throttle time
    return answer.int16(), answer.int64(), answer.int16()


error, producer_id, epoch = patiently(init_producer_id)
assert error == 0, f"error {error}"
print(f"producer {producer_id}, epoch {epoch}")
me = string(transactional_id) + int64(producer_id) + int16(epoch)


def add_partition() -> int:
    """The coordinator writes down where the transaction is going to write, before anything is written."""
    answer = broker.ask(ADD_PARTITIONS, 0, me + array([string(topic) + array([int32(0)])]))
    answer.int32()
    assert answer.int32() == 1 and answer.string() == topic and answer.int32() == 1 and answer.int32() == 0
    return answer.int16()


def write(values: list[bytes], sequence: int) -> int:
    """The offset of the first of them."""
    data = batch(values, producer_id, epoch, sequence, attributes=TRANSACTIONAL)
    error, offset = produce(leader, topic, 0, data, transactional_id=transactional_id)
    assert error == 0, f"error {error}"
    return int(offset)


def end(outcome: int) -> int:
    answer = broker.ask(END, 0, me + int8(outcome))
    answer.int32()
    return answer.int16()


def read(offset: int, isolation: int = 1) -> list[str]:
    """What a reader makes of the partition: of committed records only, unless isolation is 0. The broker tells which
    producers' transactions were aborted and from which offset on; the reader leaves these out until their marker."""
    got = fetch(leader, topic, 0, offset, wait_ms=0, isolation=isolation)
    assert got.error == 0, f"error {got.error}"
    seen, aborted = [], set()
    for one in batches(got.data):
        aborted |= {producer for producer, first in got.aborted if first <= one.base_offset}
        if one.attributes & CONTROL:
            aborted.discard(one.producer_id)  # its marker: the transaction ends here
            continue
        if not (one.attributes & TRANSACTIONAL and one.producer_id in aborted):
            seen += [value.decode() for _, _, value in records(one)]
    return seen


assert patiently(add_partition) == 0
start = write([b"from one account", b"to another"], sequence=0)
print(f"written at offset {start}; readers of committed records see {read(start)}, others {read(start, isolation=0)}")
assert read(start) == []

assert end(COMMIT) == 0
while fetch(leader, topic, 0, start).last_stable_offset < start + 3:
    pass  # the decision has been taken, the marker is on its way to the partition
print(f"committed: {read(start)}")
assert len(read(start)) == 2

assert patiently(add_partition) == 0
second = write([b"never mind"], sequence=2)
assert end(ABORT) == 0
while fetch(leader, topic, 0, second).last_stable_offset < second + 2:
    pass
got = fetch(leader, topic, 0, start, isolation=1)
print(f"aborted: Fetch says {got.aborted}, so readers see {read(start)}, others {read(start, isolation=0)}")
assert got.aborted == [(producer_id, second)] and len(read(start)) == 2

markers = [one for one in batches(got.data) if one.attributes & CONTROL]
print("markers at", [one.base_offset for one in markers])
assert [one.base_offset for one in markers] == [start + 2, second + 1]

zombie, fresh = epoch, patiently(init_producer_id)
data = batch([b"too late"], producer_id, zombie, sequence=3, attributes=TRANSACTIONAL)
error, _ = produce(leader, topic, 0, data, transactional_id=transactional_id)
print(f"the name is taken over in epoch {fresh[2]}; the one before is answered with error {error}")
assert fresh[2] > zombie and error in (47, 90), error
