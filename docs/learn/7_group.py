"""Chapter 7: a member of a classic group: join, sync, heartbeat, commit, leave.

python 7_group.py 127.0.0.1:9092 TOPIC GROUP
"""

import sys

from frames import Reader, array, blob, coordinator, int16, int32, int64, patiently, string

JOIN, SYNC, HEARTBEAT, LEAVE, COMMIT, FETCH_OFFSETS = 11, 14, 12, 13, 8, 9
address, topic, group = sys.argv[1:4]

# Who looks after this group? Its coordinator leads the partition of __consumer_offsets that the group's name belongs to.
broker = coordinator(address, group)

# Join with what we can do: the protocol "range", and inside it the topics that we want.
subscription = int16(0) + array([string(topic)]) + blob(b"")


def join() -> tuple[int, int, str | None, str | None, list[tuple[str | None, bytes]]]:
    """An error code, the generation, the leader's name, ours, and for the leader what all members said."""
    body = string(group) + int32(10_000) + int32(10_000)  # session and rebalance timeout
    body += string("") + string("consumer") + array([string("range") + blob(subscription)])  # "": no name yet
    answer = broker.ask(JOIN, 2, body)
    answer.int32()  # throttle time
    error, generation, _protocol = answer.int16(), answer.int32(), answer.string()
    leader, member = answer.string(), answer.string()
    return error, generation, leader, member, [(answer.string(), answer.blob()) for _ in range(answer.int32())]


error, generation, leader, member, members = patiently(join)
assert error == 0, f"error {error}"
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

where = array([string(topic) + array([int32(0) + int64(42) + string("from chapter 7")])])
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
