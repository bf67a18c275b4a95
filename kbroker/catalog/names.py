"""Which names a topic may have (Kafka's `Topic` class).

Metric names turn '.' into '_', so topics that differ only there would be one to a dashboard: the second is refused.
"""

from __future__ import annotations

from wire.errors import ErrorCode, KafkaError

MAX_LENGTH = 249
ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def fault(name: str) -> str | None:
    """What is wrong with a topic's name, in Kafka's words."""
    if not name:
        return "the empty string is not allowed"
    if name in (".", ".."):
        return f"'{name}' is not allowed"
    if len(name) > MAX_LENGTH:
        return f"the length of '{name}' is longer than the max allowed length {MAX_LENGTH}"
    if not ALLOWED.issuperset(name):
        return f"'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    return None


def check(name: str) -> None:
    found = fault(name)
    if found is not None:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {found}")


def folded(name: str) -> str:
    """The same for all names that collide."""
    return name.replace(".", "_")
