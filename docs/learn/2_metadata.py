"""Chapter 2: who leads what. Makes a topic on the way, as the first client that asks for it does.

python 2_metadata.py 127.0.0.1:9092 TOPIC
"""

import sys

from frames import NOT_YET, Broker, array, patiently, string

METADATA, VERSION = 3, 1
broker, topic = Broker(sys.argv[1]), sys.argv[2]


def metadata() -> tuple[int, dict[int, str], int, list[tuple[int, int, list[int], list[int]]]]:
    """An error code, the brokers by id, which of them is the controller, and the topic's partitions."""
    answer = broker.ask(METADATA, VERSION, array([string(topic)]))
    brokers = {}
    for _ in range(answer.int32()):
        node, host, port, rack = answer.int32(), answer.string(), answer.int32(), answer.string()
        brokers[node] = f"{host}:{port}" + (f" in rack {rack}" if rack else "")
    controller = answer.int32()
    assert answer.int32() == 1, "one topic was asked for"
    error, _name, _is_internal = answer.int16(), answer.string(), answer.int8()
    partitions = []
    for _ in range(answer.int32()):
        partition_error, index, leader = answer.int16(), answer.int32(), answer.int32()
        replicas = [answer.int32() for _ in range(answer.int32())]
        in_sync = [answer.int32() for _ in range(answer.int32())]
        partitions.append((index, leader, replicas, in_sync))
        error = error or partition_error
    if error in NOT_YET:
        print(f"error {error}, {NOT_YET[error]}: not there yet, asking again")
    return error, brokers, controller, partitions


error, brokers, controller, partitions = patiently(metadata)
if error:
    raise SystemExit(f"error {error}")
print(f"brokers: {brokers}, controller {controller}")
for index, leader, replicas, in_sync in sorted(partitions):
    print(f"{topic}-{index}: leader {leader}, replicas {replicas}, in sync {in_sync}")
