"""Chapter 9: a member of a group of the new kind (KIP-848): one request does it all, and the broker assigns.

python 9_consumer_group.py 127.0.0.1:9092 TOPIC GROUP [--stay]

With --stay it goes on until Ctrl-C (or kill), and tells of every change: start it several times at once.
"""

import signal
import sys
import time
import uuid
from typing import Any

from frames import (
    NO_TAGS, Broker, Reader, compact_array, compact_string, coordinator, int8, int32, patiently,
)  # fmt: skip

CONSUMER_GROUP_HEARTBEAT, METADATA = 68, 3
JOIN, LEAVE = 0, -1  # instead of an epoch
address, topic, group = sys.argv[1:4]
stays = "--stay" in sys.argv

member = str(uuid.uuid4())  # a member names itself, from version 1 on
broker = coordinator(address, group)
Assignment = dict[bytes, list[int]]  # topic ids, and partitions of each


def heartbeat(epoch: int, owned: Assignment | None = None, joining: bool = False) -> tuple[int, int, int, Any]:
    """An error code, the epoch that we are in now, milliseconds to the next heartbeat, and what we are to have, where
    it has changed. `owned` is what we have; only what has changed since is said, the rest is null."""
    body = compact_string(group) + compact_string(member) + int32(epoch)
    body += compact_string(None) + compact_string(None)  # no instance id: not static; no rack
    body += int32(10_000 if joining else -1)  # rebalance timeout: how long we may take to give something up
    body += compact_array([compact_string(topic)] if joining else None) + compact_string(None)  # topics; no regex
    body += compact_string(None)  # any assignor will do
    body += compact_array(None if owned is None else [topic_partitions(*item) for item in owned.items()])
    answer = broker.ask(CONSUMER_GROUP_HEARTBEAT, 1, body + NO_TAGS, flexible=True)
    answer.int32()  # throttle time
    error, message, _member = answer.int16(), answer.compact_string(), answer.compact_string()
    if message:
        print(message)
    return error, answer.int32(), answer.int32(), assignment(answer)


def topic_partitions(topic_id: bytes, partitions: list[int]) -> bytes:
    return topic_id + compact_array([int32(index) for index in partitions]) + NO_TAGS


def assignment(answer: Reader) -> Assignment | None:
    """A structure that may be null has a byte in front: 1, or -1 for null."""
    if answer.int8() < 0:
        return None
    found = {}
    for _ in range(answer.compact_count()):
        topic_id = answer.take(16)
        found[topic_id] = [answer.int32() for _ in range(answer.compact_count())]
        answer.tags()
    answer.tags()
    return found


def name_of(topic_id: bytes) -> str | None:
    """Metadata of a topic by its id, version 12: its name is null in the request, and stands in the answer."""
    body = compact_array([topic_id + compact_string(None) + NO_TAGS]) + int8(0) + int8(0) + NO_TAGS
    answer = Broker(address).ask(METADATA, 12, body, flexible=True)
    answer.int32()
    for _ in range(answer.compact_count()):  # brokers
        answer.int32(), answer.compact_string(), answer.int32(), answer.compact_string(), answer.tags()
    answer.compact_string(), answer.int32(), answer.compact_count()  # cluster id, controller, one topic
    error, name = answer.int16(), answer.compact_string()
    assert error == 0, f"error {error}"
    return name


def named(parts: Assignment) -> str:
    return ", ".join(f"{name_of(id)}: {sorted(indexes)}" for id, indexes in parts.items()) or "nothing"


error, epoch, interval_ms, given = patiently(lambda: heartbeat(JOIN, {}, joining=True))
assert error == 0, f"error {error}"
owned: Assignment = {}
signal.signal(signal.SIGTERM, signal.default_int_handler)  # who is asked to go leaves with a word
print(f"member {member} joined in epoch {epoch}, a heartbeat every {interval_ms} ms")
try:
    while stays or not owned:
        if given is not None and given != owned:
            owned = given  # a real consumer first commits and lets go of what it no longer has
            print(f"assigned in epoch {epoch}: {named(owned)}", flush=True)
            error, epoch, interval_ms, given = heartbeat(epoch, owned)  # "I have it": what I let go of is free now
        else:
            time.sleep(interval_ms / 1000 if stays else 0.1)
            error, epoch, interval_ms, given = heartbeat(epoch)
        assert error == 0, f"error {error}"
except KeyboardInterrupt:
    pass

stale, _, _, _ = heartbeat(epoch + 7)
print(f"an epoch that was never given: error {stale}")
assert stale == 110, "FENCED_MEMBER_EPOCH"
error, epoch, _, _ = heartbeat(LEAVE)
print(f"left: error {error}, epoch {epoch}")
assert error == 0
