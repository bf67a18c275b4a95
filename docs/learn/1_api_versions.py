"""Chapter 1: one frame there, one frame back. Standard library only.

python 1_api_versions.py 127.0.0.1:9092
"""

import socket
import struct
import sys

host, _, port = sys.argv[1].rpartition(":")
broker = socket.create_connection((host, int(port)), timeout=10)

# A request is a frame: its size, then a header, then a body. Integers are big-endian.
API_VERSIONS, VERSION, CORRELATION_ID = 18, 0, 1
client_id = b"learner"
header = struct.pack(">hhih", API_VERSIONS, VERSION, CORRELATION_ID, len(client_id)) + client_id
body = b""  # version 0 of ApiVersions asks nothing more
request = header + body
broker.sendall(struct.pack(">i", len(request)) + request)


def receive(count: int) -> bytes:
    """TCP gives bytes as they come, in pieces of its own: ask until all are there."""
    data = b""
    while len(data) < count:
        piece = broker.recv(count - len(data))
        if not piece:
            raise SystemExit("the broker closed the connection: something in the request was wrong")
        data += piece
    return data


(size,) = struct.unpack(">i", receive(4))
response = receive(size)
correlation_id, error_code, count = struct.unpack_from(">ihi", response)
assert correlation_id == CORRELATION_ID, "the answer to another request"
assert error_code == 0
print(f"the broker answered with {size} bytes and knows {count} APIs:")
for at in range(count):
    key, lowest, highest = struct.unpack_from(">hhh", response, 10 + 6 * at)
    print(f"  key {key:3}  versions {lowest} to {highest}")
