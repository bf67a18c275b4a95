"""What a field is, by its place in a message: the versions that have it, and what the version that brought it was for.

Both come from the message's definition: the field's own range, and the lines of its file that tell the versions' story
("v3 group_instance_id (KIP-345)"). `kbroker explain` names bytes; this says of the named what a protocol guide would.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import NamedTuple

from wire.schema import Field, Message, Struct

_INDEX = re.compile(r"\[\d+\]")
_VERSION = re.compile(r"(?:^|\n|[ ]{2,})v(\d+)[ ]")


class About(NamedTuple):
    """`versions` as "3-5" or "3"; `since` is what the first of them brought, empty where the message had it ever."""

    versions: str
    since: str
    tag: int | None = None


@cache
def about(message: type[Message], path: str) -> About | None:
    """Of the field at `topics[0].name`; None for what is no field of the message: inside of records, tags."""
    struct: type[Struct] = message
    found: Field | None = None
    low, high = message.__versions__.low, message.__versions__.high
    for name in _INDEX.sub("", path).split("."):
        found = next((field for field in struct.__fields__ if field.name == name), None)
        if found is None:
            return None
        low, high = max(low, found.versions.low), min(high, found.versions.high)
        inner = found.struct or (found.element.struct if found.element is not None else None)
        struct = inner or Struct
    if found is None:
        return None
    since = story(message).get(low, "") if low > message.__versions__.low else ""
    return About(f"{low}-{high}" if low != high else str(low), since, found.tag)


@cache
def story(message: type[Message]) -> dict[int, str]:
    """What each version brought, in the words of the definition."""
    words = import_module(message.__module__).__doc__ or ""
    told: dict[int, str] = {}
    for block in words.split("\n\n"):
        if not re.match(r"v\d", block):
            continue
        _, *parts = _VERSION.split(block)
        for version, text in zip(parts[::2], parts[1::2], strict=True):
            told[int(version)] = " ".join(text.split())
    return told
