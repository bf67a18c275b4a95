"""A Kafka client for the command line: any cluster, one blocking call after the other.

    connection.py   one socket: ApiVersions first, then SASL where asked for, then requests in the newest common version
    security.py     TLS and SASL from the client's end (RFC 4616, RFC 5802, RFC 7628)
    settings.py     bootstrap addresses, and the properties files that Kafka's own tools take
    cluster.py      which broker to ask: any, the controller, a leader, a coordinator; asking again while it is moving
    reading.py      records from offsets on, from all leaders at once
    writing.py      records into batches, batches to their leaders

It is `wire.conversation` with a socket: whatever speaks Kafka can be asked, kbroker or not. Topics are named rather
than given by id (Fetch and Produce stay at version 12), so brokers back to Kafka 2.1 are understood. What goes wrong
is a `ClientError`, one sentence that a person can act on, or the broker's own `KafkaError`.
"""
