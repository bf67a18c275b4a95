"""Chapter 6: a member of a classic group: join, sync, heartbeat, commit, leave.

python 6_group.py 127.0.0.1:9092 TOPIC GROUP
"""

import sys

from wire import Broker, Reader, array, blob, int16, int32, int64, string

FIND_COORDINATOR, JOIN, SYNC, HEARTBEAT, LEAVE, COMMIT, FETCH_OFFSETS = 10, 11, 14, 12, 13, 8, 9
COORDINATOR_NOT_AVAILABLE, COORDINATOR_LOADING = 15, 14
address, topic, group = sys.argv[1:4]

# Who looks after this group? Its coordinator leads the partition of __consumer_offsets that the group's name belongs to.
error = COORDINATOR_NOT_AVAILABLE
while error in (COORDINATOR_NOT_AVAILABLE, COORDINATOR_LOADING):
    answer = Broker(address).ask(FIND_COORDINATOR, 0, string(group))
    error, node, host, port = answer.int16(), answer.int32(), answer.string(), answer.int32()
assert error == 0, error
broker = Broker(f"{host}:{port}")
print(f"the coordinator is node {node}")

# Join with what we can do: the protocol "range", and inside it the topics that we want.
subscription = int16(0) + array([string(topic)]) + blob(b"")
member = ""
while True:
    body = string(group) + int32(10_000) + int32(10_000) + string(member) + string("consumer")
    answer = broker.ask(JOIN, 2, body + array([string("range") + blob(subscription)]))
    answer.int32()  # throttle time
    error, generation = answer.int16(), answer.int32()
    protocol, leader, member = answer.string(), answer.string(), answer.string() or ""
    if error != COORDINATOR_LOADING:
        break
assert error == 0, error
members = [(answer.string(), answer.blob()) for _ in range(answer.int32())]
print(f"generation {generation}: I am {member}, the leader is {leader}, of {len(members)} members")

# The leader decides who gets what, and tells the coordinator; the others send nothing. Alone, we get everything.
assignment = int16(0) + array([string(topic) + array([int32(0)])]) + blob(b"")
told = [string(name) + blob(assignment) for name, _ in members] if leader == member else []
answer = broker.ask(SYNC, 1, string(group) + int32(generation) + string(member) + array(told))
answer.int32()
assert answer.int16() == 0
mine = Reader(answer.blob())
mine.int16()
print("assigned:", [(mine.string(), [mine.int32() for _ in range(mine.int32())]) for _ in range(mine.int32())])

answer = broker.ask(HEARTBEAT, 1, string(group) + int32(generation) + string(member))
answer.int32()
print("heartbeat: error", answer.int16())

where = array([string(topic) + array([int32(0) + int64(42) + string("from chapter 6")])])
answer = broker.ask(COMMIT, 2, string(group) + int32(generation) + string(member) + int64(-1) + where)
assert answer.int32() == 1 and answer.string() == topic and answer.int32() == 1 and answer.int32() == 0
print("commit: error", answer.int16())

answer = broker.ask(FETCH_OFFSETS, 1, string(group) + array([string(topic) + array([int32(0)])]))
assert answer.int32() == 1 and answer.string() == topic and answer.int32() == 1 and answer.int32() == 0
offset, note = answer.int64(), answer.string()
print(f"committed: {offset} ({note})")
assert offset == 42

answer = broker.ask(LEAVE, 1, string(group) + string(member))
answer.int32()
print("left: error", answer.int16())
