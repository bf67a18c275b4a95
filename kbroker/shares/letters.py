"""Dead letters (KIP-1191): what is written of a record that nobody could process. Pure; in Kafka's words.

A letter has the key and value of the record if the group wants a copy (`errors.deadletterqueue.copy.record.enable`),
and says in its headers where the record is and why it was given up. The headers of the record itself are not copied.
"""

from __future__ import annotations

from typing import NamedTuple

from wire.records import Record

PREFIX = "__dlq.errors."
REJECTED = "Offset rejected by client."
DELIVERED_TOO_OFTEN = "Offset delivery count exceeded the threshold."


class Lost(NamedTuple):
    """A record that is given up, and where it is."""

    group_id: str
    topic: str
    partition: int
    offset: int
    deliveries: int
    was_rejected: bool


def letter(lost: Lost, copied: Record | None, now: int) -> Record:
    headers = {
        "topic": lost.topic,
        "partition": str(lost.partition),
        "offset": str(lost.offset),
        "group": lost.group_id,
        "delivery.count": str(lost.deliveries),
        "message": REJECTED if lost.was_rejected else DELIVERED_TOO_OFTEN,
    }
    return Record(
        None if copied is None else copied.key,
        None if copied is None else copied.value,
        tuple([(PREFIX + name, text.encode()) for name, text in headers.items()]),
        now,
    )
