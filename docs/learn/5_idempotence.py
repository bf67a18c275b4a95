"""Chapter 5: a producer id and sequence numbers: sent twice, stored once.

python 5_idempotence.py 127.0.0.1:9092 TOPIC
"""

import importlib
import sys

from wire import Broker, int32, string

produce, batch = (getattr(importlib.import_module("3_produce"), name) for name in ("produce", "batch"))

INIT_PRODUCER_ID, VERSION = 22, 0
broker, topic = Broker(sys.argv[1]), sys.argv[2]

answer = broker.ask(INIT_PRODUCER_ID, VERSION, string(None) + int32(60_000))
answer.int32()  # throttle time
assert answer.int16() == 0
producer_id, epoch = answer.int64(), answer.int16()
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
