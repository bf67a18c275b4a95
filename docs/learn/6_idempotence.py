"""Chapter 6: a producer id and sequence numbers: sent twice, stored once.

python 6_idempotence.py 127.0.0.1:9092 TOPIC
"""

import importlib
import sys

from frames import Broker, int32, patiently, string

produce, batch = (getattr(importlib.import_module("3_produce"), name) for name in ("produce", "batch"))

INIT_PRODUCER_ID, VERSION = 22, 0
broker, topic = Broker(sys.argv[1]), sys.argv[2]



def init_producer_id() -> tuple[int, int, int]:
    """An error code, a producer id that nobody else has, and its epoch."""
    answer = broker.ask(INIT_PRODUCER_ID, VERSION, string(None) + int32(60_000))  # no transactional id, timeout
    answer.int32()  # throttle time
    return answer.int16(), answer.int64(), answer.int16()


error, producer_id, epoch = patiently(init_producer_id)
assert error == 0, f"error {error}"
print(f"producer {producer_id}, epoch {epoch}")

first = batch([b"once"], producer_id, epoch, sequence=0)
error, offset = produce(broker, topic, 0, first)
print(f"sequence 0: error {error}, offset {offset}")
assert error == 0

again, same = produce(broker, topic, 0, first)
print(f"the same again: error {again}, offset {same}")
assert (again, same) == (0, offset), "a duplicate is answered like the first one, and stored once"

gap, _ = produce(broker, topic, 0, batch([b"later"], producer_id, epoch, sequence=5))
print(f"sequence 5, where 1 comes next: error {gap}")
assert gap == 45, "OUT_OF_ORDER_SEQUENCE_NUMBER"

old, _ = produce(broker, topic, 0, batch([b"zombie"], producer_id, epoch - 1, sequence=1))
print(f"an older epoch: error {old}")
assert old != 0
