"""What a consumer's metadata says it reads.

The blob is a ConsumerProtocolSubscription behind its int16 version. Only the topics matter to us, and they lead every
version; so like Kafka we read version 0 of it and let be what follows. The broker uses them for nothing but to
protect the offsets of a topic that is being read.
"""

from __future__ import annotations

from collections.abc import Iterable

from wire.durable.assignment import ConsumerProtocolSubscription
from wire.errors import MalformedMessage

CONSUMER = "consumer"
_VERSION_BYTES = 2


def subscribed_topics(blobs: Iterable[bytes]) -> frozenset[str] | None:
    """The union over all members; None when one of them is not such a blob."""
    topics: set[str] = set()
    try:
        for blob in blobs:
            subscription, _ = ConsumerProtocolSubscription.decode_from(blob, _VERSION_BYTES, 0)
            topics.update(subscription.topics)
    except MalformedMessage:
        return None
    return frozenset(topics)
