"""Chapter 2: who leads what. Makes a topic on the way, as the first client that asks for it does.

python 2_metadata.py 127.0.0.1:9092 TOPIC
"""

import sys

from wire import Broker, array, string

METADATA, VERSION = 3, 1
broker = Broker(sys.argv[1])
topic = sys.argv[2]

for attempt in range(20):
    answer = broker.ask(METADATA, VERSION, array([string(topic)]))
    brokers = {}
    for _ in range(answer.int32()):
        node, host, port, rack = answer.int32(), answer.string(), answer.int32(), answer.string()
        brokers[node] = f"{host}:{port}" + (f" in rack {rack}" if rack else "")
    controller = answer.int32()
    error = 0
    partitions = []
    for _ in range(answer.int32()):
        error, name, is_internal = answer.int16(), answer.string(), answer.int8()
        for _ in range(answer.int32()):
            partition_error, index, leader = answer.int16(), answer.int32(), answer.int32()
            replicas = [answer.int32() for _ in range(answer.int32())]
            in_sync = [answer.int32() for _ in range(answer.int32())]
            partitions.append((index, leader, replicas, in_sync))
    if not error:
        break
    print(f"error {error}: not there yet, asking again")  # 5 is LEADER_NOT_AVAILABLE: the topic is being made
else:
    raise SystemExit("the topic did not come up")

print(f"brokers: {brokers}, controller {controller}")
for index, leader, replicas, in_sync in sorted(partitions):
    print(f"{topic}-{index}: leader {leader}, replicas {replicas}, in sync {in_sync}")
